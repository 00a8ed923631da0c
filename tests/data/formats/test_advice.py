"""Every command that a message advises is run as it stands, in the folder of the user, and does what it says."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mere import advice
from mere.data.find import find_files
from mere.data.formats import Problem, Reading, kinds
from mere.data.formats.reading import Command
from mere.errors import DataError

SOURCE = Path(__file__).resolve().parents[3] / "src"
COLUMNS = "Ida\tI-PER\nmag\tO\nGraz\tI-LOC\n"
FAR = [
    {
        "lang": "de",
        "text": f"🎉🎉 Ida{i} lebt in Graz.",
        "entities": [{"start": 5, "end": 9}, {"start": 18, "end": 22}],
    }
    for i in range(3)
]
PAIR = [{"start": 0, "end": 3}, {"start": 4, "end": 7}]
OTHERWISE: dict[str, dict[str, object]] = {
    "span": {"entities": [{"span": [0, 3], "type": "PER"}]},
    "offsets": {"entities": [{"offsets": [[0, 3]], "label": "PER"}]},
    "span in a span": {"entities": [{"span": {"start": 0, "end": 3}, "type": "PER"}]},
    "begin in a position": {"entities": [{"position": {"begin": 0, "end": 3}, "type": "PER"}]},
    "type first": {"entities": [["PER", 0, 3]]},
    "text first": {"entities": [["Ida", 0, 3, "PER"]]},
    "span and type": {"entities": [[[0, 3], "PER"]]},
    "type and span": {"entities": [["PER", [0, 3]]]},
    "four parts": {"entities": [[0, 3, "PER", "Ida"]]},
    "types alone": {"entities": ["PER", "LOC"]},
    "tags": {"entities": ["B-PER", "B-LOC"]},
    "triples by number": {"entities": PAIR, "triples": [[0, "in", 1]]},
    "triples by numbers in objects": {"entities": PAIR, "triples": [{"head": 0, "type": "in", "tail": 1}]},
    "triples by ids": {
        "entities": [{**mention, "id": id} for mention, id in zip(PAIR, ("T1", "T2"), strict=True)],
        "triples": [{"subject": "T1", "relation": "in", "object": "T2"}],
    },
    "a mention beside its place": {"entities": [{"start": 0, "end": 4, "text": "Ida"}]},
    "triples of spans": {"entities": PAIR, "triples": [[[0, 3], "in", [4, 7]]]},
    "triples of texts": {"entities": PAIR, "triples": [["Ida", "in", "Ulm"]]},
}
CASES: dict[str, tuple[str, bytes, Reading]] = {
    "scheme": ("de.train.conll", COLUMNS.encode(), Reading()),
    "blank in the path": ("two words/de.train.conll", COLUMNS.encode(), Reading(column="2")),
    "no language": ("rows.conll", COLUMNS.replace("I-", "B-").encode(), Reading()),
    "outside": ("de.train.conll", b"Ida\tB-PER\nmag\t_\n", Reading()),
    "types": ("de.train.conll", b"Ida\tPER\nmag\tO\nBo\tPER\n", Reading()),
    "which column": ("de.train.tsv", b"Ulm-West\tB-ORG\tB-LOC\nruht\tO\tO\n", Reading()),
    "latin-1": ("de.train.conll", "Zürich\tB-LOC\nruht\tO\n".encode("latin-1"), Reading()),
    "latin-1, packed": ("de.train.conll.gz", gzip.compress("Zürich\tB-LOC\nruht\tO\n".encode("latin-1")), Reading()),
    "windows-1251": ("ru/train.conll", "Ида\tB-PER\nтут\tO\n".encode("cp1251"), Reading()),
    "mixed": ("de.train.conll", "Zürich\tB-LOC\nund\tO\n\nGr".encode() + b"\xfcn\tO\nist\tO\n", Reading()),
    "utf-16": ("de.train.conll", "Zürich\tB-LOC\nruht\tO\n".encode("utf-16"), Reading()),
    "utf-16, no mark": ("de.train.conll", "Zurich\tB-LOC\nruht da\tO\n".encode("utf-16-le"), Reading()),
    "half a character": ("zh.a.conll", "李\tB-PER\n".encode() + b"\xed\xa0\xbdx\tO\n", Reading()),
    "utf-16 units": ("de.train.jsonl", "\n".join(map(json.dumps, FAR)).encode(), Reading()),
    "no lang": ("rows.jsonl", b'{"text": "Ida lebt."}\n', Reading()),
    "relations": (
        "de.train.jsonl",
        b'{"text": "Ida Ulm", "entities": [{"start": 0, "end": 3}, {"start": 4, "end": 7}], '
        b'"relations": [{"from": 0, "to": 1, "type": "in"}]}\n',
        Reading(),
    ),
    "letters": ("ko.train.conll", "\n".join(f"{letter}\tO" for letter in "박민수는갔다").encode(), Reading()),
    **{
        name: ("de.train.jsonl", json.dumps({"text": "Ida Ulm", **more}).encode() + b"\n", Reading())
        for name, more in OTHERWISE.items()
    },
    "mentions in rows": ("de.train.csv", b"text,start,end,label\nIda Ulm,0,3,PER\nIda Ulm,4,7,LOC\n", Reading()),
    "tags in a cell": ("de.train.csv", b"text,tags\nIda mag Ulm,B-PER O B-LOC\n", Reading()),
    "tags in a string": ("de.train.jsonl", b'{"text": "Ida mag Ulm", "tags": "B-PER O B-LOC"}\n', Reading()),
    "words with tags": ("de.train.txt", b"Ida/B-PER mag/O Ulm/B-LOC\nBo/B-PER ruht/O\n", Reading()),
    "a table without a language": ("rows.csv", b"text\nIda mag Ulm\n", Reading()),
    "rows under a key": ("de.train.json", b'{"data": [{"text": "Ida", "entities": []}]}\n', Reading()),
    "ents": ("de.train.jsonl", b'{"text": "Ida", "ents": [{"start": 0, "end": 3, "label": "PER"}]}\n', Reading()),
}  # fmt: skip


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would who copied it."""
    shim = folder / ".bin" / "mere"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mere "$@"\n')
    shim.chmod(0o755)
    env = {**os.environ, "PATH": f"{shim.parent}:{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", CASES)
