"""The options of verbs that read corpus files: what the user says of files that do not say it themselves."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mere.data.formats.reading import Command, Format, Reading


class Tags(str, Enum):
    """A scheme of tags."""

    iob2 = "iob2"
    iob1 = "iob1"
    bioes = "bioes"
    bilou = "bilou"


From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FORMAT", help="What DATA is: jsonl, conll, smiler, …; default: what it shows."
    ),
]
Lang = Annotated[str | None, typer.Option("--lang", help="The language of sentences that state none.")]
Column = Annotated[
    str | None,
    typer.Option(
        "--column", metavar="N|NAME", help="The column of tags, from 1 or by its name in the header."
    ),
]
TokenColumn = Annotated[
    str | None, typer.Option("--token-column", metavar="N|NAME", help="The column of tokens, likewise.")
]
Scheme = Annotated[
    Tags | None,
    typer.Option(
        "--scheme",
        help="Read tags so, mend those that cannot stand, and count them. "
        "Default: iob2, and a tag that is not is an error.",
    ),
]
Outside = Annotated[
    list[str] | None,
    typer.Option(
        "--outside", metavar="TAG", help='Another tag for "no entity", beside O; may be given again.'
    ),
]
Offsets = Annotated[
    str | None,
    typer.Option(
        "--offsets",
        metavar="UNIT",
        help="What offsets count: characters, utf-16 or utf-8; others are converted.",
    ),
]


def format_named(option: str, name: str | None) -> Format | None:
    """Return the format of a name.

    Raises:
        UserError: there is none.
    """
    from mere.data.formats.reading import Format
    from mere.errors import UserError, nearest

    names = [format.value for format in Format]
    if name is not None and name not in names:
        raise UserError(f'{option}: no format "{name}".{nearest(name, names)} There are: {", ".join(names)}.')
    return Format(name) if name is not None else None


def reading_of(
    command: Command,
    *,
    format: str | None,
    lang: str | None,
    column: str | None,
    token_column: str | None,
    scheme: Tags | None,
    outside: list[str] | None,
    offsets: str | None,
) -> Reading:
    """Return the options as the readers take them.

    Raises:
        UserError: a value that the option does not take.
    """
    from mere.data.formats import reading as it
    from mere.data.formats import schemes
    from mere.errors import UserError

    units = [unit.value for unit in it.Offsets]
    if offsets is not None and offsets not in units:
        raise UserError(f'--offsets: no unit "{offsets}". There are: {", ".join(units)}.')
    for option, value in (("--column", column), ("--token-column", token_column)):
        if value is not None and (not value.strip() or value.strip("0") == "" or value.startswith("-")):
            raise UserError(f"{option} {value!r}: columns are counted from 1, or named as in the header.")
    return it.Reading(
        format=format_named("--from", format),
        lang=lang,
        column=column,
        token_column=token_column,
        scheme=schemes.Scheme(scheme.value) if scheme else None,
        outside=tuple(outside or ()),
        offsets=it.Offsets(offsets) if offsets else None,
        command=command,
    )
