"""Fitting a calibration: a model's answers on annotated sentences, the curves they give, what a card says of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mere.inference.calibration import LOWEST_PRECISION, Record
from mere.metrics.annotated import annotates_entities, annotates_triples
from mere.metrics.calibration import NUM_BINS, Curve, expected_error, fit, reliability
from mere.schema import UNIVERSAL, Labels
from mere.types import Prediction, Sentence

LEAST_ANSWERS = 50
"""A language with fewer answers takes the curve of all languages together."""
LEAST_SURE = 20
"""Answers from a score on that say how precise they are."""
BAR = 20
Answers = Mapping[str, Sequence[tuple[float, bool]]]
"""Per path: the score of each answer, and whether it was right."""


def answers(
    sentences: Sequence[Sentence], predictions: Sequence[Prediction], labels: Labels
) -> dict[str, Answers]:
    """Return per task and path the scores of what was predicted and whether it is in the gold.

    What a sentence does not cover, and sentences that are not annotated to the end, count neither way.
    """
    found: dict[str, defaultdict[str, list[tuple[float, bool]]]] = {
        "entities": defaultdict(list),
        "triples": defaultdict(list),
    }
    for sentence, prediction in zip(sentences, predictions, strict=True):
        if annotates_triples(sentence) and sentence.complete:
            keys = {triple.key for triple in sentence.triples}
            found["triples"][labels.path(sentence.lang)] += [
                (t.score or 0.0, t.key in keys) for t in prediction.triples if sentence.covers(t.relation)
            ]
        if annotates_entities(sentence) and sentence.complete:
            gold = {(entity.span, entity.type) for entity in sentence.entities}
            found["entities"][labels.path(sentence.lang)] += [
                (e.score or 0.0, (e.span, e.type) in gold)
                for e in prediction.entities
                if e.type is not None and sentence.covers_type(e.type)
            ]
    return {
        task: {lang: own for lang, own in by.items() if own} for task, by in found.items() if any(by.values())
    }


def calibrated(given: Answers) -> dict[str, dict[str, Any]]:
    """Return a task's curves by path, each with its number of answers and its error before and after.

    The error after is cross-fitted: each half of the answers is judged by the curve of the other half.
    """
    every = [answer for own in given.values() for answer in own]
    table = {UNIVERSAL: _fitted(every)}
    enough = {
        path: own for path, own in sorted(given.items()) if path != UNIVERSAL and len(own) >= LEAST_ANSWERS
    }
    return table | {path: _fitted(own) for path, own in enough.items()}


def _fitted(own: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    right = [is_right for _, is_right in own]
    halves = (own[::2], own[1::2])
    after = [
        (curve(score), is_right)
        for half, other in (halves, halves[::-1])
        for curve in [_curve(other)]
        for score, is_right in half
    ]
    curve = _curve(own)
    return {
        "temperature": curve.temperature,
        "offset": curve.offset,
        "answers": len(own),
        "right": sum(right),
        "error_before": round(expected_error([score for score, _ in own], right), 4),
        "error_after": round(expected_error(*zip(*after, strict=True)), 4),
        "scores_for_precision": scores_for_precision([(curve(score), is_right) for score, is_right in own]),
        "reliability": reliability(*zip(*after, strict=True)),
    }


def _curve(own: Sequence[tuple[float, bool]]) -> Curve:
    scores, right = zip(*own, strict=True) if own else ((), ())
    return fit(scores, right)


def scores_for_precision(own: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Return the least score from which the answers are that precise, by precision in hundredths, as far as it is.

    Fewer than `LEAST_SURE` answers say nothing: a few right ones at the top are no precision of 1.
    """
    if len(own) < LEAST_SURE:
        return {}
    score, right = (np.array(column) for column in zip(*sorted(own, reverse=True), strict=True))
    number = np.arange(1, len(own) + 1)
    precision = np.cumsum(right) / number
    is_cut = np.append(score[1:] < score[:-1], True) & (number >= LEAST_SURE)  # equal scores go together
    found = {}
    for percent in range(LOWEST_PRECISION, 101):
        enough = np.flatnonzero(is_cut & (precision >= percent / 100 - 1e-9))
        if len(enough):
            found[f"{percent / 100:.2f}"] = math.floor(score[enough[-1]] * 1e6) / 1e6
    return found


def card_section(record: Record) -> str:
    """Return what a card says of a calibration: its error by path, and how often answers of a score are right."""
    lines = [
        "",
        "## Calibration",
        "",
        "Scores are the share of right answers, as dev has it. Error: how far they are from it on average, before and "
        "after, each half of dev judged by the other.",
    ]
    for task, by in record.items():
        lines += [
            "",
            f"| {task} | answers | right | error before | after |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {path} | {row['answers']:,} | {row['right']:,} | {row['error_before']:.3f} | "
            f"{row['error_after']:.3f} |"
            for path, row in by.items()
        ]
        lines += ["", f"| {task} with a score of | answers | right | |", "| --- | ---: | ---: | --- |"]
        for index, (number, right) in enumerate(by[UNIVERSAL]["reliability"]):
            if number:
                bar = "█" * round(BAR * right / number)
                where = f"{index / NUM_BINS:.1f} to {(index + 1) / NUM_BINS:.1f}"
                lines.append(f"| {where} | {number:,} | {100 * right / number:.0f} % | {bar} |")
    return "\n".join(lines) + "\n"