def test_an_advised_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    file, content, reading = CASES[name]
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    out = Path("de.read.jsonl")
    reading = Reading(column=reading.column, command=Command("convert", (path,), out))
    problems: list[Problem] = []
    (found,) = find_files(path).files
    list(kinds.read(path, found.format, problems, reading))
    told = [part for problem in problems for part in advice.parts(str(problem)) if advice.is_command(part)]
    assert told, problems
    command = told[0].split("un: ", 1)[1]
    if shutil.which(command.split()[0]) is None and not command.startswith("mere"):
        pytest.skip(f"{command.split()[0]} is not here")
    done = run(command, tmp_path)
    assert done.returncode == 0, (command, done.stderr)
    target = out if command.startswith("mere") else Path(command.rsplit("> ", 1)[1].strip("'"))
    format = find_files(target).files[0].format
    again: list[Problem] = []
    assert list(kinds.read(target, format, again)), "what was written is read, in its language"
    assert not [problem for problem in again if problem.severity == "error"]


def test_a_file_of_mixed_encodings_keeps_its_good_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("de.train.conll").write_bytes(CASES["mixed"][1])
    with pytest.raises(DataError) as raised:
        list(kinds.read(Path("de.train.conll"), find_files("de.train.conll").files[0].format))
    assert run(str(raised.value).split("Run: ")[1], tmp_path).returncode == 0
    assert Path("de.train.utf8.conll").read_text("utf-8") == "Zürich\tB-LOC\nund\tO\n\nGrün\tO\nist\tO\n"


def test_names_keep_language_and_split() -> None:
    assert advice.beside(Path("a b/de.train.conll.gz"), "utf8") == Path("a b/de.train.utf8.conll")
    assert advice.beside(Path("hau/train.txt"), "utf8") == Path("hau/train.utf8.txt")
    assert advice.command("mere", "check", Path("a b/x"), ">", "y") == "mere check 'a b/x' > y"
