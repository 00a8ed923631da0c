"""How far a calibrated model's scores are from its share of right answers, on a test split that nothing was fitted on.

    python benchmarks/calibration.py MODEL CORPUS --name names
    python benchmarks/calibration.py models/facts runs/facts-data --name facts

The expected calibration error (bins of width 0.1) of the scores as the model gives them, and as its calibration makes
them (`mere calibrate`, on dev). An answer is right where the strict F1 counts it so. What an int8 export lost on dev
when it was made goes from its metrics.json into export-parity.json. A model has its place in the files by its name.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import Field

from mere.data.corpus import Corpus
from mere.inference.calibration import Calibration
from mere.loading import load_predictor
from mere.metrics.calibration import expected_error
from mere.research.provenance import origin
from mere.research.record import Experiment, Record, RecordFile
from mere.store.fetch import find_model
from mere.types import Entity, Prediction, Sentence, Triple

RESULTS = Path(__file__).parent / "results"


class Errors(Record):
    """Of the answers in one language, or in all."""

    answers: int
    right: int
    before: float = Field(description="expected calibration error of the model's own scores")
    after: float = Field(description="of the calibrated ones")


class Calibrations(Experiment):
    """The file: by model and task, the errors of each language, and of all together as "all"."""

    models: dict[str, dict[str, dict[str, Errors]]]


class Parities(RecordFile):
    """The file of what exports lost: by model, as `mere export` measured it on dev."""

    description: str
    models: dict[str, dict[str, Any]]


def _key(answer: Entity | Triple) -> tuple[object, ...]:
    if isinstance(answer, Entity):
        return answer.span, answer.type
    return answer.subject.span, answer.relation, answer.object.span


def _answers(task: str, of: Sentence | Prediction) -> list[Entity] | list[Triple]:
    return [e for e in of.entities if e.type is not None] if task == "entities" else list(of.triples)


def measured(model: Path, corpus: Corpus) -> dict[str, dict[str, Errors]]:
    """Return the errors on a corpus's test split, by task and language."""
    predictor, calibration = load_predictor(model), Calibration.read(model)
    gold = corpus.sentences("test")
    found = predictor.predict([s.text for s in gold], [s.lang for s in gold])
    errors: dict[str, dict[str, Errors]] = {}
    for task in calibration.curves:
        rows: dict[str, list[tuple[float, float, bool]]] = {"all": []}
        for sentence, before in zip(gold, found, strict=True):
            after = calibration(before, predictor.labels.path(sentence.lang))
            right = {_key(answer) for answer in _answers(task, sentence)}
            for one, other in zip(_answers(task, before), _answers(task, after), strict=True):
                row = (one.score or 0.0, other.score or 0.0, _key(one) in right)
                rows["all"].append(row)
                rows.setdefault(sentence.lang, []).append(row)
        errors[task] = {
            lang: Errors(
                answers=len(own),
                right=sum(right for _, _, right in own),
                before=round(expected_error([b for b, _, _ in own], [r for _, _, r in own]), 4),
                after=round(expected_error([a for _, a, _ in own], [r for _, _, r in own]), 4),
            )
            for lang, own in rows.items()
            if own
        }
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a calibrated model, or its export")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--name", required=True, help="its name in the results files")
    arguments = parser.parse_args()
    folder = find_model(arguments.model)
    errors, parities = RESULTS / "calibration.json", RESULTS / "export-parity.json"
    others = (
        Calibrations.model_validate_json(errors.read_text(encoding="utf-8")).models
        if errors.is_file()
        else {}
    )
    own = measured(folder, Corpus.load(arguments.corpus))
    Calibrations(
        experiment="calibration",
        description="Expected calibration error on test, before and after `mere calibrate` on dev",
        command=f"python benchmarks/calibration.py MODEL CORPUS --name {arguments.name}",
        **origin(),
        seeds=[1],
        models=others | {arguments.name: own},
    ).write(errors)
    export = json.loads((folder / "metrics.json").read_text(encoding="utf-8")).get("export")
    if export is not None:
        kept = (
            Parities.model_validate_json(parities.read_text(encoding="utf-8")).models
            if parities.is_file()
            else {}
        )
        Parities(
            description="Strict F1 on dev before and after the export to int8, in percent (mere export --dev)",
            models=kept | {arguments.name: export},
        ).write(parities)
    for task, by_lang in own.items():
        halved = sum(e.after <= e.before / 2 for lang, e in by_lang.items() if lang != "all")
        print(f"{task}: {by_lang['all'].before:.3f} to {by_lang['all'].after:.3f}; ", end="")
        print(f"at most half in {halved} of {len(by_lang) - 1} languages")


if __name__ == "__main__":
    main()
