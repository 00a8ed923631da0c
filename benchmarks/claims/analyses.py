"""The figures of `mere analyze` that claims are answered by, out of its analysis.json. One record is one seed.

A record has what its run allows: overlap and pruning always, independent models with --against, weight changes where
languages are fine-tuned, the aggregator's spaces where there is one. What a record lacks is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.claims.measurements import Measurement

TOP, KEPT = 10.0, 20.0
"""Per cent of the parameters: in the top sets that are compared, and kept by pruning."""
_WITHIN = "languages, this model"
_MONOLINGUAL = " monolingual"


class Figure(NamedTuple):
    """What a figure is, its unit, and how it is computed from a record; KeyError where the record lacks it."""

    what: str
    unit: str
    of: Callable[[Mapping[str, Any]], float]


def measurements_of(records: Sequence[Mapping[str, Any]]) -> dict[str, Measurement]:
    """Return every figure that all records have, over the records' seeds."""
    found = {}
    for name, figure in FIGURES.items():
        try:
            values = [figure.of(record) for record in records]
        except KeyError:
            continue
        found[name] = Measurement.over(figure.what, figure.unit, values)
    return found


def _overlap(record: Mapping[str, Any]) -> tuple[float, float]:
    """Return the mean Jaccard overlap over pairs of languages in one model, and its chance level."""
    overlap = record["overlap"]
    at = overlap["mean"][_WITHIN]["all"][overlap["percents"].index(TOP)]
    return at["jaccard"], at["chance_jaccard"]


def _overlap_apart(record: Mapping[str, Any]) -> float:
    """Return the mean Jaccard overlap over pairs of languages' independent models, of unlike runs."""
    overlap, pairs = record["overlap"], _independent_pairs(record)
    place = overlap["percents"].index(TOP)
    return fmean(
        overlap["pairs"][f"{a}{_MONOLINGUAL} / {b}{_MONOLINGUAL}"][place]["jaccard"] for a, b in pairs
    )


def _independent_pairs(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    run_of = record["independent"]
    pairs = [(a, b) for a in run_of for b in run_of if run_of[a] != run_of[b]]
    if not pairs:
        raise KeyError("independent models of unlike runs")
    return pairs


def _kept(pruning: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean over (owner, language) of the F1 that the language keeps with the owner's parameters, in %."""
    place = pruning["percents"].index(KEPT)
    return fmean(
        100 * pruning["scores"][owner][place][lang] / pruning["whole"][lang]
        for owner, lang in pairs
        if pruning["whole"][lang]
    )


def _kept_of_others(record: Mapping[str, Any]) -> float:
    langs = record["languages"]
    return _kept(record["pruning"], [(a, b) for a in langs for b in langs if a != b])


def _kept_at_random(record: Mapping[str, Any]) -> float:
    return _kept(record["pruning"], [("random", lang) for lang in record["languages"]])


def _kept_apart(record: Mapping[str, Any]) -> float:
    return _kept(record["pruning_independent"], _independent_pairs(record))


def _lift(record: Mapping[str, Any], kind: str) -> float:
    """Return the mean lift over the languages whose weights changed."""
    return fmean(m["kinds"][kind]["lift"] or 0.0 for m in _weight_changes(record))


def _weight_changes(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [m for m in record["weight_change"] if m["changed"]]
    if not found:
        raise KeyError("weight_change")
    return found


def _by_aggregator(record: Mapping[str, Any], of: Callable[[Mapping[str, Any]], float]) -> float:
    """Return what the aggregator changes of a space: after it, less before it, in the stage that is analysed."""
    spaces, stage = record["representation"]["spaces"], record["stage"]
    return of(spaces[f"{stage}/aggregator"]) - of(spaces[f"{stage}/encoder"])


FIGURES: Mapping[str, Figure] = {
    "overlap-above-chance": Figure(
        f"Jaccard overlap of two languages' top {TOP:g} % parameters by Fisher information in one model, less that of "
        "random sets, mean over pairs",
        "points",
        lambda r: 100 * (_overlap(r)[0] - _overlap(r)[1]),
    ),
    "overlap-above-independent": Figure(
        "The same overlap, less that between two languages' independent models, mean over pairs",
        "points",
        lambda r: 100 * (_overlap(r)[0] - _overlap_apart(r)),
    ),
    "kept-by-others": Figure(
        f"F1 on dev that a language keeps with only another's top {KEPT:g} % parameters, of the whole model's",
        "% of F1",
        _kept_of_others,
    ),
    "kept-above-random": Figure(
        "F1 that a language keeps with another's top parameters, in per cent of the whole model's, less that with as "
        "many at random",
        "points",
        lambda r: _kept_of_others(r) - _kept_at_random(r),
    ),
    "kept-above-independent": Figure(
        "F1 that a language keeps with another's top parameters, in per cent of the whole model's, less that of its "
        "independent model with those of the other's independent model",
        "points",
        lambda r: _kept_of_others(r) - _kept_apart(r),
    ),
    "weight-change-lift-shared": Figure(
        f"How many of the {TOP:g} % most changed parameters are in the top set of the language and of another, "
        "against chance",
        "times",
        lambda r: _lift(r, "shared"),
    ),
    "weight-change-shared-above-specific": Figure(
        "That lift of shared parameters, less the lift of those in the language's own top set only",
        "times",
        lambda r: _lift(r, "shared") - _lift(r, "specific"),
    ),
    "weight-change-share-shared": Figure(
        f"Share of the {TOP:g} % most changed parameters that are in the top set of the language and of another",
        "%",
        lambda r: 100 * fmean(m["kinds"]["shared"]["most_changed"] for m in _weight_changes(r)),
    ),
    "aggregator-distance": Figure(
        "1 − cosine of two languages' centroids after the aggregator, less before it, mean over pairs",
        "of cosine",
        lambda r: _by_aggregator(r, lambda space: float(space["mean_centroid_distance"])),
    ),
    "aggregator-probe": Figure(
        "Accuracy of a linear probe for the language after the aggregator, less before it",
        "points",
        lambda r: 100 * _by_aggregator(r, lambda space: float(space["language_probe"]["accuracy"])),
    ),
    "aggregator-variance": Figure(
        "Share of the variance that lies between languages after the aggregator, less before it",
        "points",
        lambda r: 100 * _by_aggregator(r, lambda space: float(space["variance_between_languages"])),
    ),
}
