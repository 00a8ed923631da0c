"""Sections on the languages: their gradients, their places in the network's spaces, what they give each other."""

from __future__ import annotations

from collections.abc import Mapping

from mere.analysis.conflict import Conflict
from mere.analysis.page import Page
from mere.analysis.plots import bar_chart, heat_map, scatter
from mere.analysis.recommend import Recommendation
from mere.analysis.representation import Representation
from mere.analysis.transfer import Transfer

NONE = float("nan")


def conflict_section(page: Page, by_stage: Mapping[str, Conflict], stage: str) -> None:
    """`stage`: the one whose pairs of languages are shown."""
    found = by_stage[stage]
    page.section(
        "Do the languages' gradients pull apart?",
        f"Cosine of the gradients of batches of {found.sentences_per_batch} sentences, mean over {found.steps} steps. "
        "Two batches of one language disagree too: that is what the diagonal and `one language` show.",
    )
    page.table(
        ["after stage", "cosine, different languages", "conflicting", "cosine, one language", "conflicting "],
        [[name, *c.between(), *c.within()] for name, c in by_stage.items()],
        decimals=3,
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
        "languages, the closer they are.",
    )
    page.table(
        ["space", "centroid distance (1 - cos)", "variance between languages", "probe accuracy", "majority"],
        [[s.name, s.mean_distance, s.spread, s.probe.accuracy, s.probe.majority] for s in found.spaces],
        decimals=3,
    )
    names = [space.name for space in found.spaces]
    page.figure(
        "Linear CKA between the spaces, on the same sentences: 1 is the same space up to rotation and scale.",
        heat_map(
            names, [str(n + 1) for n in range(len(names))], found.cka.tolist(), label="CKA between spaces"
        ),
    )
    page.figure(
        "Two principal components of each space.",
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


def recommendation_section(page: Page, found: Recommendation) -> None:
    page.section(
        "Which languages to add for which?",
        "Donors ranked without training: by the overlap of their most informative parameters with the target's, and "
        "by the cosine of their gradients, each standardised within the target.",
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
    page.table(
        ["predictor", "Spearman's rho, mean", "p", *targets],
        [[name, c.rho, c.p, *(c.by_target[t] for t in targets)] for name, c in found.checks.items()],
        decimals=3,
    )
    page.note(
        "Rank correlation with the measured gain over each target's donors; p by shuffling the gains within targets. "
        "Few languages and one seed: a rho near 0 says that the ranking is of no use here, not that none could be."
    )
