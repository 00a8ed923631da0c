"""How many triples a model finds in sentences that state none: the challenge set of tests/challenge.

    python benchmarks/false_triples.py MODEL --name quickstart

Each sentence is read in its own language, which is given; one that the model does not know takes the universal path.
All triples count, since no sentence states a fact. A model has its place in the results file by its name.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field

import mere
from mere.lang_codes import find
from mere.research.provenance import origin
from mere.research.record import Experiment, Record

ROOT = Path(__file__).parents[1]
CHALLENGE = ROOT / "tests" / "challenge"
RESULTS = ROOT / "benchmarks" / "results" / "false-triples.json"
MIN_SCORES = (0.5, 0.7, 0.9)

Found = Sequence[tuple[str, str, Sequence[mere.Triple]]]
"""Language, kind and triples of each sentence."""


class Rate(Record):
    """How many triples were found where none is stated."""

    sentences: int = Field(ge=1)
    false_triples: int = Field(ge=0)
    per_1000: float = Field(ge=0, description="false triples per 1,000 sentences")


class LanguageRate(Rate):
    """Likewise in one language."""

    known: bool = Field(description="false: the model does not know it, and took the universal path")
    kinds: dict[str, Rate]


class ModelRates(Record):
    """What one model finds."""

    digest: str = Field(description="SHA-256 of its weights; empty where it has graphs in their place")
    all: Rate
    known_languages: Rate | None
    unknown_languages: Rate | None
    kinds: dict[str, Rate]
    languages: dict[str, LanguageRate]
    relations: dict[str, int] = Field(description="how often each was found, most often first")
    at_min_score: dict[str, Rate] = Field(description="with only the triples of at least this score")


class FalseTriples(Experiment):
    """The file."""

    models: dict[str, ModelRates]


def challenge() -> list[tuple[str, str, str]]:
    """Return the language, kind and text of every sentence."""
    rows = []
    for file in sorted(CHALLENGE.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            kind, _, text = line.partition("\t")
            rows.append((file.stem, kind, text))
    return rows


def rate(found: Iterable[tuple[str, str, Sequence[mere.Triple]]], min_score: float = 0.0) -> Rate:
    counts = [sum((t.score or 0.0) >= min_score for t in triples) for _, _, triples in found]
    each = 1000 * sum(counts) / len(counts)
    return Rate(sentences=len(counts), false_triples=sum(counts), per_1000=round(each, 1))


def by_kind(found: Found) -> dict[str, Rate]:
    kinds = dict.fromkeys(kind for _, kind, _ in found)
    return {kind: rate(row for row in found if row[1] == kind) for kind in kinds}


def measured(model: str) -> ModelRates:
    """Return what a model finds in the challenge set."""
    from mere.store.fetch import find_model
    from mere.store.folder import ModelFolder

    extractor = mere.load(model)
    rows = challenge()
    documents = extractor.extract([text for _, _, text in rows], [lang for lang, _, _ in rows])
    found = [(*row[:2], document.triples) for row, document in zip(rows, documents, strict=True)]
    known = {lang: find(lang, extractor.labels.languages) is not None for lang, _, _ in rows}
    inside = [row for row in found if known[row[0]]]
    outside = [row for row in found if not known[row[0]]]
    relations = Counter(triple.relation for _, _, triples in found for triple in triples)
    return ModelRates(
        digest=ModelFolder.read(find_model(model)).digest,
        all=rate(found),
        known_languages=rate(inside) if inside else None,
        unknown_languages=rate(outside) if outside else None,
        kinds=by_kind(found),
        languages={lang: _language(found, lang, known) for lang in known},
        relations=dict(relations.most_common()),
        at_min_score={str(least): rate(found, least) for least in MIN_SCORES},
    )


def _language(found: Found, lang: str, known: Mapping[str, bool]) -> LanguageRate:
    own = [row for row in found if row[0] == lang]
    return LanguageRate(**dict(rate(own)), known=known[lang], kinds=by_kind(own))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a model folder")
    parser.add_argument("--name", required=True, help="its name in the results file")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    others = (
        FalseTriples.model_validate_json(arguments.out.read_text()).models if arguments.out.is_file() else {}
    )
    models = others | {arguments.name: measured(arguments.model)}
    FalseTriples(
        experiment="false-triples",
        description="Triples found in sentences that state none, per 1,000 sentences",
        command=f"python benchmarks/false_triples.py MODEL --name {arguments.name}",
        **origin(),
        seeds=[0],
        models=models,
    ).write(arguments.out)
    for lang, own in models[arguments.name].languages.items():
        kinds = ", ".join(f"{kind} {its.per_1000:g}" for kind, its in own.kinds.items())
        print(f"{lang}{'' if own.known else ' (unknown)'}: {own.per_1000:g} per 1,000 ({kinds})")
    print(f"all: {models[arguments.name].all.per_1000:g} per 1,000")


if __name__ == "__main__":
    main()
