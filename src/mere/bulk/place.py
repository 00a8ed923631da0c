"""The folder of a corpus run: what lies where, one run in it at a time, and files that are whole or not there.

    part-000012.jsonl          documents of a shard, in the order of its rows
    _plan.json                 settings and shards, written first
    _done/part-000012.json     its report, written last: the shard is done when this is here
    _aside/part-000012.jsonl   its rows that could not be read or extracted, with reasons
    _manifest.json             the sum of all reports, written when all is done
    _lock, _tmp/, _attempts/   of a run at work

Names with an underscore are what readers of folders (Spark, Arrow, Ray) pass over.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mere.errors import UserError

MANIFEST = "_manifest.json"


@dataclass(frozen=True)
class Place:
    """The output folder of a run."""

    out: Path

    def done(self, name: str) -> Path:
        return self.out / "_done" / f"{name}.json"

    def aside(self, name: str) -> Path:
        return self.out / "_aside" / f"{name}.jsonl"

    def attempts(self, name: str) -> Path:
        return self.out / "_attempts" / name

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder against a second run, which would do the same work; a killed run holds it no longer.

        Raises:
            UserError: another run is at work in it.
        """
        with (self.out / "_lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{self.out}: another run is at work here. Wait for it, or stop it."
                ) from None
            shutil.rmtree(self.out / "_tmp", ignore_errors=True)  # what a killed run left
            for folder in ("_tmp", "_done", "_attempts"):
                (self.out / folder).mkdir(exist_ok=True)
            yield

    def tidy(self) -> None:
        """Take away what only a run at work needs."""
        for folder in ("_tmp", "_attempts"):
            shutil.rmtree(self.out / folder, ignore_errors=True)
        (self.out / "_lock").unlink(missing_ok=True)

    @contextmanager
    def writing(self, target: Path) -> Iterator[IO[bytes]]:
        """Yield a file that becomes `target` when all of it is on the disk; after an error there is none."""
        target.parent.mkdir(exist_ok=True)
        part = self.out / "_tmp" / f"{target.name}.{uuid.uuid4().hex}"  # two workers may write one target
        try:
            with part.open("wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def write_json(self, name: str, record: Mapping[str, Any]) -> None:
        with self.writing(self.out / name) as stream:
            stream.write(json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n")
