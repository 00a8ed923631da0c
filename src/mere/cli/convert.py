"""`mere convert IN OUT`: corpus files from one format to another, nothing mended or lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli import reading as options
from mere.cli.guard import talk


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A corpus file, or a folder of them.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write, or the folder; the layout is kept.")
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="FORMAT", help="What to write; default: by the ending of OUT, else jsonl."
        ),
    ] = None,
    split_sentences: Annotated[
        bool,
        typer.Option(
            "--split-sentences",
            help="Write every sentence of a text by itself, not where a mention goes over its border; "
            "relations over several are counted.",
        ),
    ] = False,
    format: options.From = None,
    lang: options.Lang = None,
    column: options.Column = None,
    token_column: options.TokenColumn = None,
    scheme: options.Scheme = None,
    outside: options.Outside = None,
    tag_names: options.TagNames = None,
    offsets: options.Offsets = None,
) -> None:
    """Convert a corpus between formats (JSON lines, CoNLL columns, BRAT, …); prints the files written."""
    from mere.data.convert import convert as run
    from mere.data.formats.reading import Command
    from mere.data.formats.tally import Tally, told
    from mere.inference.sentences import split_sentences as cut
    from mere.lang_codes import name_of, of_country

    own = (*(("--to", to) if to else ()), *(("--split-sentences",) if split_sentences else ()))
    target = options.format_named("--to", to)
    reading = options.reading_of(
        Command("convert", (source,), out, own),
        format=format,
        lang=lang,
        column=column,
        token_column=token_column,
        scheme=scheme,
        outside=outside,
        tag_names=tag_names,
        offsets=offsets,
    )
    sentences, num_files, long = 0, 0, 0
    whole = Tally()
    langs: set[str] = set()
    try:
        for done in run(source, out, to=target, reading=reading, cut=cut if split_sentences else None):
            typer.echo(done.target)
            replaced = " (replaced)" if done.replaced else ""
            talk(f"{done.source} -> {done.target}: {_count(done.sentences, 'sentence')}{replaced}")
            num_files += 1
            long += done.long
            sentences += done.sentences
            langs |= done.langs
            whole.add(Tally(done.repaired, done.left_out, done.lost))
    finally:
        if num_files:
            talk(f"Written: {_count(sentences, 'sentence')} in {_count(num_files, 'file')}.")
            talk(f"Repaired: {told(whole.repaired)}.")
            talk(f"Left out: {told(whole.left_out)}.")
            talk(f"Not kept: {told(whole.lost)}.")
        for lang in sorted(langs):
            if meant := of_country(lang):
                talk(
                    f'Note: the language "{lang}" is {name_of(lang)}. For {name_of(meant)} the code is "{meant}".'
                )
        if long and not split_sentences:
            talk(
                f"{_count(long, 'text')} of more than 1,000 characters, which many encoders do not read at once: "
                "--split-sentences writes every sentence by itself."
            )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
