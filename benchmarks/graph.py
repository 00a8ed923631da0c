"""Graphs from documents: statements a second and peak memory, format by format, and whether pyoxigraph reads them all.

    python benchmarks/graph.py --statements 10000000

Documents are made up (names of syllables in five scripts, some met often, most rarely), written as the JSON lines that
`mere extract` writes, and read back while the graph is written, all in one process and one thread. A statement is an
RDF triple: what one extracted triple becomes is `statements_per_triple`. Seconds are those of the processor, for a
busy machine takes as much of a core as it likes; `wall_seconds` are beside them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pyoxigraph

from mere.graph.rdf.lines import nquads
from mere.graph.read import read_documents
from mere.graph.settings import GraphFormat, GraphSettings, Item
from mere.graph.write import Written, write
from mere.research.provenance import origin
from mere.research.record import Experiment, Record
from mere.types import Document, Entity, Triple

ROOT = Path(__file__).parents[1]
SYLLABLES = ["ba de ki lo mun rá", "да ми ро ве ск", "ابو سلم دين نور", "山田花子京都大", "கா வி மு தி"]
TYPES = ["PER", "LOC", "ORG", None]
RELATIONS = ["birth-place", "works-for", "located in", "hat geschrieben", "出生地"]
NAMES = 400_000
PER_DOCUMENT = (6, 5)  # entities, triples
WHOLE = (GraphFormat.nquads, GraphFormat.neo4j)  # the others are written of a tenth of the documents


class Measured(Record):
    """What writing one format took; statements are RDF triples, and null where the format has none."""

    documents: int
    triples: int
    statements: int | None
    megabytes: float
    seconds: float
    wall_seconds: float
    triples_per_second: float
    statements_per_second: float | None
    peak_memory_mb: float


class GraphRates(Experiment):
    """Rates of the formats, and what pyoxigraph read of the N-Quads.

    Args:
        tenth: every format, of a tenth of the documents; peak memory is that of the process so far, in this order.
        whole: of all documents; what its peak memory is above that of the tenth is what grows with the corpus.
        writing_statements_per_second: N-Quads of documents that lie in memory, without reading JSON.
    """

    statements_per_triple: float
    tenth: dict[str, Measured]
    whole: dict[str, Measured]
    writing_statements_per_second: float
    pyoxigraph_statements_read: int
    pyoxigraph_seconds: float


def documents(seed: int) -> Iterator[tuple[str, Document]]:
    """Make up documents without end."""
    drawn = random.Random(seed)
    for number in itertools.count(1):
        text, entities = "", []
        for _ in range(PER_DOCUMENT[0]):
            rank = int(NAMES * drawn.random() ** 3)  # few names are met often, most rarely
            name = name_of(rank)
            start = len(text) + 5
            text += f"dann {name}, "
            entities.append(Entity(start, start + len(name), name, TYPES[rank % 4], drawn.random()))
        triples = []
        for _ in range(PER_DOCUMENT[1]):
            subject, object = drawn.sample(entities, 2)
            triples.append(Triple(subject, drawn.choice(RELATIONS), object, drawn.random()))
        yield f"notes.txt:{number}", Document(text, "de", tuple(entities), tuple(triples))


@lru_cache(1 << 15)
def name_of(rank: int) -> str:
    """Return the name of a rank, the same in every document: two words of one script."""
    drawn = random.Random(rank)
    syllables = SYLLABLES[rank % len(SYLLABLES)]
    parts = syllables.split() if " " in syllables else list(syllables)
    words = ("".join(drawn.choices(parts, k=drawn.randint(2, 4))) for _ in range(2))
    return " ".join(words).title()


def write_documents(path: Path, number: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for id, document in itertools.islice(documents(seed=1), number):
            file.write(json.dumps({"id": id, **document.to_json()}, ensure_ascii=False) + "\n")


def lines_in(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def measured(source: Path, format: GraphFormat, out: Path) -> Measured:
    """Write one format as `mere graph` does."""
    wall, cpu = time.perf_counter(), time.process_time()
    written: Written = write(read_documents([str(source)]), format, out, GraphSettings(model="benchmark"))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    files = sorted(out.iterdir()) if out.is_dir() else [out]
    size = sum(file.stat().st_size for file in files)
    statements = lines_in(out) if format in (GraphFormat.nquads, GraphFormat.ntriples) else None
    return Measured(
        documents=written.documents,
        triples=written.triples,
        statements=statements,
        megabytes=round(size / 1e6, 1),
        seconds=round(cpu, 2),
        wall_seconds=round(wall, 2),
        triples_per_second=round(written.triples / cpu, 1),
        statements_per_second=None if statements is None else round(statements / cpu, 1),
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


def told(source: Path, format: GraphFormat, out: Path) -> Measured:
    """Measure one format, say so, and keep the N-Quads for their reader."""
    found = measured(source, format, out)
    print(format.value, found, flush=True)
    if format is GraphFormat.nquads:
        out.rename(out.with_name("kept.nq"))
    elif out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink()
    return found


def writing_rate(number: int) -> float:
    """Return the statements a second of N-Quads from documents that lie in memory."""
    held = [Item(*pair) for pair in itertools.islice(documents(seed=2), number)]
    cpu = time.process_time()
    statements = sum(part.encode().count(b"\n") for part in nquads(held, GraphSettings(model="benchmark")))
    return round(statements / (time.process_time() - cpu), 1)


def read_by_pyoxigraph(path: Path) -> tuple[int, float]:
    cpu = time.process_time()
    number = sum(1 for _ in pyoxigraph.parse(path=path, format=pyoxigraph.RdfFormat.N_QUADS))
    return number, round(time.process_time() - cpu, 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--statements", type=int, default=10_000_000, help="N-Quads to write, about")
    arguments = parser.parse_args()
    made_of = origin()  # now: files may change while this runs
    writing = writing_rate(2_000)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "documents.jsonl"), Path(folder, "graph")
        write_documents(source, 1_000)
        per_document = (measured(source, GraphFormat.nquads, out).statements or 0) / 1_000
        number = int(arguments.statements / per_document * 1.05)
        write_documents(source, number // 10)
        tenth = {
            format.value: told(source, format, out)
            for format in GraphFormat
            if format is not GraphFormat.html
        }
        write_documents(source, number)
        whole = {format.value: told(source, format, out) for format in WHOLE}
        statements, seconds = read_by_pyoxigraph(Path(folder, "kept.nq"))
    quads = whole["nquads"]
    GraphRates(
        experiment="graph",
        description="Documents of six entities and five triples to every format of graphs, from JSON lines.",
        command=f"python benchmarks/graph.py --statements {arguments.statements}",
        **made_of,
        seeds=[1],
        statements_per_triple=round((quads.statements or 0) / quads.triples, 2),
        tenth=tenth,
        whole=whole,
        writing_statements_per_second=writing,
        pyoxigraph_statements_read=statements,
        pyoxigraph_seconds=seconds,
    ).write(ROOT / "benchmarks" / "results" / "graph.json")
    print(f"pyoxigraph read {statements:,} statements in {seconds} s")


if __name__ == "__main__":
    main()
