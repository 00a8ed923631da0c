"""A comparison in Markdown, and the sentences that sum it up in either report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mere.metrics.render import with_interval
from mere.research.markdown import p_value, points, render_table
from mere.research.results import Comparison, Results

SIGNIFICANT = 0.05


def is_significant(comparison: Comparison) -> bool:
    """Whether the corrected p is at most 0.05."""
    return comparison.p_holm is not None and comparison.p_holm <= SIGNIFICANT


def headline(results: Results, metric: str) -> list[str]:
    """Say which regime scored highest, and which differ from the baseline after correction."""
    macro = {name: system.metrics[metric]["macro"] for name, system in results.systems.items()}
    known = {name: score.value for name, score in macro.items() if score.value is not None}
    if not known:
        return []
    best = max(known, key=lambda name: known[name])
    said = [f"{best} has the highest mean over languages: {with_interval(macro[best])} % {metric}."]
    scored = {"macro", *(scope for system in results.systems.values() for scope in system.metrics[metric])}
    tests = [c for c in results.comparisons if c.metric == metric and c.scope in scored]
    for c in (c for c in tests if c.scope == "macro"):
        single = [t for t in tests if (t.a, t.b) == (c.a, c.b) and t.scope != "macro" and is_significant(t)]
        better = [t.scope for t in single if (t.difference or 0) > 0]
        worse = [t.scope for t in single if (t.difference or 0) < 0]
        verdict = "significant" if is_significant(c) else "not significant"
        found = [("better", better), ("worse", worse)]
        num_langs = sum((t.a, t.b) == (c.a, c.b) and t.scope != "macro" for t in tests)
        langs = "".join(f"; significantly {word} in {_named(of, num_langs)}" for word, of in found if of)
        said.append(
            f"{c.a} against {c.b}: {points(c.difference, c.low, c.high)} points, {verdict} "
            f"(p {p_value(c.p_holm)} after Holm's correction){langs}."
        )
    if max(len(system.seeds) for system in results.systems.values()) == 1:
        said.append(
            "One seed: the intervals cover the choice of sentences, not what another seed would change."
        )
    return said


def _named(langs: Sequence[str], num_langs: int) -> str:
    return f"all {num_langs} languages" if len(langs) == num_langs > 2 else ", ".join(langs)


def write_markdown(path: Path, results: Results, metrics: Sequence[str]) -> None:
    """Write the tables of a comparison."""
    lines = [f"# {results.experiment}: regimes compared", "", results.description, ""]
    lines += [
        f"- Data: {results.data.name}, split {results.split}. Seeds: {', '.join(map(str, results.seeds))}.",
        f"- Budget: {results.budget}.",
        f"- Command: `{results.command}`",
        "",
    ]
    lines += [f"- {words}" for words in headline(results, metrics[0])]
    lines += ["", "## Regimes", ""]
    for name, system in results.systems.items():
        lines.append(f"- **{name}**: {system.description}" + (f" *{system.note}*" if system.note else ""))
    for metric in metrics:
        lines += ["", f"## {metric}, %", "", render_table(results, metric)]
        if any(comparison.metric == metric for comparison in results.comparisons):
            lines += ["", render_table(results, metric, table="comparisons")]
    lines += ["", "## Costs", "", render_table(results, metrics[0], table="costs")]
    if results.failed_attempts:
        lines += ["", "## Failed cells", "", render_table(results, metrics[0], table="attempts")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
