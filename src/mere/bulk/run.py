"""A corpus run from its plan to its manifest: begun, resumed, and summed up."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from mere.bulk.attempts import Attempts
from mere.bulk.inputs import PLAN
from mere.bulk.local import Death, run_local
from mere.bulk.on_ray import run_ray
from mere.bulk.place import MANIFEST, Place
from mere.bulk.plan import CorpusSettings, Plan, Shard, model_digest
from mere.bulk.progress import Listener, Silent
from mere.bulk.worker import Job, ShardReport
from mere.errors import DataError, UserError
from mere.inference.extractor import Extractor
from mere.loading import load as mere_load

Engine = Literal["local", "ray"]


@dataclass
class Summary:
    """What came of a whole run, or of what is done of it; counts as in a shard's report."""

    parts: int = 0
    rows: int = 0
    documents: int = 0
    set_aside: int = 0
    entities: int = 0
    triples: int = 0
    bytes: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    broken_off: list[str] = field(default_factory=list)
    peak_memory_mb: int = 0

    def add(self, report: ShardReport) -> None:
        self.parts += 1
        for key in ("rows", "documents", "set_aside", "entities", "triples", "bytes"):
            setattr(self, key, getattr(self, key) + getattr(report, key))
        self.languages = dict(sorted((Counter(self.languages) + Counter(report.languages)).items()))
        self.unfit = dict(sorted((Counter(self.unfit) + Counter(report.unfit)).items()))
        self.broken_off += report.broken_off
        self.peak_memory_mb = max(self.peak_memory_mb, report.peak_memory_mb)

    def __str__(self) -> str:
        languages = ", ".join(f"{lang} {count:,}" for lang, count in Counter(self.languages).most_common(8))
        more = f" and {len(self.languages) - 8} more" if len(self.languages) > 8 else ""
        aside = f", {self.set_aside:,} rows set aside" if self.set_aside else ""
        return (
            f"{self.documents:,} documents ({languages or 'none'}{more}), {self.entities:,} entities, "
            f"{self.triples:,} triples{aside}"
        )


def extract_corpus(
    settings: CorpusSettings,
    sources: Sequence[str],
    out: Path,
    *,
    engine: Engine = "local",
    workers: int | None = None,
    load: Callable[..., Extractor] = mere_load,
    listener: Listener | None = None,
) -> Summary:
    """Extract from all files under `sources` into the folder `out`, which must not hold anything yet.

    Args:
        settings: what decides the result; `CorpusSettings.of(model)` for the usual ones.
        workers: processes or actors, one thread each; None: one for each core.
        load: called in each worker as `mere.load` is; must be importable there.
        listener: hears notes and progress.

    Raises:
        UserError: `out` is in use, or a file cannot be read as it stands.
        MereError: the work could not go on, or not all of the corpus could be read.
    """
    place, listener = Place(out), listener or Silent()
    if (out / PLAN).exists():
        raise UserError(f"{out}: a run was begun here. Go on with it: mere extract --out {out} --resume")
    if out.exists() and (not out.is_dir() or any(entry.name[:1] != "_" for entry in out.iterdir())):
        raise UserError(f"{out}: is there already. Choose another --out: a folder of its own is written.")
    out.mkdir(parents=True, exist_ok=True)
    with place.held():
        plan, notes = Plan.make(settings, sources, place)
        for note in notes:
            listener.say(f"Note: {note}.")
        plan.save(place)
        return _work(plan, place, engine=engine, workers=workers, load=load, listener=listener)


def resume(
    out: Path,
    *,
    expected: Mapping[str, Any] | None = None,
    engine: Engine = "local",
    workers: int | None = None,
    load: Callable[..., Extractor] = mere_load,
    listener: Listener | None = None,
) -> Summary:
    """Go on with a run that was begun in `out`, with its own settings; what is done is not done again.

    Args:
        expected: settings, and "sources", that the run must have.

    Raises:
        UserError: no run was begun there, or the model, a file or what is expected is not as it was.
    """
    place = Place(out)
    plan = Plan.load(place)
    own = {**asdict(plan.settings), "sources": list(plan.sources)}
    for key, value in (expected or {}).items():
        if own[key] != value:
            raise UserError(
                f"{out}: was begun with {key} {own[key]!r}, and not {value!r}. Choose another --out, or go on "
                f"as it was begun: mere extract --out {out} --resume"
            )
    if load is mere_load and model_digest(plan.settings.model) != plan.settings.model_digest:
        raise UserError(f"{out}: was begun with another {plan.settings.model}. Choose another --out.")
    for file in plan.files:
        file.check()
    with place.held():
        return _work(plan, place, engine=engine, workers=workers, load=load, listener=listener or Silent())


def _work(
    plan: Plan,
    place: Place,
    *,
    engine: Engine,
    workers: int | None,
    load: Callable[..., Extractor],
    listener: Listener,
) -> Summary:
    reports = {shard.name: report for shard in plan.shards if (report := _done(place, shard)) is not None}
    missing = [shard for shard in plan.shards if shard.name not in reports]
    for shard in missing:
        Attempts(place.attempts(shard.name)).forgive()
    summary = Summary()
    for report in reports.values():
        summary.add(report)
    if reports:
        listener.say(f"{len(reports):,} of {len(plan.shards):,} shards are done already.")
    weights = {shard.name: shard.weight for shard in plan.shards}
    total, done = sum(weights.values()), sum(weights[name] for name in reports)
    began, before = time.monotonic(), summary.documents
    listener.advance(done, total, str(summary))
    run = run_ray if engine == "ray" else run_local
    with closing(run(Job(plan.settings, place.out.absolute(), load), missing, workers)) as events:
        for event in events if missing else ():
            if isinstance(event, Death):
                listener.say(f"Note: {event}.")
                continue
            reports[event.shard] = event
            summary.add(event)
            done += weights[event.shard]
            rate = (summary.documents - before) / max(1e-9, time.monotonic() - began)
            listener.advance(done, total, f"{summary}, {rate:,.0f} documents/s")
    _write_manifest(plan, place, summary, [reports[shard.name] for shard in plan.shards])
    place.tidy()
    _refuse_half(summary, place)
    return summary


def _done(place: Place, shard: Shard) -> ShardReport | None:
    """Return the report of a shard whose output is there, whole."""
    try:
        report = ShardReport(**json.loads(place.done(shard.name).read_text(encoding="utf-8")))
        whole = (place.out / report.output).stat().st_size == report.bytes
    except (FileNotFoundError, ValueError):  # ValueError: a disk that lost what it had confirmed
        return None
    return report if whole else None


def _write_manifest(plan: Plan, place: Place, summary: Summary, reports: Sequence[ShardReport]) -> None:
    parts = [
        {"files": [part.file.name for part in shard.slices], **asdict(report)}
        for shard, report in zip(plan.shards, reports, strict=True)
    ]
    record = {"digest": plan.digest, "settings": asdict(plan.settings), "summary": asdict(summary)}
    place.write_json(MANIFEST, {**record, "parts": parts})


def _refuse_half(summary: Summary, place: Place) -> None:
    """Fail after a run that is done but does not hold the corpus.

    Raises:
        DataError: a file is damaged, or no row could be read.
    """
    aside = place.out / "_aside"
    if summary.broken_off:
        raise DataError(
            f"{summary.broken_off[0]} In all {len(summary.broken_off)} such files; what could be read is written, "
            f"and {aside} says where they end. Mend them, and run them again with another --out."
        )
    if summary.set_aside and not summary.documents:
        raise DataError(f"all {summary.set_aside:,} rows were set aside; the reasons are in {aside}.")
