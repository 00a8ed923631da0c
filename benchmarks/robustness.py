"""How a model of entities reads a corpus's test split written in other ways: capitals, small letters, headlines, ...

    python benchmarks/robustness.py names DATA

The same sentences of each language, at even distances, in each style of mere.data.augment, which training may have met
too (`restyling`, `detokenisation`). A style changes nothing in scripts that do not have what it changes, so
the means are also given over the languages written in Latin letters. No style is known to the model.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from pydantic import Field

from mere.data.augment import STYLES, restyle
from mere.data.corpus import Corpus
from mere.data.sampling import evenly_spaced
from mere.data.units import script_of
from mere.loading import load_predictor
from mere.metrics.intervals import Measured
from mere.metrics.report import evaluate
from mere.research.provenance import origin
from mere.research.record import Experiment, Record
from mere.store.fetch import find_model
from mere.store.folder import ModelFolder
from mere.types import Sentence

RESULTS = Path(__file__).parent / "results" / "robustness.json"
AS_IT_IS = "as it is"


class Style(Record):
    """Strict F1 where the text is written in one style."""

    macro: Measured
    latin: float = Field(description="mean over the languages in Latin letters")
    languages: dict[str, Measured]


class Robustness(Experiment):
    """The file."""

    model: str
    sentences: int
    styles: dict[str, Style]


def latin(sentences: Sequence[Sentence]) -> set[str]:
    """Return the languages most of whose sentences begin in Latin letters."""
    counts = Counter((s.lang, script_of(s.text) == "Latin") for s in sentences)
    return {lang for lang, is_latin in counts if is_latin and counts[lang, True] > counts[lang, False]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=200, help="sentences of each language")
    arguments = parser.parse_args()
    folder = find_model(arguments.model)
    predictor = load_predictor(folder)
    gold = evenly_spaced(Corpus.load(arguments.data).sentences("test"), arguments.limit)
    of_latin, styles = latin(gold), {}
    for style in (AS_IT_IS, *STYLES):
        written = gold if style == AS_IT_IS else [restyle(sentence, style) for sentence in gold]
        found = predictor.predict([s.text for s in written], [s.lang for s in written])
        scores = evaluate(written, found).metrics["entity_f1/strict"]
        languages = {lang: score.f1 for lang, score in scores.language.items()}
        mean = fmean(languages[lang].value for lang in of_latin)
        styles[style] = Style(macro=scores.macro.f1, latin=round(mean, 4), languages=languages)
        print(
            f"{style}: macro {100 * scores.macro.f1.value:.1f}, in Latin letters {100 * mean:.1f}", flush=True
        )
    Robustness(
        experiment="robustness",
        description="Strict F1 of entities on test sentences written in other ways",
        command=f"python benchmarks/robustness.py {arguments.model} DATA --limit {arguments.limit}",
        **origin(),
        seeds=[1],
        model=json.dumps(ModelFolder.read(folder).graphs, sort_keys=True),
        sentences=len(gold),
        styles=styles,
    ).write(RESULTS)


if __name__ == "__main__":
    main()
