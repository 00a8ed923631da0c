"""A regime described in a sentence that is made from its settings."""

from __future__ import annotations

from mere.config import Recipe, StageSettings, SwitcherSettings
from mere.research.compare.plan import Cell

_GROUPS = {"all": "everything", "heads": "the heads"}


def describe(cell: Cell) -> str:
    """Return what is trained, on what and how long: "One model for all languages, 16 epochs. Then …"."""
    sentences = []
    for number, (of, stage) in enumerate(cell.path()):
        words = _stage(of.recipe, stage, first=number == 0)
        sentences.append(words if number == 0 else f"then {words}")
    text = "; ".join(sentences)
    if cell.source is None and cell.recipe.start:
        text += "; the first weights are those of a file"
    return text[0].upper() + text[1:] + "."


def _stage(recipe: Recipe, stage: StageSettings, *, first: bool) -> str:
    if stage.learns_from_text:
        return f"the encoder for all languages from text alone, {stage.length}"
    parts = [_what(recipe, stage, first=first), stage.length]
    sampling = stage.sampling
    if stage.sampling.temperature != 1 and not stage.per_language:
        parts.append(f"small languages drawn more often (temperature {sampling.temperature:g})")
    if stage.objective.name not in ("sum", "masked"):
        parts.append(f"the languages' losses joined by {stage.objective.name}")
    if sampling.group_size > 1:
        parts.append(
            f"{100 * sampling.group_share:.0f} % of the batches with sentences of {sampling.group_size} languages "
            "side by side" + (" through the aggregator" if recipe.aggregator.layers else "")
        )
    elif recipe.aggregator.layers and not stage.use_aggregator:
        parts.append("without the aggregator")
    return ", ".join(parts)


def _what(recipe: Recipe, stage: StageSettings, *, first: bool) -> str:
    groups = [_GROUPS.get(group, f"the {group}") for group in stage.train if group != "switcher"]
    trained = (
        "everything" if "everything" in groups or set(stage.train) >= _present(recipe) else _join(groups)
    )
    if stage.lora:
        return f"for each language a change of rank {stage.lora} of {trained}"
    pipeline = "triples" in recipe.task and not recipe.triples.shared
    models = (
        "two models, a classifier of relations and a tagger that is told them," if pipeline else "one model"
    )
    if "triples" in recipe.task and not recipe.triples.tell_relation:
        models += ", whose tagger is not told the relation,"
    if stage.per_language:
        if first:
            return f"{models.replace('one', 'a')} for each language alone"
        return f"{trained} fine-tuned for each language alone"
    if "switcher" in stage.train:
        beside = f" and {trained} shared by all" if groups else ""
        return f"{_switcher(recipe.switcher)} for each language{beside}, the rest frozen"
    if first:
        return f"{models} for all languages"
    return f"{trained} for all languages together"


def _switcher(settings: SwitcherSettings) -> str:
    if settings.kind == "lora":
        return f"a low-rank change of the encoder, rank {settings.rank},"
    where = " in each layer of the encoder" if settings.kind == "adapters" else ""
    return f"a switcher of width {settings.width}{where}"


def _present(recipe: Recipe) -> set[str]:
    """The groups that all languages share and that have parameters in this model."""
    return {"encoder", "heads"} | ({"aggregator"} if recipe.aggregator.layers else set())


def _join(words: list[str]) -> str:
    return (
        words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else "nothing"
    )
