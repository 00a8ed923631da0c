"""Sections on the languages: their gradients, their places in the network's spaces, what they give each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mere.research.analysis.conflict import Conflict
from mere.research.analysis.page import Page
from mere.research.analysis.plots import bar_chart, heat_map, per_cent, scatter, shown
from mere.research.analysis.recommend import Recommendation
from mere.research.analysis.representation import Representation
from mere.research.analysis.transfer import Transfer

NONE = float("nan")


def conflict_section(page: Page, by_stage: Mapping[str, Conflict], stage: str) -> None:
    """`stage`: the one whose pairs of languages are shown."""
    found = by_stage[stage]
    page.section(
        "Do the languages' gradients pull apart?",
        f"Cosine of the gradients of batches of {found.sentences_per_batch} sentences, mean over {found.steps} steps. "
        "Two batches of one language disagree too, as the diagonal and \u201cone language\u201d show: languages pull "
        "apart as far as they fall short of that.",
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
    page.in_short(
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
        bar_chart(groups, label="Gradient cosine by module", x_label="mean cosine"),
    )
    page.figure(
        "By module: the share of pairs of batches that conflict, which is a cosine below 0.",
        bar_chart(shares, label="Conflicting pairs by module", x_label="share conflicting"),
    )
    page.figure(
        f"Mean cosine over the whole model, after stage {stage}.",
        heat_map(
            found.languages,
            found.languages,
            found.cosine["all"].tolist(),
            label="Gradient cosine of every two languages",
            middle=0.0,
        ),
    )


def representation_section(page: Page, found: Representation) -> None:
    page.section(
        "How far apart do the languages lie?",
        "Every sentence is the mean of its pieces' vectors, after each box of each stage's model. A linear probe "
        "tells the language from the vector; the less it can, and the less of the variance lies between the "
        "languages, the closer they are. A box that a stage left as it was repeats its row.",
    )
    page.table(
        [
            "space",
            "centroid distance (1 - cos)",
            "share of variance between languages",
            "probe accuracy",
            "accuracy of the commonest language",
        ],
        [[s.name, s.mean_distance, s.spread, s.probe.accuracy, s.probe.majority] for s in found.spaces],
        decimals=3,
    )
    first, last = found.spaces[0], found.spaces[-1]
    page.in_short(
        f"A linear probe tells the language of {per_cent(first.probe.accuracy)} of the sentences after {first.name} "
        f"and of {per_cent(last.probe.accuracy)} after {last.name}; always naming the commonest is right for "
        f"{per_cent(last.probe.majority)}."
    )
    names = [f"{number} {space.name}" for number, space in enumerate(found.spaces, start=1)]
    page.figure(
        "Linear CKA between the spaces, on the same sentences: 1 is the same space up to rotation and scale.",
        heat_map(
            names, [str(n + 1) for n in range(len(names))], found.cka.tolist(), label="CKA between spaces"
        ),
    )
    page.figure(
        "Two principal components of each space, a mark for every sentence: languages that lie apart form clouds of "
        "their own.",
        *(
            scatter([(p[0], p[1]) for p in s.picture.tolist()], found.langs, label=s.name)
            for s in found.spaces
        ),
    )


def transfer_section(page: Page, found: Transfer, epochs: float) -> None:
    page.section(
        "What does training on one language give another?",
        f"Models trained from scratch for {epochs:g} epochs each, scored on every language's dev sentences. What is "
        "off the diagonal of the first matrix is zero-shot.",
    )
    langs = found.languages
    _transfer_in_short(page, found)
    for group, why in found.failed.items():
        page.note(f"The run on {found.name(group)} failed: {why}.")
    every = [g for g in found.f1 if len(g) == 1 or len(g) >= len(langs) - 1]
    page.figure(
        "F1 on dev in per cent: rows say what was trained on, columns what was scored.",
        heat_map(
            [found.name(group) for group in every],
            langs,
            [[found.f1[group].get(lang, NONE) for lang in langs] for group in every],
            label="Transfer matrix",
            decimals=1,
        ),
    )
    if found.has_pairs:
        page.figure(
            "What a donor (row) adds to a language (column): F1 of training on both, less that of training on it "
            "alone.",
            heat_map(
                langs,
                langs,
                [[found.gain(d, t) if d != t else NONE for t in langs] for d in langs],
                label="Gain by donor",
                middle=0.0,
                decimals=1,
            ),
        )


def _transfer_in_short(page: Page, found: Transfer) -> None:
    """Say the mean F1 of a language alone, with all others, and where it was left out."""
    langs = set(found.languages)
    by_regime = {
        "alone": [scores.get(group[0], NONE) for group, scores in found.f1.items() if len(group) == 1],
        "with all others": list(found.f1.get(found.languages, {}).values()),
        "left out": [
            scores.get(lang, NONE)
            for group, scores in found.f1.items()
            for lang in langs - set(group)
            if len(group) == len(langs) - 1
        ],
    }
    means = [f"{np.mean(scores):.1f} {regime}" for regime, scores in by_regime.items() if scores]
    if means:
        page.in_short(f"Trained anew, a language's mean F1 on dev is {', '.join(means)}.")


def recommendation_section(page: Page, found: Recommendation) -> None:
    page.section(
        "Which languages to add for which?",
        "Donors ranked without training: by the overlap of their most informative parameters with the target's, and "
        "by the cosine of their gradients. In brackets the mean of both, in standard deviations from the mean of the "
        "target's donors.",
    )
    page.table(
        ["for", "add, best first"],
        [
            [target, ", ".join(f"{d} ({score:+.2f})" for d, score in ranked)]
            for target, ranked in found.donors.items()
        ],
    )
    if not found.checks:
        page.note("Not checked: transfer was not measured. Measure it with --transfer EPOCHS.")
        return
    targets = list(found.donors)
    both = list(found.checks.values())[-1]
    page.in_short(
        f"The ranking of donors, made without training, agrees with the measured gains by a mean rank correlation of "
        f"{both.rho:+.2f} (p = {both.p:.2g})."
    )
    page.table(
        ["predictor", "Spearman's rho, mean", "p", *targets],
        [[name, c.rho, c.p, *(c.by_target[t] for t in targets)] for name, c in found.checks.items()],
        decimals=3,
    )
    page.note(
        "Rank correlation with the measured gain over each target's donors; p by shuffling the gains within targets. "
        "Few languages and one seed: a rho near 0 says that the ranking is of no use here, not that none could be."
    )
