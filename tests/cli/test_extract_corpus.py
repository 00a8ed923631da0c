"""`mere extract … --out DIR` with a real model: what the stream gives, in shards; refusals that name the cure."""

from __future__ import annotations

import shutil
from pathlib import Path

from mere.shipped import IN_PACKAGE
from tests.command import mere, refused, worked

NAMES = IN_PACKAGE / "names"
LINES = ["Ada Byron wurde in London geboren.", "", "花子は京都で生まれた。", "Bo met Cy in Ulm."] * 30


def test_a_corpus_is_what_the_stream_gives(tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus.txt", tmp_path / "out"
    corpus.write_text("\n".join(LINES), encoding="utf-8")
    options = ["--threshold", 0, "--workers", 1]
    done = worked(mere("extract", NAMES, corpus, "--out", out, "--shard-mb", 0.002, *options))
    assert done.stdout == ""
    assert "120 documents" in done.stderr
    parts = sorted(out.glob("part-*.jsonl"))
    assert len(parts) > 1
    stream = worked(mere("extract", NAMES, corpus, "--threshold", 0)).stdout_bytes
    assert b"".join(part.read_bytes() for part in parts) == stream

    again = worked(mere("extract", "--out", out, "--resume"))
    assert f"{len(parts)} of {len(parts)} shards are done already." in again.stderr
    worked(mere("extract", NAMES, corpus, "--out", out, "--resume", *options))
    refused(
        mere("extract", NAMES, corpus, "--out", out, "--resume", "--threshold", 0.5),
        "was begun with threshold 0.0, and not 0.5",
    )
    refused(mere("extract", NAMES, corpus, "--out", out), f"mere extract --out {out} --resume")


def test_what_does_not_go_together_is_said(untrained_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refused(mere("extract", "--out", out), "give a model and files")
    refused(mere("extract", "--out", out, "--resume"), "no run was begun here")
    refused(mere("extract", untrained_model, "--format", "parquet"), "go with --out DIR")
    refused(mere("extract", untrained_model, tmp_path, "--out", out, "--format", "turtle"), "mere graph")
    refused(mere("extract", untrained_model, "-", "--out", out), "reads files, not standard input")


def test_filters_are_those_of_the_stream(untrained_model: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus.txt", tmp_path / "out"
    corpus.write_text("\n".join(f"👩‍🚒 {line}" for line in LINES[:8]), encoding="utf-8")
    options = ["--min-score", 0.2, "--any-types", "--languages", "de", "--offsets", "utf16", "--unwrap"]
    stream = worked(mere("extract", NAMES, corpus, "--threshold", 0, *options))
    worked(mere("extract", NAMES, corpus, "--out", out, "--threshold", 0, "--workers", 1, *options))
    assert b"".join(part.read_bytes() for part in sorted(out.glob("part-*"))) == stream.stdout_bytes
    refused(
        mere("extract", "--out", out, "--resume", "--min-score", 0.3),
        "was begun with min_score 0.2, and not 0.3",
    )
    for model, wrong in ((NAMES, ["--relations", "birthplace"]), (untrained_model, ["--min-precision", 0.9])):
        said = mere("extract", model, corpus, *wrong)
        whole = mere("extract", model, corpus, "--out", tmp_path / "none", "--workers", 1, *wrong)
        refused(whole, said.stderr.removeprefix("Error: ").strip()[:60])
        shutil.rmtree(tmp_path / "none")
