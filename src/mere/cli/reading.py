"""The options of verbs that read corpus files: what the user says of files that do not say it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mere.data.formats.reading import Command, Format, Reading


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
    str | None,
    typer.Option(
        "--scheme",
        metavar="SCHEME",
        help="Read tags so, mend those that cannot stand, and count them: iob2, iob1, io, bioes, bilou or bmes. "
        "Default: iob2, and a tag that is not is an error.",
    ),
]
Outside = Annotated[
    list[str] | None,
    typer.Option(
        "--outside", metavar="TAG", help='Another tag for "no entity", beside O; may be given again.'
    ),
]
TagNames = Annotated[
    str | None,
    typer.Option(
        "--tag-names", metavar="NAME,…", help="The names of tags that are numbers, from 0: O,B-PER,I-PER."
    ),
]
Offsets = Annotated[
    str | None,
    typer.Option(
        "--offsets",
        metavar="UNIT",
        help="What offsets count: codepoints, utf16, bytes, tokens, inclusive (ends name the last character), "
        "from-one, …; others than code points are converted. by-text: find mentions by their text.",
    ),
]


def format_named(option: str, name: str | None) -> Format | None:
    """Return the format of a name.

    Raises:
        UserError: there is none.
    """
    from mere.data.formats.reading import Format

    _refuse_unknown(option, name, [format.value for format in Format])
    return Format(name) if name is not None else None


def _refuse_unknown(option: str, value: str | None, known: list[str]) -> None:
    from mere.errors import UserError, nearest

    if value is not None and value not in known:
        raise UserError(f'{option}: no "{value}".{nearest(value, known)} There are: {", ".join(known)}.')


def reading_of(
    command: Command,
    *,
    format: str | None,
    lang: str | None,
    column: str | None,
    token_column: str | None,
    scheme: str | None,
    outside: list[str] | None,
    tag_names: str | None,
    offsets: str | None,
) -> Reading:
    """Return the options as the readers take them.

    Raises:
        UserError: a value that the option does not take.
    """
    from mere.data.formats import reading as it
    from mere.data.formats import schemes
    from mere.errors import UserError

    offsets = offsets and it.usual_unit(offsets)
    _refuse_unknown("--offsets", offsets, [unit.value for unit in it.Offsets])
    _refuse_unknown("--scheme", scheme, [known.value for known in schemes.Scheme])
    for option, value in (("--column", column), ("--token-column", token_column)):
        if value is not None and (not value.strip() or value.strip("0") == "" or value.startswith("-")):
            raise UserError(f"{option} {value!r}: columns are counted from 1, or named as in the header.")
    return it.Reading(
        format=format_named("--from", format),
        lang=lang,
        column=column,
        token_column=token_column,
        scheme=schemes.Scheme(scheme) if scheme else None,
        outside=tuple(outside or ()),
        tag_names=tuple(name.strip() for name in tag_names.split(",")) if tag_names else (),
        offsets=it.Offsets(offsets) if offsets else None,
        command=command,
    )
