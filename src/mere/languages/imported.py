"""LoRA that peft has trained, as one language of a model: no data, no training, every other language as it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mere.languages.adapters import lora_of, sites_of
from mere.languages.new_language import rescored
from mere.languages.peft import Adapter, read_adapter
from mere.languages.verify import Unchanged, check_unchanged
from mere.models.model import build
from mere.schema import Labels
from mere.store.card import card_of_another
from mere.store.files import new_folder
from mere.store.folder import ModelFolder
from mere.training.costs import stored_bytes


@dataclass(frozen=True)
class Imported:
    """What was done: the new folder, what to know about it, and the check of the other languages."""

    folder: Path
    notes: tuple[str, ...]
    unchanged: Unchanged


def import_adapter(model: str | Path, adapter: str | Path, lang: str, out: str | Path) -> Imported:
    """Write a model to a new folder in which an adapter is a language: a new one, or in place of what it had.

    Args:
        model: a model folder whose languages are LoRA of a pretrained encoder; it stays as it is.
        adapter: a folder that peft has written.

    Raises:
        UserError: `out` is there.
        ModelError: the model is of another kind, or the adapter does not fit it.
        TrainingError: the disk is full, or another language would have changed; nothing is left behind.
    """
    stored, out = ModelFolder.read(model), Path(out)
    with new_folder(out) as part:
        read = read_adapter(Path(adapter))
        loaded = build(stored.recipe, stored.labels, stored.pieces)
        stored.load_weights(loaded)
        encoder, switcher = lora_of(loaded, str(stored.path))
        changes, left = sites_of(encoder, switcher, read)
        labels, is_new = stored.labels, lang not in stored.labels.languages
        if is_new:
            switcher.add(lang)
            labels = Labels(labels.relations, labels.types, (*labels.languages, lang))
        switcher.put(lang, changes)
        notes = _notes(read, encoder.checkpoint.name, left)
        own = {other: stored.delta(other) for other in stored.own}
        metrics = rescored(stored.metrics(), lang, {})
        metrics.setdefault("costs", {}).update(stored_bytes(loaded, own))
        metrics.setdefault("imported", []).append({"lang": lang, "base": read.base, "notes": list(notes)})
        ModelFolder.write(
            part,
            model=loaded,
            recipe=stored.recipe,
            labels=labels,
            pieces=stored.pieces,
            thresholds=stored.thresholds,
            metrics=metrics,
            card=_card(stored, labels, lang, read),
            own=own,
        )
        unchanged = check_unchanged(stored.path, part, (), but="" if is_new else lang)
    return Imported(out, notes, unchanged)


def _notes(adapter: Adapter, encoder: str, left: list[str]) -> tuple[str, ...]:
    notes = []
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        notes.append(f"left out, for they are not in the encoder: {', '.join(left[:3])}{more}")
    if adapter.base != encoder:
        notes.append(
            f"the adapter was made for {adapter.base or 'an unknown model'}, the encoder began as {encoder}: "
            "what it does is what it did only if their weights are the same"
        )
    return (*notes, "thresholds and heads are the model's: measure with mere evaluate")


def _card(stored: ModelFolder, after: Labels, lang: str, adapter: Adapter) -> str:
    return card_of_another(
        stored.card(),
        stored.recipe,
        stored.labels,
        after,
        heading="Languages imported",
        said=f"- **{lang}**: LoRA trained with peft on {adapter.base or 'an unknown model'}; not measured here.",
        unmeasured=(lang, "macro") if lang in stored.labels.languages else (),
    )
