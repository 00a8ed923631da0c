"""Files of figures: what every one of them says of the machine, the versions, the data and the command.

Every key is known and every number finite. A file is written whole or not at all.
"""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mere.files import write_whole

_INNERMOST = re.compile(r'[{\[](?:"(?:\\.|[^"\\])*"|[^"{}\[\]])*[}\]]')
"""An object or a list with none in it, as JSON has it."""


class Record(BaseModel):
    """A part of a file: every key known, every number finite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RecordFile(Record):
    """A record that is a JSON file of its own."""

    def write(self, path: str | Path) -> None:
        """Write the file with one line per innermost record, so that a changed figure is a changed line."""
        path = Path(path)
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, indent=2)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _INNERMOST.sub(_on_one_line, text).encode() + b"\n")


def _on_one_line(innermost: re.Match[str]) -> str:
    return re.sub(r"\n *", "", re.sub(r",\n *", ", ", innermost[0]))


class Hardware(Record):
    """What the figures were measured on; no host is named."""

    cpu: str
    cores: int = Field(ge=1, description="that the process may use")
    memory_gb: float | None = Field(gt=0, description="in GiB; null where the system does not tell")
    gpu: str | None = None


class Software(Record):
    """Versions that a repetition needs; torch is null where none was used."""

    python: str
    torch: str | None
    mere: str


class Data(Record):
    """What the systems were trained and scored on."""

    name: str
    fingerprint: str = Field(
        description="hash of what the corpus says; run folders hold that of the joined corpus"
    )
    sizes: dict[str, dict[str, int]] = Field(description="sentences per split and language")


class Experiment(RecordFile):
    """What was run, when, on what: the head of every file of figures."""

    experiment: str
    description: str
    command: str = Field(description="that makes this file, from the project's root")
    commit: str | None = Field(description='"-dirty" at its end: with changes that were not committed')
    date: date
    seeds: list[int] = Field(min_length=1)
    hardware: Hardware
    software: Software
