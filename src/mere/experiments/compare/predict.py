"""What a cell's model says of a split, as a corpus file, so that scoring can be repeated without a model.

python -m mere.experiments.compare.predict CELL SPLIT      writes CELL/predictions.SPLIT.jsonl
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mere.config import Recipe
from mere.data.formats import jsonl
from mere.errors import DataError, MereError
from mere.quickstart.corpus import load_corpora
from mere.types import Entity, Prediction, Sentence


def write_predictions(path: Path, gold: Sequence[Sentence], predicted: Sequence[Prediction]) -> None:
    """Write predictions as sentences with what was found in place of what is annotated."""
    jsonl.write(
        (
            replace(sentence, entities=_rounded(found.entities), triples=found.triples, extra={})
            for sentence, found in zip(gold, predicted, strict=True)
        ),
        path,
    )


def _rounded(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Sums of exponentials may come to a probability of 1 and a bit in the last place."""
    return tuple(replace(entity, score=min(1.0, entity.score or 0.0)) for entity in entities)


def read_predictions(path: Path, gold: Sequence[Sentence]) -> list[Prediction]:
    """Read predictions for these sentences.

    Raises:
        DataError: they are for others.
    """
    found = list(jsonl.read(path))
    if [(s.lang, s.text) for s in found] != [(s.lang, s.text) for s in gold]:
        raise DataError(f"{path}: predictions for other sentences. Delete the file, and compare again.")
    return [Prediction(sentence.entities, sentence.triples) for sentence in found]


def predict(cell: Path, split: str) -> Path:
    """Predict every sentence of a split by its language's path, and return the file."""
    from mere.inference.extractor import load_predictor

    gold = load_corpora(Recipe.read(cell / "recipe.yaml").data).sentences(split)
    predictor = load_predictor(cell / "model")
    predicted = predictor.predict([s.text for s in gold], [s.lang for s in gold])
    path = cell / f"predictions.{split}.jsonl"
    write_predictions(path, gold, predicted)
    return path


if __name__ == "__main__":
    try:
        predict(Path(sys.argv[1]), sys.argv[2])
    except MereError as error:
        sys.exit(f"Error: {error}")
