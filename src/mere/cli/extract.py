"""`mere extract`: text in, one JSON line per text out, as a stream."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from mere.cli.guard import talk
from mere.cli.options import MODEL_HELP, MinPrecision, told_unfit
from mere.cli.texts import Reading
from mere.errors import UserError
from mere.inference.filter import Filter
from mere.inference.io import InputText, check_text, encode_record, output_record
from mere.inference.offsets import Unit, in_units, unit_named
from mere.lang_codes import find
from mere.shipped import DEFAULT, default_model
from mere.types import Document

Format = Literal[
    "jsonl", "ntriples", "nquads", "turtle", "jsonld", "graphml", "cypher", "csv", "html", "parquet"
]
"""How documents are written: as JSON lines, as a graph (mere.graph) that can be printed, or as Parquet."""


def _unit(name: str) -> Unit:
    try:
        return unit_named(name)
    except UserError as error:
        raise typer.BadParameter(str(error)) from None


def extract(
    model: Annotated[
        str | None,
        typer.Argument(help=f"{MODEL_HELP} Where the first is a file or -, {DEFAULT} reads it."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help='Text or .jsonl files, .gz too; "-" or nothing: standard input. With --out also folders and .parquet.'
        ),
    ] = None,
    facts: Annotated[
        str | None,
        typer.Option("--facts", help="A second model: its triples, and the entities of the first."),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", help="Language of texts that state none; default: identify it.")
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option("--languages", help="The only languages that can occur where none is stated: de,en."),
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format", help="How to write documents; mere graph has more; parquet goes with --out."
        ),
    ] = "jsonl",
    input: Annotated[
        Literal["auto", "text", "jsonl"],
        typer.Option("--input", help="What the files are; auto goes by the name."),
    ] = "auto",
    text_key: Annotated[
        str, typer.Option("--text-key", help="The key that holds the text, in JSON lines.")
    ] = "text",
    unwrap: Annotated[
        bool,
        typer.Option(
            "--unwrap", help="Text files are hard-wrapped: each is one text, its lines end no sentence."
        ),
    ] = False,
    offsets: Annotated[
        Unit,
        typer.Option(
            "--offsets",
            parser=_unit,
            metavar="UNIT",
            help="What the offsets in JSON lines count: codepoints, utf16 or bytes.",
        ),
    ] = Unit.codepoints,
    per: Annotated[
        Literal["line", "file"], typer.Option("--per", help="What one text is, in plain text.")
    ] = "line",
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0.0,
            max=1.0,
            help="Least score of a triple, uncalibrated; default: the model's.",
        ),
    ] = None,
    relations: Annotated[
        str | None, typer.Option("--relations", help="Keep triples of these alone: birth-place,has-author.")
    ] = None,
    types: Annotated[
        str | None,
        typer.Option("--types", help="Keep entities of these alone, and triples of such: PER,LOC."),
    ] = None,
    min_score: Annotated[
        float, typer.Option("--min-score", min=0.0, max=1.0, help="Least score of an entity or a triple.")
    ] = 0.0,
    min_precision: MinPrecision = None,
    any_types: Annotated[
        bool,
        typer.Option(
            "--any-types", help="Keep triples whose mentions are of types that training did not show."
        ),
    ] = False,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Sentences per forward pass.")] = 64,
    device: Annotated[
        str, typer.Option("--device", help="cpu, cuda, cuda:1 …; auto: a GPU where there is one.")
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Read a corpus in shards and write them to this folder; survives a kill."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --out alone: go on with the run that was begun there.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="With --out: who works.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="With --out: how many; default: one for each core.")
    ] = None,
    shard_mb: Annotated[
        float,
        typer.Option("--shard-mb", min=0.001, help="With --out: megabytes of input for each output file."),
    ] = 4.0,
) -> None:
    """Extract entities and triples from raw text; offsets point into each text as it was given."""
    asked = None if resume else _model_and_files(model, files, facts)
    filter = Filter(
        relations=_names(relations), types=_names(types), min_score=min_score, any_types=any_types
    )
    if out is not None:
        from mere.cli import extract_corpus

        _check_corpus_options(out, device, format)
        options = {
            "lang": lang,
            "input": input,
            "per": "file" if unwrap else per,
            "text_key": text_key,
            "threshold": threshold,
            "languages": _names(languages),
            "unwrap": unwrap,
            "offsets": offsets.value,
            "relations": filter.relations,
            "types": filter.types,
            "min_score": min_score,
            "any_types": any_types,
            "min_precision": min_precision,
            "batch_size": batch_size,
            "format": format,
            "shard_mb": shard_mb,
        }
        extract_corpus.run(
            *(asked or (model, files or [])), out, options, go_on=resume, engine=engine, workers=workers
        )
        return
    if asked is None or format == "parquet":
        raise UserError("--resume and --format parquet go with --out DIR, the folder of a corpus run.")
    from mere.loading import load

    model, files = asked
    extractor = load(
        model,
        batch_size=batch_size,
        threshold=threshold,
        languages=_names(languages),
        device=device,
        unwrap=unwrap,
        filter=filter,
        min_precision=min_precision,
    )
    if lang is not None and find(lang, extractor.labels.languages) is None:
        talk(f'Note: the model does not know language "{lang}": universal path.')
    reading = Reading(
        files or ["-"],
        kind=input,
        per="file" if unwrap else per,
        text_key=text_key,
        lang=lang,
    )
    found = ((reading.waiting.popleft(), document) for document in extractor.extract_pairs(reading))
    _write_documents(found, format, offsets, model)
    if unfit := told_unfit(extractor.predictor.unfit):
        talk(unfit)


def _check_corpus_options(out: Path, device: str, format: Format) -> None:
    if device != "auto":
        raise UserError("--device goes without --out, whose workers take what there is. Leave it out.")
    if format not in ("jsonl", "parquet"):
        raise UserError(
            f"--out writes jsonl or parquet. Then: mere graph {out}/part-*.jsonl --format {format}"
        )


def _model_and_files(first: str | None, files: list[str] | None, facts: str | None) -> tuple[str, list[str]]:
    """Tell the model from the files: where the first argument is a text, the shipped model reads it."""
    texts = files or []
    if first is None or first == "-" or Path(first).is_file():
        texts = texts if first is None else [first, *texts]
        first = default_model() if facts is None else DEFAULT
    return (first if facts is None else f"{first}+{facts}"), texts


def _write_documents(
    found: Iterable[tuple[InputText, Document]], format: Format, offsets: Unit, model: str
) -> None:
    if format == "jsonl":
        for item, document in found:
            _write(encode_record(in_units(output_record(item, document), offsets)))
    else:
        from mere.cli.graph import tell
        from mere.graph.settings import GraphFormat, GraphSettings, Item
        from mere.graph.write import write

        named = (Item(_id(item), document) for item, document in found)
        tell(write(named, GraphFormat(format), None, GraphSettings(model=model)))
    sys.stdout.flush()


def _names(listed: str | None) -> tuple[str, ...] | None:
    """Return the names of a list with commas."""
    return None if listed is None else tuple(name.strip() for name in listed.split(","))


def _id(item: InputText) -> str:
    id = item.extra.get("id")
    name = item.where if id in (None, "") else str(id)
    check_text(name, f"{item.where}: id")
    return name


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()  # whoever follows a stream waits for this line; it costs nothing beside a model
