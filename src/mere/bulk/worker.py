"""What a worker does: one shard at a time, from its rows to its output, its rows set aside and its report."""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from mere.bulk.attempts import MOST, Attempts
from mere.bulk.parquet import ParquetWriter
from mere.bulk.place import Place
from mere.bulk.plan import CorpusSettings, Shard
from mere.bulk.rows import Aside, read_rows
from mere.errors import MereError, UserError
from mere.inference.extractor import Extractor
from mere.inference.io import InputText, encode_record, output_record
from mere.inference.offsets import Unit, in_units

_POOLED_BATCHES = (
    16  # rows that are read at a time, in batches: sorted by length, they waste little on padding
)
_MOST_CHARACTERS = 1 << 20  # of rows that are read at a time, so that long texts take no more memory
_MOST_FAILURES = 20  # one after the other: a fault of the model or the program, and no poison
UNDETERMINED = "und"
"""Counts documents that took the universal path (ISO 639-2's code for a language not determined)."""


@dataclass(frozen=True)
class Job:
    """What all workers of a run are told.

    Args:
        settings: of the plan.
        out: the output folder, which all of them reach.
        load: how to load the model; takes and returns what `mere.load` does.
    """

    settings: CorpusSettings
    out: Path
    load: Callable[..., Extractor]


@dataclass
class ShardReport:
    """What came of a shard: counts, and what its output must be.

    Args:
        rows: read, whether or not they could be extracted from.
        set_aside: those that could not.
        broken_off: files that end before their end; how many rows are missing, nobody knows.
        languages: documents per language, "und" where the universal path was taken.
        unfit: triples per relation that were left out for the types of their mentions.
        bytes: of the output file.
        sha256: of the output file.
    """

    shard: str
    rows: int = 0
    documents: int = 0
    set_aside: int = 0
    entities: int = 0
    triples: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    broken_off: list[str] = field(default_factory=list)
    output: str = ""
    bytes: int = 0
    sha256: str = ""
    seconds: float = 0.0
    peak_memory_mb: int = 0


@dataclass(frozen=True)
class Failure:
    """Why a worker cannot go on; the run ends with it, and can be resumed.

    Args:
        exit_status: of the error it was; None for one that nobody expected.
    """

    message: str
    exit_status: int | None

    def error(self) -> Exception:
        """Return the exception to raise where the run was asked for."""
        if self.exit_status is None:
            return RuntimeError(self.message)
        return (
            UserError(self.message) if self.exit_status == UserError.exit_status else MereError(self.message)
        )


