"""One language of a model of several, as a model folder of its own that predicts what it did in the whole model.

LoRA inside the encoder, and a language's own weights (mere.models.delta), go into the weights; a bottleneck or
adapters stay, those of this language alone. What other languages have is left behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mere.config import Recipe, SwitcherSettings
from mere.errors import UserError, nearest
from mere.inference.calibration import of_languages, read_record
from mere.inference.fitting import card_section
from mere.models.delta import specialised
from mere.models.model import Model, build
from mere.models.weights import load_model, own_weights, to_arrays
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.lora import merge_low_rank
from mere.nn.switcher import module_name
from mere.schema import UNIVERSAL, Labels
from mere.store.calibration import write_calibration
from mere.store.card import card_of_another
from mere.store.files import new_folder
from mere.store.folder import ModelConfig, ModelFolder, write_folder


@dataclass(frozen=True)
class ExportedLanguage:
    """A model of one language.

    Args:
        thresholds: of the language, and of the universal path.
        has_one_path: texts of any language take the language's path: there is no universal one.
    """

    model: Model
    recipe: Recipe
    labels: Labels
    thresholds: Mapping[str, float]
    has_one_path: bool


def load_language(stored: ModelFolder, lang: str) -> Model:
    """Return a stored model of several languages with one's own weights in it, if it has any.

    Raises:
        UserError: the model does not know the language.
        ModelError: the weights are missing or cut short.
    """
    known = stored.labels.languages
    if lang not in known:
        raise UserError(
            f'{stored.path}: the model does not know the language "{lang}".{nearest(lang, known)} '
            f"It has {', '.join(known)}."
        )
    model = load_model(stored)
    return specialised(model, own_weights(model, stored, lang)) if lang in stored.own else model


@torch.no_grad()
def extract_language(stored: ModelFolder, lang: str) -> ExportedLanguage:
    """Return a language of a stored model as a model of its own; raises as `load_language` does."""
    model = load_language(stored, lang)
    prefix = f"switcher.of.{module_name(lang)}."
    state = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith("switcher.") or name.startswith(prefix)
    }
    recipe = stored.recipe
    if isinstance(model.switcher, LoraSwitcher):
        state = {name: tensor for name, tensor in state.items() if not name.startswith("switcher.")}
        for site, (up, down) in model.switcher.changes(lang).items():
            name = f"encoder.{site}.weight"
            state[name] = merge_low_rank(state[name], up, down)
        recipe = _without_switcher(recipe)
    labels = replace(stored.labels, languages=(lang,))
    built = build(recipe, labels, stored.pieces)
    built.load_state_dict(state, strict=True)
    threshold = stored.thresholds.get(lang, stored.thresholds[UNIVERSAL])
    has_one_path = built.switcher is None
    universal = threshold if has_one_path else stored.thresholds[UNIVERSAL]
    return ExportedLanguage(
        built.eval(), recipe, labels, {UNIVERSAL: universal, lang: threshold}, has_one_path
    )


def _without_switcher(recipe: Recipe) -> Recipe:
    """Return the recipe of a model with its switcher in its weights: what trained the one has trained the encoder."""
    stages = tuple(
        stage.model_copy(
            update={
                "train": tuple("encoder" if group == "switcher" else group for group in stage.train),
                "use_switcher": False,
            }
        )
        for stage in recipe.stages
    )
    return recipe.model_copy(update={"switcher": SwitcherSettings(width=0), "stages": stages})


def export_language(model: str | Path, lang: str, out: str | Path) -> ExportedLanguage:
    """Write a language of a model as a model folder of its own, and return what is in it.

    Args:
        model: a model folder; it stays as it is. out: the new folder; it must not exist.

    Raises:
        UserError: the model does not know the language, or `out` is there.
        ModelError: the model is wrong.
        TrainingError: the disk is full; nothing is left behind.
    """
    stored = ModelFolder.read(model)
    with new_folder(Path(out)) as part:
        exported = extract_language(stored, lang)
        write_folder(
            part,
            ModelConfig(
                exported.recipe, exported.labels, stored.pieces, exported.thresholds, stored.longest_span
            ),
            to_arrays(exported.model.state_dict()),
            metrics=_metrics(stored, exported, lang),
            card=_card(stored, exported, lang),
        )
        universal = lang if exported.has_one_path else UNIVERSAL
        record = of_languages(read_record(stored.path), [lang], universal=universal)
        write_calibration(part, record, card_section(record))
    return exported


def _metrics(stored: ModelFolder, exported: ExportedLanguage, lang: str) -> dict[str, Any]:
    dev = {name: {lang: by[lang]} for name, by in stored.metrics().get("dev", {}).items() if lang in by}
    return {
        **({"dev": dev} if dev else {}),
        "costs": {"parameters": sum(p.numel() for p in exported.model.parameters())},
        "exported": {"lang": lang, "weights_sha256": stored.digest, "of": list(stored.labels.languages)},
    }


def _card(stored: ModelFolder, exported: ExportedLanguage, lang: str) -> str:
    """Return the model's card without the scores of other languages, with a section that says what this is."""
    languages = stored.labels.languages
    how = (
        f"What it had for {lang} is merged into its weights, so a text of any language is read as {lang}."
        if exported.has_one_path
        else "A text that is taken for another language takes the universal path."
    )
    return card_of_another(
        stored.card(),
        stored.recipe,
        stored.labels,
        exported.labels,
        heading="One language of several",
        said=f"This is {lang} of a model of {', '.join(languages)}. {how}",
        unmeasured=[name for name in (*languages, "macro") if name != lang],
    )
