"""Defaults of add-language: the learning rate of the model's recipe, and steps by the number of sentences.

Few sentences are shown often, in small batches: about `SENTENCES_SHOWN` in all, each at least `MIN_EPOCHS` times.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mere.config import ObjectiveSettings, Recipe, SamplingSettings, StageSettings
from mere.errors import UserError
from mere.models.model import Model
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.schema import UNIVERSAL
from mere.training.source import BatchSource, TrainingData

SENTENCES_SHOWN = 4000
MIN_EPOCHS = 5
MIN_BATCHES = 8
"""Batches of an epoch, at least."""
RANK = 8
EVALUATIONS = 8
_BATCHES_COMPARED = 16
"""Batches on which starts are compared, at most."""

AUTO = "auto"


@dataclass(frozen=True)
class Choices:
    """How a language is added; None leaves it to the model and to the number of sentences.

    Args:
        start: "universal", a language whose switcher is copied, or "auto": whichever fits best at the start.
        head_bias: the language may have biases of its own in the heads.
        lora: rank of the own weights of a model without switchers; 0: whole matrices.
        epochs, lr: of the training.
        skip_unknown: leave relations and types that the model does not know out, instead of refusing them.
    """

    start: str = AUTO
    head_bias: bool = False
    lora: int | None = None
    epochs: float | None = None
    lr: float | None = None
    skip_unknown: bool = False


def stage_for(
    lang: str, recipe: Recipe, lengths: NDArray[np.int64], choices: Choices, model: str
) -> StageSettings:
    """Return the stage that trains a language's part of a model: its switcher, or own weights where there are none.

    What the choices leave open is as in the stage of the recipe that comes nearest.

    Args:
        lengths: pieces of each training sentence. model: the folder, for a message.

    Raises:
        UserError: a choice is for the other kind of model.
    """
    base, changes = (_switcher if recipe.switcher.size else _language_weights)(recipe, choices, model)
    budget = max(16, int(lengths.max()), int(lengths.sum()) // MIN_BATCHES)
    sampling = SamplingSettings(
        pieces_per_batch=min(base.sampling.pieces_per_batch, budget),
        mention_replacement=base.sampling.mention_replacement,
        mention_masking=base.sampling.mention_masking,
    )
    epochs = max(MIN_EPOCHS, round(SENTENCES_SHOWN / len(lengths)))
    given = {
        "name": f"add-{lang}",
        "epochs": float(epochs) if choices.epochs is None else choices.epochs,
        "lr": base.lr if choices.lr is None else choices.lr,
        "steps": 0,
        "seconds": 0.0,
        "evaluations": EVALUATIONS,
        "patience": 0,
        "per_language": False,
        "objective": ObjectiveSettings(),
        "sampling": sampling,
    }
    return base.model_copy(update={**given, **changes})


def _switcher(recipe: Recipe, choices: Choices, model: str) -> tuple[StageSettings, dict[str, Any]]:
    """Return the recipe's last stage with switchers, if it has one, and what makes it train one switcher alone."""
    if choices.lora is not None:
        raise UserError(
            f"{model}: the model has switchers, so the language gets one; --lora is for a model without. "
            "Leave it out."
        )
    base = [stage for stage in recipe.stages if stage.use_switcher] or [recipe.stages[-1]]
    return base[-1], {"train": ("switcher",), "use_switcher": True, "lora": 0}


def _language_weights(recipe: Recipe, choices: Choices, model: str) -> tuple[StageSettings, dict[str, Any]]:
    """Return the recipe's last stage, and what makes it train own weights if it does not do so anyway."""
    if choices.head_bias:
        raise UserError(
            f"{model}: the model has no switchers, so the language gets weights of its own, biases among them. "
            "Leave --head-bias out."
        )
    if choices.start not in (AUTO, UNIVERSAL):
        raise UserError(
            f"{model}: the model has no switchers, so the language starts from the weights that all share: "
            f"leave --from {choices.start} out."
        )
    base = recipe.stages[-1]
    rank = choices.lora
    if rank is None:
        rank = base.lora if base.per_language else RANK
    groups = base.train if base.per_language else ("encoder", "heads")
    return base, {"train": groups, "use_switcher": False, "lora": rank}


@torch.inference_mode()
def nearest_start(model: Model, data: TrainingData, recipe: Recipe, stage: StageSettings) -> dict[str, float]:
    """Return the mean loss of the sentences through each switcher and through the universal path.

    The loss is what training goes on to lower, on the sentences it is given. Comparing gradients instead would
    take sentences of the other languages, which a model folder does not hold.
    """
    device = next(model.parameters()).device
    sampling = SamplingSettings(pieces_per_batch=stage.sampling.pieces_per_batch)
    source = BatchSource(data, recipe=recipe, sampling=sampling, epochs=1, seed=[recipe.seed])
    known = () if model.switcher is None else model.switcher.languages
    totals = dict.fromkeys((UNIVERSAL, *known), 0.0)
    model.eval()
    batches = min(len(source), _BATCHES_COMPARED)
    for step in range(batches):
        arrays, targets_of_batch = source[step]
        batch, targets = to_tensors(arrays, device), targets_to_tensors(targets_of_batch, device)
        for row, lang in enumerate(totals):
            routed = dataclasses.replace(batch, lang_id=torch.full_like(batch.lang_id, row))
            losses = model.losses(routed, targets)
            totals[lang] += float(sum(loss.item() for loss in losses.values())) / batches
    return totals