class Worker:
    """Works off shards with one model, loaded once."""

    def __init__(self, job: Job):
        settings = job.settings
        self.settings = settings
        self.place = Place(job.out)
        self._failed_in_a_row = 0
        self._unfit: Counter[str] = Counter()  # of the shard
        self.extractor = job.load(
            settings.model,
            batch_size=settings.batch_size,
            threshold=settings.threshold,
            languages=settings.languages,
            unwrap=settings.unwrap,
            filter=settings.filter,
            min_precision=settings.min_precision,
        )

    def answer(self, shard: Shard) -> ShardReport | Failure:
        """Work off a shard; whatever goes wrong is an answer, too."""
        try:
            return self.work(shard)
        except Exception as error:  # crosses to the process that asked, which cannot see this one's traceback
            return failure(error)

    def work(self, shard: Shard) -> ShardReport:
        """Write a shard's output and, last, its report.

        Raises:
            MereError: its input has changed, or it has brought down too many workers.
            OSError: the disk is full or failing.
        """
        from mere.store.files import sha256

        began = time.monotonic()
        attempts = Attempts(self.place.attempts(shard.name))
        if attempts.deaths >= MOST:
            raise MereError(
                f"{shard.name} ({shard.slices[0].file.name} …) has brought down {MOST} workers; short of memory? "
                "Finished shards are kept. Go on with --resume and fewer --workers or a smaller --batch-size."
            )
        attempts.begin()
        report = ShardReport(shard.name, output=f"{shard.name}.{self.settings.format}")
        target = self.place.out / report.output
        with self.place.writing(target) as stream, self.place.writing(self.place.aside(shard.name)) as aside:
            self._write(shard, stream, aside, attempts, report)
            stream.flush()
            report.bytes = os.path.getsize(stream.name)
            report.sha256 = sha256(Path(stream.name))
        if not (report.set_aside or report.broken_off):
            self.place.aside(shard.name).unlink()
        report.languages = dict(sorted(report.languages.items()))
        report.seconds = round(time.monotonic() - began, 3)
        report.peak_memory_mb = peak_memory_mb()
        self.place.write_json(f"_done/{shard.name}.json", asdict(report))
        attempts.forget()
        return report

    def _write(
        self, shard: Shard, stream: IO[bytes], aside: IO[bytes], attempts: Attempts, report: ShardReport
    ) -> None:
        self._unfit.clear()
        writer = ParquetWriter(stream) if self.settings.format == "parquet" else _JsonLines(stream)
        languages: Counter[str] = Counter()
        row = 0
        for rows in self._batches(read_rows(shard, self.settings)):
            records = []
            for item in self._extracted(rows, row, attempts):
                if isinstance(item, Aside):
                    aside.write(encode_record(item.to_json()))
                    report.set_aside += not item.rest
                    if item.rest:
                        report.broken_off.append(item.reason)
                else:
                    records.append(item)
                    languages[item["lang"] or UNDETERMINED] += 1
                    report.entities += len(item["entities"])
                    report.triples += len(item["triples"])
            writer.write(records)
            report.documents += len(records)
            row += len(rows)
        writer.close()
        report.rows = report.documents + report.set_aside
        report.languages = languages
        report.unfit = dict(sorted((+self._unfit).items()))

    def _batches(self, rows: Iterator[InputText | Aside]) -> Iterator[list[InputText | Aside]]:
        held, characters = list[InputText | Aside](), 0
        for row in rows:
            held.append(row)
            characters += len(row.text) if isinstance(row, InputText) else 0
            if len(held) >= self.settings.batch_size * _POOLED_BATCHES or characters >= _MOST_CHARACTERS:
                yield held
                held, characters = [], 0
        if held:
            yield held

    def _extracted(
        self, rows: Sequence[InputText | Aside], first: int, attempts: Attempts
    ) -> Iterator[dict[str, Any] | Aside]:
        """Extract from rows, the first of which has the number `first` in its shard; together if that works."""
        end = first + len(rows)
        texts = [row for row in rows if isinstance(row, InputText)]
        records: Iterator[dict[str, Any] | Aside]
        if attempts.suspect(first, end):
            records = self._one_by_one(rows, first, attempts)
        else:
            attempts.at(first, end)
            try:
                records = iter(self._together(texts))
            except Exception:  # one row's fault is told from another's below
                records = (self._alone(text) for text in texts)
        for row in rows:
            yield next(records) if isinstance(row, InputText) else row

    def _together(self, rows: Sequence[InputText]) -> list[dict[str, Any]]:
        langs = [row.lang if row.lang is not None else self.settings.lang for row in rows]
        self.extractor.predictor.unfit.clear()  # of rows whose extraction failed
        documents = list(self.extractor.extract([row.text for row in rows], langs))
        self._unfit.update(self.extractor.predictor.unfit)
        unit = Unit(self.settings.offsets)
        return [
            in_units(output_record(row, document), unit)
            for row, document in zip(rows, documents, strict=True)
        ]

    def _alone(self, row: InputText) -> dict[str, Any] | Aside:
        """Extract from one row, or set it aside.

        Raises:
            MereError: so many rows failed one after the other that it is no matter of rows.
        """
        try:
            record = self._together([row])[0]
            self._failed_in_a_row = 0
            return record
        except Exception as error:
            self._failed_in_a_row += 1
            if self._failed_in_a_row == _MOST_FAILURES:
                raise MereError(
                    f"{row.where}: the last of {_MOST_FAILURES} rows in a row that could not be extracted from: "
                    f"{type(error).__name__}: {error}. Finished shards are kept; mend it, and go on with --resume."
                ) from error
            return Aside(row.where, f"{row.where}: {type(error).__name__}: {error}", row.text)

    def _one_by_one(
        self, rows: Sequence[InputText | Aside], first: int, attempts: Attempts
    ) -> Iterator[dict[str, Any] | Aside]:
        for number, row in enumerate(rows, first):
            if not isinstance(row, InputText):
                continue
            if attempts.fatal(number, first, first + len(rows)):
                yield Aside(row.where, f"{row.where}: brought down every worker that read it.", row.text)
                continue
            attempts.at(number, number + 1)
            yield self._alone(row)


class _JsonLines:
    def __init__(self, stream: IO[bytes]):
        self._stream = stream

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        self._stream.writelines(map(encode_record, records))

    def close(self) -> None:
        """Leave the stream to whoever opened it."""


def failure(error: Exception) -> Failure:
    """Return what to tell of an exception, in words that cross from process to process."""
    if isinstance(error, MereError):
        return Failure(str(error), error.exit_status)
    if isinstance(error, OSError):
        return Failure(
            f"{error}. Check the disk and the path; finished shards are kept. Then go on with --resume.", 1
        )
    return Failure("".join(traceback.format_exception(error)), None)


def peak_memory_mb() -> int:
    """Return the most memory that this process has held, in MB; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1000 for line in status.splitlines() if line.startswith("VmHWM")), 0)
