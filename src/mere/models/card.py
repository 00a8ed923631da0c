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
    dev = metrics.get("dev", {}).get("triple_f1/strict", {})
    lines = [
        f"# {recipe.name}",
        "",
        f"A `mere` model that extracts relational triples: {len(labels.relations)} relations, "
        f"{len(labels.languages)} languages ({', '.join(labels.languages)}).",
        "",
        "```python",
        "import mere",
        'document = mere.load("this folder")("Your text.")',
        "```",
        "",
        f"- Trained in stages: {stages}; seed {recipe.seed}.",
        f"- Data: {recipe.data.path or 'the quick-start corpus'}, fingerprint `{fingerprint[:16]}`. "
        "A model inherits the licence of its data.",
        f"- Relations: {', '.join(labels.relations)}.",
        "- Languages that are not listed take the universal path; scores are confidences, not truths.",
        "",
        "| language | training sentences | dev `triple_f1/strict` |",
        "| --- | ---: | ---: |",
    ]
    train = sizes.get(recipe.data.train_split, {})
    for lang in labels.languages:
        score = f"{dev[lang]:.1f}" if lang in dev else "not measured"
        lines.append(f"| {lang} | {train.get(lang, 0)} | {score} |")
    if "macro" in dev:
        lines.append(f"| macro | {sum(train.values())} | {dev['macro']:.1f} |")
    lines += [
        "",
        "Dev scores chose the thresholds and the best weights; measure on a test split with `mere evaluate`.",
        "",
    ]
    return "\n".join(lines)
