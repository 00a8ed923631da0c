"""`mere convert IN OUT`: corpus files from one format to another, nothing mended or lost in silence."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import talk


class Kind(str, Enum):
    """A corpus file format."""

    jsonl = "jsonl"
    conll = "conll"
    smiler = "smiler"


class Tags(str, Enum):
    """A scheme of tags."""

    iob2 = "iob2"
    iob1 = "iob1"
    bioes = "bioes"
    bilou = "bilou"


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A corpus file, or a folder of them.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write, or the folder; the layout is kept.")
    ],
    to: Annotated[
        Kind | None,
        typer.Option("--to", help="What to write; default: by the ending of OUT, else jsonl."),
    ] = None,
    format: Annotated[
        Kind | None, typer.Option("--from", help="What IN is; default: by its ending, else its first line.")
    ] = None,
    scheme: Annotated[
        Tags | None,
        typer.Option(
            "--scheme",
            help="Read CoNLL tags so, mend those that cannot stand, and count them. "
            "Default: iob2, and a tag that is not is an error.",
        ),
    ] = None,
    column: Annotated[
        int | None,
        typer.Option("--column", min=1, help="The column of CoNLL tags, from 1; default: the last."),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", help="The language, where no file or folder name says it.")
    ] = None,
) -> None:
    """Convert a corpus between JSON lines, CoNLL columns and SMiLER rows; prints the files written."""
    from mere.data.convert import convert as run
    from mere.data.formats import Format
    from mere.data.formats.schemes import Scheme

    sentences, num_files = 0, 0
    repaired: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    try:
        for done in run(
            source,
            out,
            to=Format(to.value) if to else None,
            format=Format(format.value) if format else None,
            scheme=Scheme(scheme.value) if scheme else None,
            tag_column=column,
            lang=lang,
        ):
            typer.echo(done.target)
            replaced = " (replaced)" if done.replaced else ""
            talk(f"{done.source} -> {done.target}: {_count(done.sentences, 'sentence')}{replaced}")
            num_files += 1
            sentences += done.sentences
            repaired += done.repaired
            left_out += done.left_out
            lost += done.lost
    finally:
        if num_files:
            talk(f"Written: {_count(sentences, 'sentence')} in {_count(num_files, 'file')}.")
            for what, counts in (("Repaired", repaired), ("Left out", left_out), ("Not kept", lost)):
                told = "; ".join(f"{kind}: {count:,}" for kind, count in counts.most_common()) or "nothing"
                talk(f"{what}: {told}.")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
