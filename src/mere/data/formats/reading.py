"""How corpus files are to be read where they do not say it themselves: the options of `mere check` and `convert`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from mere import advice
from mere.data.formats.schemes import Scheme


class Format(Enum):
    """A corpus file format; the value is what `--from` and `--to` take. Its row is in `kinds.KINDS`."""

    JSONL = "jsonl"
    CONLL = "conll"
    SMILER = "smiler"
    BRAT = "brat"
    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    UIMA_XMI = "uima-xmi"
    UIMA_JSON = "uima-json"
    WEBANNO = "webanno"
    SPACY = "spacy"
    HF_JSONL = "hf-jsonl"
    HF_PARQUET = "hf-parquet"
    CSV = "csv"
    TEXT = "text"


_UNITS = {
    "characters": "codepoints", "chars": "codepoints", "code-points": "codepoints", "utf-16": "utf16",
    "utf-8": "bytes", "utf8": "bytes", "byte": "bytes", "words": "tokens", "token": "tokens",
}  # fmt: skip


def usual_unit(name: str) -> str:
    """Return the spelling of what offsets count that mere has, for others of the same meaning."""
    return _UNITS.get(name.casefold(), name.casefold())


class Offsets(Enum):
    """What the offsets of a file count, or that mentions have none; the value is what `--offsets` takes."""

    CODEPOINTS = "codepoints"
    UTF16 = "utf16"
    BYTES = "bytes"
    TOKENS = "tokens"
    TOKENS_INCLUSIVE = "tokens-inclusive"
    INCLUSIVE = "inclusive"
    FROM_ONE = "from-one"
    FROM_ONE_INCLUSIVE = "from-one-inclusive"
    BY_TEXT = "by-text"


class Command(NamedTuple):
    """What the user typed: a message advises the same with one more option."""

    verb: str = "convert"
    paths: tuple[Path, ...] = ()
    out: Path | None = None
    own: tuple[str, ...] = ()  # options of the verb that do not say how files are read

    def words(self, path: Path) -> tuple[object, ...]:
        """Return the words before the options of `Reading`; without a command, those that convert `path`."""
        if not self.paths:
            return ("mere", "convert", path, advice.beside(path, "read", ending=".jsonl"))
        return ("mere", self.verb, *self.paths, *((self.out,) if self.out else ()), *self.own)


@dataclass(frozen=True)
class Reading:
    """What a user says of corpus files; every field may be left open.

    Args:
        format: what the files are; None takes each for what it shows.
        lang: the language of sentences that state none, before what a file's name says.
        column: the column of the tags in files of columns, from 1 or by its name in the header.
        token_column: the column of the tokens, likewise.
        scheme: how tags are read: what cannot stand is mended and counted. None: IOB2, and it is an error.
        outside: further tags that mean "no entity", beside O.
        tag_names: the names of tags that are numbers, from 0.
        offsets: what the offsets count; None: code points, and a file whose mentions speak against it is refused.
        command: what was typed, for what messages advise.
    """

    format: Format | None = None
    lang: str | None = None
    column: str | None = None
    token_column: str | None = None
    scheme: Scheme | None = None
    outside: tuple[str, ...] = ()
    tag_names: tuple[str, ...] = ()
    offsets: Offsets | None = None
    command: Command = field(default=Command(), compare=False)

    def options(self) -> list[str]:
        """Return the options as they are typed."""
        stated = {
            "--from": self.format and self.format.value,
            "--lang": self.lang,
            "--column": self.column,
            "--token-column": self.token_column,
            "--scheme": self.scheme and self.scheme.value,
            "--tag-names": ",".join(self.tag_names),
            "--offsets": self.offsets and self.offsets.value,
        }
        words = [word for name, value in stated.items() if value for word in (name, value)]
        return words + [f"--outside={sign}" for sign in self.outside]

    def advise(self, path: Path, **changes: Any) -> str:
        """Return `Run: …` with the user's command, these fields changed."""
        options = dataclasses.replace(self, **changes).options()
        return advice.run(*self.command.words(path), *options)


AS_THEY_ARE = Reading()
"""Nothing is said of the files."""
