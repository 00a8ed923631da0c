"""Sections on the parameters: Fisher information, overlap, pruning, weight change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mere.research.analysis.fisher import Fisher
from mere.research.analysis.overlap import WITHIN, OverlapCurves, Pair, module_of
from mere.research.analysis.pruning import RANDOM, Pruned
from mere.research.analysis.weight_change import KINDS, WeightChange
from mere.research.report.charts import Point, bar_chart, heat_map, line_chart, per_cent
from mere.research.report.page import Page

NONE = float("nan")


def fisher_section(page: Page, found: Mapping[str, Fisher]) -> None:
    """Add the section on Fisher information by module."""
    page.section(
        "Fisher information",
        "Fisher information says how much a language's loss depends on a parameter. Here it is summed over "
        "each module and shown as a share of the language's total, so that a column adds up to 1. Modules are named "
        "as in the model.",
    )
    shares: dict[str, dict[str, float]] = {}
    for lang, fisher in found.items():
        total = sum(float(values.double().sum()) for values in fisher.diagonal.values()) or 1.0
        for name, values in fisher.diagonal.items():
            row = shares.setdefault(module_of(name), {})
            row[lang] = row.get(lang, 0.0) + float(values.double().sum()) / total
    page.figure(
        "Share of a language's information in each module. Mean over "
        + ", ".join(f"{f.sentences} sentences ({lang})" for lang, f in found.items())
        + ".",
        heat_map(
            list(shares),
            list(found),
            [[row.get(lang, 0.0) for lang in found] for row in shares.values()],
            title="Fisher information by module and language",
        ),
    )


def overlap_section(page: Page, curves: OverlapCurves, percent: float) -> None:
    """Add the section on the overlap of the languages' top sets, at all sizes and at `percent` in detail."""
    page.section(
        "Shared parameters",
        "The p % of the parameters with the most information, language by language, and how far two such sets "
        "overlap: Jaccard is the size of what they share over the size of both together.",
    )
    kinds = curves.kinds()
    within = kinds[WITHIN]
    lines = {kind: [_points(curves, "jaccard", pairs)] for kind, pairs in kinds.items()}
    lines["chance"] = [_points(curves, "chance_jaccard", within)]
    independent = (
        " Independent models of one run start from the same random weights, so their sets overlap more."
    )
    page.figure(
        "Mean overlap over pairs. Chance is that of random sets of the same sizes."
        + (independent if len(kinds) > 1 else ""),
        line_chart(
            lines,
            title="Overlap of top sets over p",
            x_label="p, per cent of the parameters",
            y_label="Jaccard",
            logarithmic=True,
        ),
    )
    place = nearest_place(curves.percents, percent)
    owners = curves.owners
    page.figure(
        f"Jaccard of every two at p = {curves.percents[place]:g} %.",
        heat_map(
            owners,
            owners,
            [[curves.curves["all"][a, b][place].jaccard if a != b else NONE for b in owners] for a in owners],
            title="Overlap of every two languages",
        ),
    )
    means = {module: curves.mean(module, within)[place] for module in curves.curves}
    whole = means["all"]
    page.findings.append(
        f"The {curves.percents[place]:g} % of the parameters that inform a language most overlap with another's by a "
        f"Jaccard of {whole.jaccard:.2f}, the mean over pairs; by chance it would be {whole.chance_jaccard:.2f}."
    )
    page.figure(
        f"Each module with a ranking of its own, p = {curves.percents[place]:g} %, mean over pairs of languages in "
        "this model. In brackets: its parameters. One ranking of all parameters counts as well which modules matter.",
        bar_chart(
            {
                f"{module} ({curves.sizes[module]:,})": {"Jaccard": o.jaccard, "chance": o.chance_jaccard}
                for module, o in means.items()
            },
            title="Overlap by module",
            x_label="Jaccard",
        ),
    )


