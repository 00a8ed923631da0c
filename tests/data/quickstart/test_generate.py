"""The quick-start corpus is the same bytes for the same seed, in any process and on disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mere.data.quickstart.generate import generate, read_triples, write
from tests.data.quickstart.quickstart_examples import Records

FINGERPRINT = """
import hashlib, json
from mere.data.quickstart.generate import generate
corpus = generate(5)
rows = [json.dumps(r, sort_keys=True) for key in sorted(corpus) for r in corpus[key]]
print(hashlib.sha256("\\n".join(rows).encode()).hexdigest())
"""


def fingerprint(corpus: Records) -> str:
    rows = [json.dumps(record, sort_keys=True) for key in sorted(corpus) for record in corpus[key]]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def test_the_same_seed_gives_the_same_corpus_in_another_process(
    corpus: Records,
) -> None:
    here = generate(5)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == fingerprint(here)
    assert fingerprint(here) != fingerprint(corpus)


def test_written_files_hold_the_corpus(tmp_path: Path, corpus: Records) -> None:
    paths = write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{lang}.{split}.jsonl" for lang, split in corpus]
    for path, records in zip(paths, corpus.values(), strict=True):
        lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
        assert [json.loads(line) for line in lines] == records
        assert "\\u" not in lines[0]
    assert write(tmp_path / "again")[0].read_bytes() == paths[0].read_bytes()


def test_a_wrong_key_is_an_error() -> None:
    assert read_triples("birth-place + has-child:per,per3") == (
        ("per", "birth-place", "city"),
        ("per", "has-child", "per3"),
    )
    assert read_triples("negation") == ()
    with pytest.raises(KeyError):
        read_triples("birthplace")
