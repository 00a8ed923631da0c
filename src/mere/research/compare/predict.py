"""What a cell's model says of a split, as a corpus file, so that scoring can be repeated without a model.

python -m mere.research.compare.predict CELL SPLIT      writes CELL/predictions.SPLIT.jsonl

A command and no more: what the package imports as well would be in memory twice, of which runpy warns.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mere.config import Recipe
from mere.data.corpora import load_corpora
from mere.errors import MereError
from mere.research.compare.folder import write_predictions


def predict(cell: Path, split: str) -> Path:
    """Predict every sentence of a split by its language's path, and return the file."""
    gold = load_corpora(Recipe.read(cell / "recipe.yaml").data).sentences(split)
    from mere.loading import load_predictor

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