def pruning_section(page: Page, pruned: Pruned, apart: Pruned | None) -> None:
    """Add the section on pruning; `apart`: of independent models, if there are any."""
    page.section(
        "Pruning to one language",
        "Only the p % of the parameters with the most information of one language are kept, the others are set "
        f"to 0; then every language is scored. Never pruned: {pruned.never_pruned:,} numbers (biases, norms, the "
        f"CRF, switchers), beside {pruned.prunable:,} that may be. Rows of an embedding table that a language's "
        "sentences do not read have no information for it, so they are pruned first, whatever they are to others.",
    )
    lines = {
        "the language itself": _kept(pruned, lambda owner, lang: owner == lang),
        "other languages": _kept(pruned, lambda owner, lang: owner not in (lang, RANDOM)),
        "random": _kept(pruned, lambda owner, lang: owner == RANDOM),
    }
    if apart is not None:
        lines["independent models: itself"] = _kept(apart, lambda owner, lang: owner == lang)
        lines["independent models: others"] = _kept(apart, lambda owner, lang: owner != lang)
    independent = (
        " Independent models: a language's own model pruned to the parameters that another's own model needs."
    )
    page.figure(
        "F1 on dev as a share of the whole model's, mean over languages."
        + ("" if apart is None else independent),
        line_chart(
            {name: [points] for name, points in lines.items()},
            title="Scores after pruning over p",
            x_label="p, per cent of the prunable parameters kept",
            y_label="share of F1 kept",
            logarithmic=True,
        ),
    )
    languages = list(pruned.whole)
    itself, others, chance = (np.array(line)[:, 1] for line in list(lines.values())[:3])
    place = int(np.nan_to_num(itself - others).argmax())
    page.findings.append(
        f"Pruned to the {pruned.percents[place]:g} % of the parameters that a language needs most, the model keeps "
        f"{per_cent(itself[place])} of its F1 on that language and {per_cent(others[place])} on others; pruned at "
        f"random, {per_cent(chance[place])}."
    )
    page.figure(
        f"F1 on dev with {pruned.percents[place]:g} % kept, where the language itself and others differ most. Rows: "
        "whose parameters; columns: who is scored.",
        heat_map(
            [*pruned.scores, "whole model"],
            languages,
            [[scores[place][b] for b in languages] for scores in pruned.scores.values()]
            + [[pruned.whole[b] for b in languages]],
            title="Scores after pruning",
            decimals=1,
        ),
    )


def weight_change_section(page: Page, found: Sequence[WeightChange]) -> None:
    """Add the section on what fine-tuning for each language changed."""
    page.section(
        "Weight change by fine-tuning for a language",
        f"The {found[0].percent:g} % of the parameters that changed most, by kind: shared (in the top set of the "
        "language and of another), specific to the language, in the top sets of others only, or in none. A lift of 1 "
        "is chance: as many as there are of the kind.",
    )
    unchanged = [m.lang for m in found if not m.changed]
    if unchanged:
        page.note(f"Kept the shared weights, which did best on dev: {', '.join(unchanged)}.")
    found = [m for m in found if m.changed]
    shared = [m.kinds["shared"][0] / m.kinds["shared"][1] for m in found if m.kinds["shared"][1]]
    page.findings.append(
        f"The parameters that fine-tuning changed most were shared {np.mean(shared):.1f} times as often as by chance."
        if shared
        else "No parameter that fine-tuning changed was shared."
    )
    lift = {
        m.lang: {k: (m.kinds[k][0] / m.kinds[k][1] if m.kinds[k][1] else NONE) for k in KINDS} for m in found
    }
    page.figure(
        "How much more often than by chance the most changed parameters are of each kind.",
        bar_chart(lift, title="Most changed parameters by kind", x_label="lift", reference=1.0),
    )
    modules = list(dict.fromkeys(module for m in found for module in m.relative))
    page.figure(
        "Length of the change over the length of the shared weights.",
        heat_map(
            modules,
            [m.lang for m in found],
            [[m.relative.get(module, NONE) for m in found] for module in modules],
            title="Relative change by module",
            decimals=3,
        ),
    )


def nearest_place(percents: Sequence[float], wanted: float) -> int:
    """Return the place of the percent that is nearest to the one wanted."""
    return min(range(len(percents)), key=lambda place: abs(percents[place] - wanted))


def _points(curves: OverlapCurves, name: str, pairs: Sequence[Pair]) -> list[Point]:
    return [(p, getattr(o, name)) for p, o in zip(curves.percents, curves.mean("all", pairs), strict=True)]


def _kept(pruned: Pruned, counts: Callable[[str, str], bool]) -> list[Point]:
    """Return over percents the mean of F1 over the whole model's, of the pairs of owner and language that count."""
    points = []
    for place, percent in enumerate(pruned.percents):
        kept = [
            scores[place][lang] / whole
            for owner, scores in pruned.scores.items()
            for lang, whole in pruned.whole.items()
            if whole and counts(owner, lang)
        ]
        points.append((percent, float(np.mean(kept)) if kept else NONE))
    return points
