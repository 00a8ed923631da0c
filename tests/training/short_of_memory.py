"""What runs short of memory in tests, in a process of its own: python -m tests.training.short_of_memory FOLDER

Prints as JSON what was said of dev that did not fit, where a run that goes on with that advice wrote its model, and
what was said of a language that did not fit.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests import tiny

from mere.data.formats import jsonl
from mere.errors import TrainingError
from mere.languages.add_language import add_language
from mere.languages.defaults import Choices
from mere.training.progress import Bar, Silent
from mere.training.run import Run, train

ROOM = 60_000_000


@contextmanager
def at_most(more: int) -> Iterator[None]:
    """Let this process have so many bytes of address space more than it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Limits(Silent):
    """Leaves less memory to the steps of a stage than one tensor of theirs needs."""

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        with at_most(ROOM // 10), super().stage(name, num_steps, done) as bar:
            yield bar


def corpus_of(folder: Path, **copies: int) -> str:
    """A corpus of German and English sentences, so many copies of each in a split."""
    folder.mkdir()
    for lang in ("de", "en"):
        own = [sentence for sentence in tiny.SENTENCES if sentence.lang == lang]
        for split, number in copies.items():
            many = [
                replace(sentence, id=f"{sentence.id}-{copy}") for sentence in own for copy in range(number)
            ]
            jsonl.write(many, folder / f"{lang}.{split}.jsonl")
    return str(folder)


def refused(run: Run) -> str:
    try:
        with at_most(ROOM):
            run.finish()
    except TrainingError as error:
        return str(error)
    return ""


def main(folder: Path) -> None:
    stage = {"name": "s", "steps": 1, "evaluations": 1, "sampling": {"pieces_per_batch": 4000}}
    ours = tiny.recipe(
        data={"path": corpus_of(folder / "corpus", train=1, dev=20)},
        triples={"hidden": 3000, "dropout": 0.0},
        switcher={"width": 0},
        stages=[stage],
    )
    small = ours.model_copy(update={"dev_pieces_per_batch": 40})
    model = train(
        small, folder / "first", talk=False
    )  # what only the first run of a process needs is there now
    said = refused(Run(ours, folder / "run", resume=False, listener=Silent()))
    again = Run(small, folder / "run", resume=True, listener=Silent())
    with at_most(ROOM):
        written = again.finish()
    english = [s for s in tiny.SENTENCES if s.lang == "en"]
    many = [replace(s, id=f"{s.id}-{copy}", lang="uk") for s in english for copy in range(600)]
    jsonl.write(many, folder / "uk.train.jsonl")
    added = ""
    try:
        add_language(
            model, folder / "uk.train.jsonl", "uk", folder / "new", Choices(lora=4, epochs=0.1), Limits()
        )
    except TrainingError as error:
        added = str(error)
    print(json.dumps({"dev": said, "written": str(written), "added": added}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
