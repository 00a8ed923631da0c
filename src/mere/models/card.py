"""A model's card: the README.md in its folder, made from what the run knows."""

from __future__ import annotations

from typing import Any

from mere.config import Recipe
from mere.schema import Labels


def card(
    recipe: Recipe,
    labels: Labels,
    sizes: dict[str, dict[str, int]],
    fingerprint: str,
    metrics: dict[str, Any],
) -> str:
    """Return the card in Markdown: task, data, scores per language, costs, and what the model is not for."""
    stages = ", then ".join(
        f"{stage.name} ({stage.epochs:g} epochs of {'+'.join(stage.train)})" for stage in recipe.stages
    )
    dev: dict[str, dict[str, float]] = metrics.get("dev", {})
    extracts = {
        "entities": f"entities of {len(labels.types)} types",
        "triples": f"relational triples: {len(labels.relations)} relations",
    }
    metric_names = [{"entities": "entity_f1/strict", "triples": "triple_f1/strict"}[t] for t in recipe.task]
    lines = [
        f"# {recipe.name}",
        "",
        f"A `mere` model that extracts {' and '.join(extracts[task] for task in recipe.task)}, "
        f"{len(labels.languages)} languages ({', '.join(labels.languages)}).",
        "",
        "```python",
        "import mere",
        'document = mere.load("this folder")("Your text.")',
        "```",
        "",
        f"- Trained in stages: {stages}; seed {recipe.seed}.",
        f"- Data: {recipe.data.where}, fingerprint `{fingerprint[:16]}`. "
        "A model inherits the licence of its data.",
        *([f"- Entity types: {', '.join(labels.types)}."] if labels.types else []),
        *([f"- Relations: {', '.join(labels.relations)}."] if labels.relations else []),
        "- Languages that are not listed take the universal path; scores are confidences, not truths.",
        "",
        "| language | training sentences | " + " | ".join(f"dev `{name}`" for name in metric_names) + " |",
        "| --- | ---: |" + " ---: |" * len(metric_names),
    ]
    train = sizes.get(recipe.data.train_split, {})
    for row in (*labels.languages, *(["macro"] if dev else [])):
        found = [dev.get(name, {}).get(row) for name in metric_names]
        scores = " | ".join("not measured" if value is None else f"{value:.1f}" for value in found)
        lines.append(f"| {row} | {train.get(row, 0) if row != 'macro' else sum(train.values())} | {scores} |")
    lines += [
        "",
        "Dev scores chose the thresholds and the best weights; measure on a test split with `mere evaluate`.",
        "",
    ]
    return "\n".join(lines)
