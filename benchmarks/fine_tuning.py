"""How far a few annotated sentences go: `mere train --from names` against the same training from nothing.

    python benchmarks/fine_tuning.py --data DATA --out WORK

Entities with other labels than the model's: CrossRE's in three languages that `names` knows, and MasakhaNER's
persons, organisations, places and dates in two that it does not. Both ways take the defaults of `mere train --from`,
with 100 sentences of dev. Figures are of the whole test split. A run that is finished is not made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pydantic import Field

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.lang_codes import find
from mere.loading import load_predictor
from mere.metrics.intervals import Measured
from mere.metrics.report import evaluate_runs
from mere.research.provenance import origin
from mere.research.record import Experiment, Record
from mere.store.fetch import find_model
from mere.store.files import write_json
from mere.store.folder import ModelFolder
from mere.training.fine_tuning import fine_tuning_recipe
from mere.training.run import train

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "fine-tuning.json"
CORPORA = {"de": "crossre", "fr": "crossre", "ja": "crossre", "swa": "ner/masakha", "yor": "ner/masakha"}
SIZES = (100, 200, 500, 1000)
DEV = 100
"""Sentences of dev: more than this nobody has who annotated so few."""
SEED = 1


class Curve(Record):
    """Strict F1 of a language's test split, by the start of the training and the sentences trained on."""

    corpus: str
    known: bool = Field(description="whether the model that is gone on from knows the language")
    types: int = Field(description="of entities in the corpus")
    f1: dict[str, dict[str, Measured]]


class FineTuning(Experiment):
    """The file."""

    model: str = Field(description="what is gone on from, and the digests of its graphs")
    curves: dict[str, Curve]


def recipe_of(start: str | None, model: str, data: Path, lang: str, size: int) -> Recipe:
    """Return the recipe of a run; without a start, its encoder is of the same size and reads every feature."""
    settings = [f"data.path={data}", f"data.languages=[{lang}]", f"data.limit={size}", f"seed={SEED}"]
    found = fine_tuning_recipe(model, None, [*settings, "threads=1", "precision=fp32"])
    stage = found.stages[0].model_copy(update={"dev_limit": DEV})
    if start is not None:
        return found.model_copy(update={"stages": (stage,)})
    encoder = found.encoder.model_copy(update={"min_count": 1})
    return found.model_copy(update={"stages": (stage,), "encoder": encoder, "start": ""})


def scored(model: Path, corpus: Corpus) -> Measured:
    gold = corpus.sentences("test")
    found = load_predictor(model).predict([s.text for s in gold], [s.lang for s in gold])
    return evaluate_runs(gold, [found]).metrics["entity_f1/strict"].micro.f1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of crossre and ner/masakha")
    parser.add_argument("--out", type=Path, required=True, help="where the runs go")
    parser.add_argument("--model", default="names")
    parser.add_argument("--lang", action="append", choices=sorted(CORPORA), help="all by default")
    parser.add_argument(
        "--start", choices=["model", "nothing"], help="make only these runs; no file is written"
    )
    arguments = parser.parse_args()
    stored = ModelFolder.read(find_model(arguments.model))
    curves: dict[str, Curve] = {}
    for lang, name in ((lang, CORPORA[lang]) for lang in arguments.lang or CORPORA):
        corpus = Corpus.load(arguments.data / name).only([lang])
        types = {entity.type for sentence in corpus.sentences("train") for entity in sentence.entities}
        known = find(lang, stored.labels.languages) is not None
        f1: dict[str, dict[str, Measured]] = {}
        for start in [arguments.start] if arguments.start else ["model", "nothing"]:
            for size in SIZES:
                out = arguments.out / f"{start}-{lang}-{size}"
                kept = out / "score.json"
                if not kept.is_file():
                    path = arguments.data / name
                    of = recipe_of(None if start == "nothing" else start, arguments.model, path, lang, size)
                    model = train(of, out, resume=True, progress=False)
                    write_json(kept, scored(model, corpus).model_dump())
                value = Measured(**json.loads(kept.read_text(encoding="utf-8")))
                f1.setdefault(start, {})[str(size)] = value
                print(f"{lang} {start} {size}: {100 * value.value:.1f}", flush=True)
        curves[lang] = Curve(corpus=name, known=known, types=len(types), f1=f1)
    if arguments.start:
        return
    FineTuning(
        experiment="fine-tuning",
        description="A shipped model gone on from with other labels, against the same training from nothing",
        command="python benchmarks/fine_tuning.py --data DATA --out WORK",
        **origin(),
        seeds=[SEED],
        model=f"{arguments.model}: {json.dumps(stored.graphs, sort_keys=True)}",
        curves=curves,
    ).write(RESULTS)


if __name__ == "__main__":
    main()
