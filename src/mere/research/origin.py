"""Where figures come from: what every file of them says of the machine, the versions, the data and the command."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from mere.research.record import Record, RecordFile


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
