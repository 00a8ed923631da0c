"""`mere bench`: how fast a model reads raw text on this machine, and what it takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mere.cli.guard import talk
from mere.cli.options import MODEL_HELP
from mere.inference.io import read_texts


def bench(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Text or .jsonl files; default: invented sentences in the model's languages."),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Cores to run on.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure sentences and words a second, latency, start-up and memory, in a process of its own."""
    from mere.research.provenance import hardware, software
    from mere.speed import SENTENCE, measure
    from mere.store.fetch import find_model
    from mere.store.info import ModelInfo

    info = ModelInfo.read(find_model(model))
    texts = _texts(files) if files else invented(info.languages)
    talk(f"Measuring {len(texts):,} texts, four passes, and {len(SENTENCE.split())} words 220 times …")
    speed = measure(model, texts, threads=threads)
    if as_json:
        record = {
            "model": {"name": info.name, "form": info.form, "precision": info.precision, "bytes": info.bytes},
            **asdict(speed),
            "hardware": hardware().model_dump(),
            "software": software().model_dump(),
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for heading, line in (
        ("model", f"{info.name}: {info.form}, {info.precision}, {info.bytes / 1e6:,.1f} MB"),
        ("threads", f"{speed.threads}"),
        ("texts", f"{speed.sentences:,} sentences, {speed.words:,} words"),
        ("sentences/s", f"{speed.sentences_per_second:,.0f}"),
        ("words/s", f"{speed.words_per_second:,.0f}"),
        ("latency", f"{speed.latency_p50_ms:.2f} ms (median), {speed.latency_p95_ms:.2f} ms (95 %)"),
        ("start-up", f"{speed.startup_s:.2f} s to the first answer, {speed.startup_memory_mb:,} MB"),
        ("peak memory", f"{speed.peak_memory_mb:,} MB"),
    ):
        typer.echo(f"{heading:13}{line}")


def _texts(files: Sequence[str]) -> list[str]:
    return [item.text for file in files for item in read_texts(file) if item is not None]


def invented(languages: Sequence[str]) -> list[str]:
    """Return the quick-start corpus's dev sentences in the languages of a model, or else in all."""
    from mere.data.quickstart import generate
    from mere.lang_codes import find

    split = {lang: rows for (lang, name), rows in generate().items() if name == "dev"}
    known = [lang for lang in split if find(lang, languages) is not None]
    return [row["text"] for lang in known or split for row in split[lang]]
