"""Sections on the languages: gradient conflict, distances between representations, transfer, donors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mere.research.analysis.conflict import Conflict
from mere.research.analysis.donors import Donors
from mere.research.analysis.representation import Representation
from mere.research.analysis.transfer import Transfer
from mere.research.report.charts import bar_chart, heat_map, per_cent, scatter_chart, shown
from mere.research.report.page import Page

NONE = float("nan")


def conflict_section(page: Page, by_stage: Mapping[str, Conflict], stage: str) -> None:
    """Add the section on gradient conflict.

    Args:
        stage: the one whose pairs of languages are shown.
    """
    found = by_stage[stage]
    page.section(
        "Gradient conflict",
        f"Cosine of the gradients of batches of {found.sentences_per_batch} sentences, mean over {found.steps} steps. "
        "Two batches of one language differ too, as the diagonal and \u201cone language\u201d show; the conflict of "
        "languages is how far they fall short of that.",
    )
    page.table(
        [
            "after stage",
            "cosine, different languages",
            "cosine, one language",
            "share conflicting, different languages",
            "share conflicting, one language",
        ],
        [
            [name, *(value for pair in zip(c.between(), c.within(), strict=True) for value in pair)]
            for name, c in by_stage.items()
        ],
        decimals=3,
    )
    (apart, conflicting), (one, conflicting_one) = found.between(), found.within()
    page.findings.append(
        f"Gradients of different languages have a mean cosine of {shown(apart)}, and {per_cent(conflicting)} of the "
        f"pairs conflict; of two batches of one language it is {shown(one)} and {per_cent(conflicting_one)}."
    )
    groups, shares = (
        {
            group: {"different languages": found.between(group)[i], "one language": found.within(group)[i]}
            for group in found.cosine
        }
        for i in (0, 1)
    )
    page.figure(
        f"By module, after stage {stage}: mean cosine.",
        bar_chart(groups, title="Gradient cosine by module", x_label="mean cosine"),
    )
    page.figure(
        "By module: the share of pairs of batches that conflict, which is a cosine below 0.",
        bar_chart(shares, title="Conflicting pairs by module", x_label="share conflicting"),
    )
    page.figure(
        f"Mean cosine over the whole model, after stage {stage}.",
        heat_map(
            found.languages,
            found.languages,
            found.cosine["all"].tolist(),
            title="Gradient cosine of every two languages",
            middle=0.0,
        ),
    )


def representation_section(page: Page, found: Representation) -> None:
    """Add the section on the distances between the languages' sentences."""
    page.section(
        "Distances between the languages' representations",
        "Every sentence is the mean of its pieces' vectors, after each box of each stage's model. A linear probe "
        "tells the language from the vector; the less accurate it is, and the less of the variance lies between the "
        "languages, the closer they are. A box that a stage did not change repeats its row.",
    )
    page.table(
        [
            "space",
            "centroid distance (1 - cos)",
            "share of variance between languages",
            "probe accuracy",
            "share of the most frequent language",
        ],
        [
            [s.name, s.mean_distance, s.between_variance, s.probe.accuracy, s.probe.majority]
            for s in found.spaces
        ],
        decimals=3,
    )
    first, last = found.spaces[0], found.spaces[-1]
    page.findings.append(
        f"A linear probe tells the language of {per_cent(first.probe.accuracy)} of the sentences after {first.name} "
        f"and of {per_cent(last.probe.accuracy)} after {last.name}; always naming the most frequent one is right for "
        f"{per_cent(last.probe.majority)}."
    )
    names = [f"{number} {space.name}" for number, space in enumerate(found.spaces, start=1)]
    page.figure(
        "Linear CKA between the spaces, on the same sentences: 1 is the same space up to rotation and scale.",
        heat_map(
            names, [str(n + 1) for n in range(len(names))], found.cka.tolist(), title="CKA between spaces"
        ),
    )
    page.figure(
        "Two principal components of each space, a mark for every sentence.",
        *(
            scatter_chart([(p[0], p[1]) for p in s.picture.tolist()], found.langs, title=s.name)
            for s in found.spaces
        ),
    )


def transfer_section(page: Page, found: Transfer, epochs: float) -> None:
    """Add the section on the transfer matrix."""
    page.section(
        "Transfer between languages",
        f"Models trained from scratch for {epochs:g} epochs each, scored on every language's dev sentences. "
        "Off the diagonal the first matrix is zero-shot.",
    )
    langs = found.languages
    _transfer_finding(page, found)
    for group, why in found.failed.items():
        page.note(f"The run on {found.name(group)} failed: {why}.")
    every = [g for g in found.f1 if len(g) == 1 or len(g) >= len(langs) - 1]
    page.figure(
        "F1 on dev in per cent: rows progress what was trained on, columns what was scored.",
        heat_map(
            [found.name(group) for group in every],
            langs,
            [[found.f1[group].get(lang, NONE) for lang in langs] for group in every],
            title="Transfer matrix",
            decimals=1,
        ),
    )
    if found.has_pairs:
        page.figure(
            "What a donor (row) adds to a target (column): F1 of training on both, less that of training on the "
            "target only.",
            heat_map(
                langs,
                langs,
                [[found.gain(d, t) if d != t else NONE for t in langs] for d in langs],
                title="Gain by donor",
                middle=0.0,
                decimals=1,
            ),
        )


def _transfer_finding(page: Page, found: Transfer) -> None:
    """Add the mean F1 of a language trained on its own, with all others, and without it."""
    langs = set(found.languages)
    by_regime = {
        "trained on its own": [
            scores.get(group[0], NONE) for group, scores in found.f1.items() if len(group) == 1
        ],
        "trained with all others": list(found.f1.get(found.languages, {}).values()),
        "left out": [
            scores.get(lang, NONE)
            for group, scores in found.f1.items()
            for lang in langs - set(group)
            if len(group) == len(langs) - 1
        ],
    }
    means = [f"{np.mean(scores):.1f} {regime}" for regime, scores in by_regime.items() if scores]
    if means:
        page.findings.append(f"Mean F1 on dev by what was trained on: {', '.join(means)}.")


def donor_section(page: Page, found: Donors) -> None:
    """Add the section on which languages should help which."""
    page.section(
        "Donor languages",
        "Donors of each target language, best first, by two predictors from one shared model: the overlap of their "
        "most informative parameters with the target's, and the cosine of their gradients with the target's.",
    )
    page.table(
        ["target", *found.predictors],
        [
            [
                target,
                *(
                    ", ".join(f"{donor} ({score:.3f})" for donor, score in found.ranked(name, target))
                    for name in found.predictors
                ),
            ]
            for target in found.languages
        ],
        words=True,
    )
    if not found.correlations:
        page.note(
            "Transfer was not measured, so the predictors are not checked. Measure it: --transfer EPOCHS."
        )
        return
    means = {name: found.mean_correlation(name) for name in found.correlations}
    page.findings.append(
        "Mean rank correlation of predicted with measured gains, over targets: "
        + ", ".join(f"{name} {shown(rho)}" for name, rho in means.items())
        + "."
    )
    page.table(
        ["predictor", "Spearman's rho, mean", *found.languages],
        [[name, means[name], *by_target.values()] for name, by_target in found.correlations.items()],
        decimals=3,
    )
    page.note(
        "Rank correlation with the measured gain over each target's donors. With few languages and one seed, a rho "
        "near 0 does not show that the predictors are useless in general."
    )
