"""The plan of a corpus run: what decides its result, and the shards, written down before the first row is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import IO, Any, Literal

from mere.bulk.inputs import PLAN, InputFile, find_files
from mere.bulk.parquet import row_groups
from mere.bulk.place import Place
from mere.errors import DataError, UserError
from mere.inference.filter import Filter

_VERSION = 2
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """What decides the result of a run; a run is resumed with the same ones or not at all.

    Args:
        model: a model's folder, or its name on the hub.
        model_digest: of the model's files.
        lang: language of texts that state none; None: identify it.
        input: what files are; "auto" goes by the name. Parquet files are Parquet files.
        per: what one text is, in plain text.
        text_key: the key or the column that holds the text.
        threshold: least score of a triple; None: the model's own.
        languages: the only ones that can occur where none is stated; None: all that the model has.
        unwrap: whether the lines of a text end no sentence.
        offsets: what the offsets of the output count (mere.inference.offsets.Unit).
        relations, types, min_score, any_types: what documents keep (mere.inference.filter.Filter).
        min_precision: the least share of right answers, by the model's calibration; None: any.
        batch_size: sentences per forward pass.
        format: of the output.
        shard_mb: megabytes of input in a shard, about: what a kill costs at most, for each worker.
    """

    model: str
    model_digest: str
    lang: str | None = None
    input: Literal["auto", "text", "jsonl"] = "auto"
    per: Literal["line", "file"] = "line"
    text_key: str = "text"
    threshold: float | None = None
    languages: tuple[str, ...] | None = None
    unwrap: bool = False
    offsets: Literal["codepoints", "utf16", "bytes"] = "codepoints"
    relations: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    min_score: float = 0.0
    any_types: bool = False
    min_precision: float | None = None
    batch_size: int = 64
    format: Literal["jsonl", "parquet"] = "jsonl"
    shard_mb: float = 4.0

    @classmethod
    def of(cls, model: str, **others: Any) -> CorpusSettings:
        """Return the settings of a run with a model as it is now.

        Raises:
            ModelError: there is no such model.
        """
        return cls(model=model, model_digest=model_digest(model), **others)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> CorpusSettings:
        """Return the settings that a plan has written down."""
        listed: dict[str, Any] = {key: tuple(v) for key, v in record.items() if isinstance(v, list)}
        return cls(**record | listed)

    @property
    def filter(self) -> Filter:
        """What documents keep."""
        return Filter(
            relations=self.relations, types=self.types, min_score=self.min_score, any_types=self.any_types
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of rows of one file.

    Args:
        start: its first byte, or its first row group in Parquet.
        end: one past its last; None: to the end of a packed file.
        first: the number of its first line (or row, in Parquet), from 1.
        lines: how many it has; None where only reading tells (packed files).
        weight: bytes on the disk, for the progress bar.
    """

    file: InputFile
    start: int
    end: int | None
    first: int
    lines: int | None
    weight: int


@dataclass(frozen=True, slots=True)
class Shard:
    """What one worker does at a time, and what one output file holds: slices, in order."""

    number: int
    slices: tuple[Slice, ...]

    @property
    def name(self) -> str:
        return f"part-{self.number:06}"

    @property
    def weight(self) -> int:
        return sum(part.weight for part in self.slices)


