"""A run's output is what one extractor reads in one go, and so it stays whatever dies on the way."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from mere.bulk import Plan, extract_corpus
from mere.bulk.attempts import MOST, Attempts
from mere.bulk.place import Place
from mere.bulk.worker import Job, Worker
from mere.errors import DataError, MereError, UserError
from mere.inference.io import output_record, read_texts
from tests.bulk import by_rule
from tests.bulk.corpora import documents, go_on, parts, run, set_aside, settings, text, write_lines

ROOT = Path(__file__).parents[2]


def written_in_one_go(path: Path) -> list[object]:
    extractor = by_rule.load("")
    items = list(read_texts(str(path)))
    found = extractor.extract([item.text for item in items], "de")
    return [output_record(item, document) for item, document in zip(items, found, strict=True)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "corpus.txt", [text(n) if n % 9 else "" for n in range(400)])


def test_documents_are_those_of_one_extractor_in_order_of_rows(corpus: Path, tmp_path: Path) -> None:
    summary = run(corpus, tmp_path / "out", workers=2)
    assert documents(tmp_path / "out") == written_in_one_go(corpus)
    assert (summary.rows, summary.documents, summary.set_aside) == (400, 400, 0)
    assert summary.languages == {"de": 355, "und": 45}
    assert summary.unfit == {"beside": summary.entities}, (
        "what the predictor counts is told once for each row"
    )
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_text())
    assert [part["output"] for part in manifest["parts"]] == list(parts(tmp_path / "out"))
    assert sum(part["triples"] for part in manifest["parts"]) == summary.triples > 400
    assert not (tmp_path / "out" / "_tmp").exists()


def test_the_number_of_workers_changes_no_byte(corpus: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        run(corpus, tmp_path / f"out{workers}", workers=workers)
    assert parts(tmp_path / "out1") == parts(tmp_path / "out3")


def test_parquet_holds_what_json_lines_hold(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "lines")
    run(corpus, tmp_path / "columns", format="parquet")
    table = pa.concat_tables(parquet.read_table(path) for path in sorted(tmp_path.glob("columns/part-*")))
    columns = [
        {key: value for key, value in row.items() if value is not None and (key, value) != ("notes", [])}
        for row in table.to_pylist()
    ]
    lines = [
        {key: value for key, value in row.items() if value is not None}
        for row in documents(tmp_path / "lines")
    ]
    assert columns == lines


def test_rows_that_raise_or_kill_are_set_aside_and_no_other(tmp_path: Path) -> None:
    lines = [text(n) for n in range(100)]
    lines[17] = by_rule.RAISES
    lines[60] = by_rule.KILLS
    corpus = write_lines(tmp_path / "corpus.txt", lines)
    summary = run(corpus, tmp_path / "out", workers=2)
    assert (summary.rows, summary.documents, summary.set_aside) == (100, 98, 2)
    assert summary.unfit == {"beside": summary.entities}, "and so beside rows that raise or kill"
    assert [document["text"] for document in documents(tmp_path / "out")] == [
        line for line in lines if line not in (by_rule.RAISES, by_rule.KILLS)
    ]
    raises, kills = set_aside(tmp_path / "out")
    assert raises == {
        "where": f"{corpus}:18",
        "reason": f"{corpus}:18: ArithmeticError: division by poison",
        "row": by_rule.RAISES,
    }
    assert kills["where"] == f"{corpus}:61"
    assert "brought down every worker" in kills["reason"]


def test_a_death_or_two_change_nothing_and_a_third_finds_the_row(tmp_path: Path) -> None:
    log = Attempts(tmp_path / "log")
    for deaths in range(3):
        log.begin()
        log.at(0, 4)
        log.at(4, 8)
        log = Attempts(tmp_path / "log")
        assert log.suspect(4, 8) == (deaths >= 1)
        assert not log.suspect(0, 4)
    assert not log.fatal(5, 4, 8)
    log.begin()
    log.at(0, 4)
    log.at(4, 5)
    log.at(5, 6)
    log = Attempts(tmp_path / "log")
    assert [row for row in range(8) if log.fatal(row, row // 4 * 4, row // 4 * 4 + 4)] == [5]
    log.forget()
    assert not Attempts(tmp_path / "log").suspect(4, 8)


def test_a_shard_that_brings_down_every_worker_ends_the_run(corpus: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "out")
    run(corpus, place.out)
    done = place.done("part-000001")
    done.unlink()
    (place.out / "_attempts").mkdir()
    place.attempts("part-000001").write_text("begun\n" * MOST)
    worker = Worker(Job(settings(), place.out, by_rule.load))
    with pytest.raises(MereError, match=f"has brought down {MOST} workers"):
        worker.work(Plan.load(place).shards[1])
    go_on(place.out)  # a new run tries again
    assert done.exists()


START = """
import sys
from pathlib import Path
from tests.bulk.corpora import run
run(Path(sys.argv[1]), Path(sys.argv[2]), workers=2, shard_mb=0.02)
"""


def started(corpus: Path, out: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", START, str(corpus), str(out)], env={**os.environ, "PYTHONPATH": path}
    )


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in /proc")
def test_kill_9_of_a_worker_and_of_the_run_loses_and_doubles_nothing(tmp_path: Path) -> None:
    corpus = write_lines(tmp_path / "corpus.txt", [text(n) for n in range(4000)])
    run(corpus, tmp_path / "whole", shard_mb=0.02)
    out = tmp_path / "out"
    process = started(corpus, out)
    for num_done in (1, 5):
        while process.poll() is None and len(list(out.glob("_done/*"))) < num_done:
            time.sleep(0.01)
        os.kill(children(process.pid)[-1] if num_done == 1 else process.pid, signal.SIGKILL)
    process.wait()
    assert len(parts(out)) < len(parts(tmp_path / "whole"))
    go_on(out, workers=2)
    assert parts(out) == parts(tmp_path / "whole")
    assert documents(out) == written_in_one_go(corpus)


def test_what_is_done_is_not_done_again(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out")
    before = {path: path.stat().st_ino for path in (tmp_path / "out").glob("part-*")}
    lost = sorted(before)[1]
    lost.unlink()
    go_on(tmp_path / "out")
    after = {path: path.stat().st_ino for path in (tmp_path / "out").glob("part-*")}
    assert before.keys() == after.keys()
    assert {path for path in before if path != lost and before[path] != after[path]} == set()


def test_a_run_goes_on_only_as_it_was_begun(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(corpus, out)
    with pytest.raises(UserError, match=f"Go on with it: mere extract --out {out} --resume"):
        run(corpus, out)
    write_lines(corpus, ["other"])
    with pytest.raises(DataError, match="has changed since the run began"):
        go_on(out)
    with pytest.raises(UserError, match="no run was begun here"):
        go_on(tmp_path / "nowhere")
    (tmp_path / "full").mkdir()
    write_lines(tmp_path / "full" / "letter.txt", ["dear"])
    with pytest.raises(UserError, match=r"is there already\. Choose another --out"):
        run(corpus, tmp_path / "full")


def test_two_runs_at_a_time_are_refused(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out")
    with Place(tmp_path / "out").held(), pytest.raises(UserError, match="another run is at work here"):
        go_on(tmp_path / "out")


def test_a_full_disk_ends_the_run_and_leaves_nothing_half(corpus: Path, tmp_path: Path) -> None:
    """A limit on the size of files fails a write just as a full disk does."""
    run(corpus, tmp_path / "whole")
    largest = max(len(content) for content in parts(tmp_path / "whole").values())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, limits[1]))  # workers inherit it
    try:
        with pytest.raises(MereError, match=r"File too large.*Then go on with --resume"):
            run(corpus, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "out" / "_tmp").iterdir()) == []
    assert parts(tmp_path / "out").items() <= parts(tmp_path / "whole").items()
    go_on(tmp_path / "out")
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_a_run_that_lacks_rows_is_written_and_fails(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"\xff\n\xfe\n")
    with pytest.raises(DataError, match="all 2 rows were set aside; the reasons are in"):
        run(tmp_path / "corpus.txt", tmp_path / "out")
    assert len(set_aside(tmp_path / "out")) == 2
    whole = gzip.compress("".join(f"{n * 7919 % 10007}\n" for n in range(9000)).encode())
    (tmp_path / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut short here.*In all 1 such files"):
        run(tmp_path / "cut.txt.gz", tmp_path / "cut", batch_size=64)
    assert len(documents(tmp_path / "cut")) > 1000


def test_a_model_that_cannot_be_loaded_is_said_once(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere/x/y: no such folder"):
        extract_corpus(settings(model="nowhere/x/y"), [str(corpus)], tmp_path / "out", workers=1)


def test_an_empty_corpus_is_done(tmp_path: Path) -> None:
    assert run(write_lines(tmp_path / "corpus.txt", []), tmp_path / "out").documents == 0
    assert (tmp_path / "out" / "_manifest.json").exists()
