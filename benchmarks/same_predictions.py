"""Whether this code says of a text, bit for bit, what an earlier mere said with the same model.

    same_predictions.py write MODEL OUT CORPUS [--split test --split heldout]    what is said of each sentence
    same_predictions.py write MODEL OUT texts.txt                                what is said of each line
    same_predictions.py compare BEFORE AFTER [--record RESULTS]                  two such files, or folders of them

The committed figures are of the quick start's model (test, heldout, examples/texts.txt) and of a tiny model of every
other kind: encoders, decoders of entities, switchers, weights of a language's own.

`write` runs with any version (PYTHONPATH=OTHER/src); scores are written whole, and no threshold is applied, so
that every fact which decoding finds is compared. `compare` ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write(model: Path, out: Path, data: Path, splits: list[str]) -> None:
    """Write a JSON line per sentence or text: entities and triples, with offsets and scores."""
    import mere

    extractor = mere.load(model, threshold=0.0)
    if data.is_file():
        texts = [(str(i), line, None) for i, line in enumerate(data.read_text("utf-8").splitlines())]
        found: Any = list(extractor.extract([text for _, text, _ in texts]))
    else:
        texts = list(_sentences(data, splits))
        found = extractor.predictor.predict(
            [text for _, text, _ in texts], [lang for _, _, lang in texts], threshold=0.0
        )
    with out.open("w", encoding="utf-8") as file:
        for (name, _, _), said in zip(texts, found, strict=True):
            file.write(json.dumps(_record(name, said), ensure_ascii=False) + "\n")


def _sentences(folder: Path, splits: list[str]) -> Iterator[tuple[str, str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        if path.name.split(".")[1] in splits:
            for line in path.read_text("utf-8").splitlines():
                record = json.loads(line)
                yield record["id"], record["text"], record["lang"]


def _record(name: str, said: Any) -> dict[str, Any]:
    def entity(e: Any) -> list[Any]:
        return [e.start, e.end, e.type, e.score]

    triples = [[entity(t.subject), t.relation, entity(t.object), t.score] for t in said.triples]
    return {"id": name, "entities": [entity(e) for e in said.entities], "triples": triples}


def compare(before: Path, after: Path) -> dict[str, int]:
    """Count what two files say, and the sentences of which they do not say the same."""
    old, new = (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in (before, after)
    )
    counts = Counter(sentences=len(old), differing=abs(len(old) - len(new)))
    for ours, theirs in zip(old, new, strict=False):
        counts["entities"] += len(ours["entities"])
        counts["triples"] += len(ours["triples"])
        if ours != theirs:
            counts["differing"] += 1
            print(f"{before.name}: {ours['id']} differs", file=sys.stderr)
    return {key: counts[key] for key in ("sentences", "entities", "triples", "differing")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    writes = verbs.add_parser("write")
    for name in ("model", "out", "data"):
        writes.add_argument(name, type=Path)
    writes.add_argument("--split", action="append", default=[])
    compares = verbs.add_parser("compare")
    for name in ("before", "after"):
        compares.add_argument(name, type=Path)
    compares.add_argument("--commit", help="of the mere that wrote BEFORE")
    compares.add_argument("--record", type=Path, help="JSON file that the counts are written to")
    given = parser.parse_args()
    if given.verb == "write":
        write(given.model, given.out, given.data, given.split or ["test", "heldout"])
        return 0
    pairs = {given.before.name: (given.before, given.after)}
    if given.before.is_dir():
        pairs = {path.name: (path, given.after / path.name) for path in sorted(given.before.glob("*.jsonl"))}
    counts = {name.removesuffix(".jsonl"): compare(*pair) for name, pair in pairs.items()}
    print(json.dumps(counts, indent=2))
    if given.record:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout
        record = {"before": given.commit, "after": commit.strip(), "compared": counts}
        given.record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return int(any(found["differing"] for found in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
