"""How often the language of a text is found, by its length: now, and with py3langid as it was used before.

    python benchmarks/identification.py --data DATA --out benchmarks/results/identification.json

Sentences of up to 45 languages, cut to 1, 2, 4, 8 and 16 words (in scripts without spaces, two characters for a
word) at a random place; the same for both. A model knows some of the languages: "right" is the share of texts in one
of them that take its path, "wrong" that of another, and the others take the universal path; "forced" is the share of
texts in none of them that take one. What was tuned was tuned on `--split dev`; the figures are of test.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from mere.inference.language import Identifier
from mere.research.provenance import commit, hardware, software

LENGTHS = (1, 2, 4, 8, 16)
WITHOUT_SPACES = {"ja", "th", "zh"}
SAME = {"nb": "no", "nn": "no"}  # py3langid knows one Norwegian
MODELS = {
    "two languages": ("de", "en"),
    "quickstart": ("ar", "de", "en", "es", "hi", "ja", "pl", "ru", "zh"),
    "facts": ("de", "en", "hi", "ja", "pt", "ru", "te"),
}
Answer = Callable[[str], "str | None"]
Texts = Mapping[tuple[str, int], list[str]]


def sentences(data: Path, split: str) -> dict[str, list[str]]:
    """Return the texts of each language, each once, from the triples, CrossRE and the open NER corpora."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*data.glob(f"triples/*.{split}.jsonl.gz"), *data.glob(f"crossre/*.{split}.jsonl.gz")]:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                found[SAME.get(record["lang"], record["lang"])].add(record["text"])
    for path in data.glob(f"ner/open/*/{split}.bio.gz"):
        lang = path.parent.name
        found[SAME.get(lang, lang)].update(tokens_joined(path, "" if lang in WITHOUT_SPACES else " "))
    return {lang: sorted(texts) for lang, texts in sorted(found.items())}


def tokens_joined(path: Path, between: str) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for block in lines.read().split("\n\n"):
            yield between.join(row.split("\t")[0] for row in block.splitlines() if row)


def cut(texts: dict[str, list[str]], each: int) -> Texts:
    """Return at most `each` texts per language and length."""
    chance = random.Random(0)
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for lang, whole in texts.items():
        chance.shuffle(whole)
        for length in LENGTHS:
            for text in whole:
                if len(found[lang, length]) == each:
                    break
                size = 2 * length if lang in WITHOUT_SPACES else length
                parts = list(text) if lang in WITHOUT_SPACES else text.split()
                if len(parts) >= size:
                    start = chance.randrange(len(parts) - size + 1)
                    piece = ("" if lang in WITHOUT_SPACES else " ").join(parts[start : start + size])
                    if any(char.isalpha() for char in piece):
                        found[lang, length].append(piece)
    return found


def as_before(known: Collection[str]) -> Answer:
    """py3langid with the model's languages five times likelier, "not sure" below one half."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    varieties = {
        "wuu": "zh",
        "yue": "zh",
        "arz": "ar",
        "ary": "ar",
        "nb": "no",
        "nn": "no",
        "uzs": "uz",
        "sdh": "ku",
    }

    def answer(text: str) -> str | None:
        weights: dict[str, float] = defaultdict(float)
        for label, probability in identifier.rank(text):
            lang = label if label in known else varieties.get(label, label)
            weights[lang] += probability * (5.0 if lang in known else 1.0)
        lang, weight = max(weights.items(), key=lambda item: item[1])
        return lang if weight >= 0.5 * sum(weights.values()) and lang != "zxx" else None

    return answer


def as_now(known: Collection[str]) -> Answer:
    identifier = Identifier(known)
    return lambda text: identifier(text)[0]


def as_only(known: Collection[str]) -> Answer:
    identifier = Identifier(known, only=True)
    return lambda text: identifier(text)[0]


def measured(answer: Answer, known: Collection[str], texts: Texts) -> dict[str, object]:
    """Return the shares by length, the share of right answers by language and length, and the time of a text."""
    counts: dict[int, dict[str, int]] = {length: defaultdict(int) for length in LENGTHS}
    by_language: dict[str, dict[str, float]] = defaultdict(dict)
    began, num = time.process_time(), 0
    for (lang, length), own in texts.items():
        given = [answer(text) for text in own]
        num += len(own)
        count = counts[length]
        if lang in known:
            right = sum(found == lang for found in given)
            count["inside"] += len(own)
            count["right"] += right
            count["wrong"] += sum(found in known for found in given) - right
            by_language[lang][str(length)] = round(right / max(1, len(own)), 3)
        else:
            count["outside"] += len(own)
            count["forced"] += sum(found in known for found in given)
    seconds = time.process_time() - began
    return {
        "by_length": {
            str(length): {
                "right": round(count["right"] / count["inside"], 4),
                "wrong": round(count["wrong"] / count["inside"], 4),
                "forced": round(count["forced"] / max(1, count["outside"]), 4),
            }
            for length, count in counts.items()
        },
        "right_by_language": dict(by_language),
        "microseconds_per_text": round(seconds / num * 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    parser.add_argument("--each", type=int, default=150, help="Texts per language and length.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    split = f"--split {arguments.split} --each {arguments.each}"
    texts = cut(sentences(arguments.data, arguments.split), arguments.each)
    models = {}
    for name, known in {**MODELS, "all of them": tuple(sorted({lang for lang, _ in texts}))}.items():
        models[name] = {
            "languages": list(known),
            "before": measured(as_before(known), known, texts),
            "after": measured(as_now(known), known, texts),
            "only_these": measured(as_only(known), known, texts),
        }
        for system in ("before", "after", "only_these"):
            print(f"{name:14} {system:10}", json.dumps(models[name][system]["by_length"]))
    if arguments.out:
        record = {
            "experiment": "identification",
            "command": f"python benchmarks/identification.py --data DATA {split}",
            "commit": commit(),
            "date": datetime.now(UTC).date().isoformat(),
            "hardware": hardware().model_dump(),
            "software": software().model_dump(),
            "texts": sum(map(len, texts.values())),
            "models": models,
        }
        arguments.out.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
