"""Scores as probabilities of being right: fitted on annotated sentences, kept in a model's folder, applied to answers.

What a model returns is decided by its own scores and thresholds before; calibration changes the scores alone, unless
a precision is wished: then answers that are less likely to be right are dropped.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.errors import ModelError, UserError
from mere.hub import again
from mere.metrics.calibration import Curve
from mere.schema import UNIVERSAL
from mere.store.files import CALIBRATION, read_json
from mere.types import Entity, Prediction, Triple

Record = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What `calibration.json` holds: per task and path a curve, and what it was fitted on (mere.inference.fitting)."""


@dataclass(frozen=True)
class Calibration:
    """The curves of each task ("entities", "triples") by path (mere.schema); UNIVERSAL serves paths that lack one.

    Args:
        least: calibrated scores below which answers are dropped, by task and path; none where nothing is dropped.
    """

    curves: Mapping[str, Mapping[str, Curve]] = dataclasses.field(default_factory=dict)
    least: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Calibration:
        """Read a model folder's calibration; one without any leaves scores as they are.

        Raises:
            ModelError: it is not whole.
        """
        record = read_record(folder)
        try:
            curves = {
                task: {p: Curve(float(c["temperature"]), float(c["offset"])) for p, c in by.items()}
                for task, by in record.items()
            }
            _ = [by[UNIVERSAL] for by in curves.values()]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{folder / CALIBRATION}: not a calibration ({error}). {again(folder)}"
            ) from None
        return cls(curves)

    @classmethod
    def for_precision(cls, folder: Path, precision: float) -> Calibration:
        """Read a folder's calibration; of what it is applied to, only what is that likely to be right stays.

        Args:
            precision: share of right answers on dev, among those that stay, in each task and path.

        Raises:
            UserError: the folder is not calibrated, or its answers on dev never were so precise.
            ModelError: as `read`.
        """
        found = cls.read(folder)
        if not 0.0 <= precision <= 1.0:
            raise UserError(f"min_precision is {precision}; a precision is between 0 and 1. Try 0.9.")
        if not found.curves:
            raise UserError(
                f"{folder}: is not calibrated, so nothing is known of its precision. "
                f"Run: mere calibrate {folder} CORPUS --out DIR, and take the model in DIR."
            )
        record = read_record(folder)
        least = {
            task: {path: _least_score(folder, task, path, row, precision) for path, row in by.items()}
            for task, by in record.items()
        }
        return cls(found.curves, least)

    def __call__(self, prediction: Prediction, path: str) -> Prediction:
        """Return a prediction with calibrated scores; a mention without a type has the score of a triple."""
        if not self.curves:
            return prediction

        def mention(entity: Entity) -> Entity:
            task = "triples" if entity.type is None else "entities"
            return dataclasses.replace(entity, score=self._score(task, path, entity.score))

        def triple(one: Triple) -> Triple:
            score = self._score("triples", path, one.score)
            return Triple(mention(one.subject), one.relation, mention(one.object), score)

        scored = Prediction(tuple(map(mention, prediction.entities)), tuple(map(triple, prediction.triples)))
        return self._sure(scored, path) if self.least else scored

    def _sure(self, prediction: Prediction, path: str) -> Prediction:
        """Return what is as precise as was asked; a mention stays with its triple."""
        least = {task: by.get(path, by[UNIVERSAL]) for task, by in self.least.items()}
        triples = [t for t in prediction.triples if (t.score or 0.0) >= least.get("triples", 0.0)]
        held = {mention.span for triple in triples for mention in (triple.subject, triple.object)}
        entities = [
            entity
            for entity in prediction.entities
            if entity.span in held
            or (entity.type is not None and (entity.score or 0.0) >= least.get("entities", 0.0))
        ]
        return Prediction(tuple(entities), tuple(triples))

    def _score(self, task: str, path: str, score: float | None) -> float | None:
        by_path = self.curves.get(task)
        if by_path is None or score is None:
            return score
        return by_path.get(path, by_path[UNIVERSAL])(score)


def thresholds_for_precision(
    folder: Path, record: Record, precision: float, thresholds: Mapping[str, float]
) -> dict[str, float]:
    """Return thresholds of triples, raised to where this share of the answers on dev was right.

    No language's is lower, as a probability of being right, than that of all languages together: the dev sentences of
    some may be easier than what will be read.

    Args:
        thresholds: the model's, of scores before calibration, by path.

    Raises:
        UserError: the precision was not reached.
    """
    by = record["triples"]
    common = _least_score(folder, "triples", UNIVERSAL, by[UNIVERSAL], precision)
    raised = {}
    for path, before in thresholds.items():
        row = by.get(path, by[UNIVERSAL])
        least = max(common, _least_score(folder, "triples", path, row, precision))
        raised[path] = max(before, Curve(row["temperature"], row["offset"]).inverse(least))
    return raised


def read_record(folder: Path) -> Record:
    """Return what a model folder's calibration.json holds; nothing where there is none."""
    path = folder / CALIBRATION
    return read_json(path) if path.is_file() else {}


def of_languages(record: Record, languages: Sequence[str], *, universal: str = UNIVERSAL) -> Record:
    """Return the calibration of a model that has only some of the languages.

    Args:
        universal: the path of `record` that the model's universal path is.
    """
    return {
        task: {UNIVERSAL: by.get(universal, by[UNIVERSAL])}
        | {path: row for path, row in by.items() if path in languages}
        for task, by in record.items()
    }


def _least_score(folder: Path, task: str, path: str, row: Mapping[str, Any], precision: float) -> float:
    """Return the calibrated score from which a path's answers on dev were that precise."""
    known = row.get("scores_for_precision")
    if known is None:
        raise UserError(
            f"{folder}: was calibrated by an earlier mere, which noted no precision. "
            f"Run again: mere calibrate {folder} CORPUS --out DIR"
        )
    wished = max(LOWEST_PRECISION, math.ceil(round(100 * precision, 6)))
    if (score := known.get(f"{wished / 100:.2f}")) is None:
        where = "in languages without a calibration of their own" if path == UNIVERSAL else f'in "{path}"'
        least = f"{folder}: a precision of {precision:g} was not reached on dev for {task} {where}"
        if not known:
            raise UserError(
                f"{least}: too few answers. Calibrate with more: mere calibrate {folder} CORPUS --out DIR"
            )
        most = max(map(float, known))
        raise UserError(f"{least}; the most was {most:.2f}. Ask for that or less: --min-precision {most:.2f}")
    return float(score)


LOWEST_PRECISION = 50
"""The lowest precision, in percent, of which calibrations note the score; whoever wishes less gets it."""