@dataclass(frozen=True)
class Plan:
    """Everything a run will do, in order.

    Args:
        sources: the paths that the user gave.
    """

    settings: CorpusSettings
    sources: tuple[str, ...]
    files: tuple[InputFile, ...]
    shards: tuple[Shard, ...]

    @classmethod
    def make(cls, settings: CorpusSettings, sources: Sequence[str], place: Place) -> tuple[Plan, list[str]]:
        """Find the files and cut them into shards; every file is read once, to count its lines.

        Returns:
            the plan, and notes on what is not read.

        Raises:
            DataError: a file that cannot be read as it stands.
        """
        files, notes = find_files(sources, settings.input, place.out)
        slices = [part for file in files for part in _cut(file, settings, notes)]
        shards = tuple(_packed(slices, int(settings.shard_mb * 1e6)))
        return cls(settings, tuple(sources), tuple(files), shards), notes

    @cached_property
    def digest(self) -> str:
        """A SHA-256 of the settings, the model and the files; equal digests have equal results."""
        return hashlib.sha256(json.dumps(self._to_json(), sort_keys=True).encode()).hexdigest()

    def save(self, place: Place) -> None:
        place.write_json(PLAN, {"digest": self.digest, **self._to_json()})

    @classmethod
    def load(cls, place: Place) -> Plan:
        """Read the plan of a run that was begun.

        Raises:
            UserError: there is none, or it is damaged or of another version.
        """
        path = place.out / PLAN
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(
                f"{place.out}: no run was begun here (no {PLAN}). Run without --resume."
            ) from None
        except ValueError as error:
            raise UserError(f"{path}: not whole JSON ({error}). Begin again with another --out.") from None
        if not isinstance(record, dict) or record.get("version") != _VERSION:
            raise UserError(f"{path}: of another version of mere. Begin again with another --out.")
        files = tuple(InputFile(**file) for file in record["files"])
        shards = (
            Shard(number, tuple(Slice(files[index], *rest) for index, *rest in slices))
            for number, slices in enumerate(record["shards"])
        )
        plan = cls(
            CorpusSettings.from_json(record["settings"]), tuple(record["sources"]), files, tuple(shards)
        )
        if plan.digest != record["digest"]:
            raise UserError(f"{path}: was altered. Begin again with another --out.")
        return plan

    def _to_json(self) -> dict[str, Any]:
        number = {file.path: index for index, file in enumerate(self.files)}
        return {
            "version": _VERSION,
            "settings": asdict(self.settings),
            "sources": list(self.sources),
            "files": [asdict(file) for file in self.files],
            "shards": [
                [[number[s.file.path], s.start, s.end, s.first, s.lines, s.weight] for s in shard.slices]
                for shard in self.shards
            ],
        }


def model_digest(model: str) -> str:
    """Return a SHA-256 of the list of a model's files, which holds theirs; of two models one of both.

    Raises:
        ModelError: there is no such model.
    """
    from mere.store.fetch import find_models
    from mere.store.files import SUMS, sha256

    return "+".join(sha256(folder / SUMS) for folder in find_models(model))


def _cut(file: InputFile, settings: CorpusSettings, notes: list[str]) -> Iterator[Slice]:
    size = int(settings.shard_mb * 1e6)
    if file.kind == "parquet":
        first = 1
        for start, end, rows, weight in row_groups(file, settings.text_key, size, notes):
            yield Slice(file, start, end, first, rows, weight)
            first += rows
    elif file.packed:
        yield Slice(file, 0, None, 1, None, file.size)
    elif file.kind == "text" and settings.per == "file":
        yield Slice(file, 0, file.size, 1, None, file.size)
    elif file.size:
        with file.open() as stream:
            for start, end, line, lines in cut_lines(stream, size):
                yield Slice(file, start, end, line, lines, end - start)
        if end != file.size:
            raise DataError(
                f"{file.name}: grew while it was counted. Wait until it is written, then run again."
            )


def cut_lines(stream: IO[bytes], size: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (start, end, number of the first line, lines) of runs of whole lines of `size` bytes or just over."""
    start, first = 0, 1
    while True:
        length, lines, last = 0, 0, b"\n"
        while length < size and (chunk := stream.read(min(_CHUNK, size - length))):
            length += len(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
        if last != b"\n":  # go on to the end of the line, or of a file that ends without one
            lines += 1
            while last != b"\n" and (rest := stream.readline(_CHUNK)):
                length += len(rest)
                last = rest[-1:]
        if not length:
            return
        yield start, start + length, first, lines
        start, first = start + length, first + lines


def _packed(slices: Iterable[Slice], size: int) -> Iterator[Shard]:
    """Put slices together until a shard has its size: a million letters are not a million outputs."""
    number, held, weight = 0, list[Slice](), 0
    for part in slices:
        held.append(part)
        weight += part.weight
        if weight >= size:
            yield Shard(number, tuple(held))
            number, held, weight = number + 1, [], 0
    if held:
        yield Shard(number, tuple(held))
