"""How the rows of one file of columns are made: which column holds what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mere.data.formats.space_column import NO_SPACE, SENTENCE_END
from mere.data.formats.spellings import Spelling, share_standard

DOCSTART = "-DOCSTART-"
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Layout:
    """How the rows of a file are made; columns are indices from 0.

    Args:
        tabs: whether tabs part the columns; otherwise runs of spaces.
        columns: how many columns a row has; at least so many where `ragged`.
        token: the column of tokens. tag: that of tags.
        index: the column that counts the tokens, or None.
        spaces: the column that says where no space follows, or None.
        sentence: the column that says which sentence a token is in, or None.
        ragged: whether rows may have more columns.
        header: the fields of the header row; none where there is none.
        spelling: how the tags are spelt.
        tags: the tags of rows that are no comments for sure.
        no_space: what the column `spaces` says where none follows, beside the usual marks.
    """

    tabs: bool
    columns: int
    token: int
    tag: int
    index: int | None = None
    spaces: int | None = None
    sentence: int | None = None
    ragged: bool = False
    header: tuple[str, ...] = ()
    spelling: Spelling = field(default=Spelling(), compare=False)
    tags: frozenset[str] = frozenset()
    no_space: frozenset[str] = frozenset()

    def fields(self, line: str) -> list[str]:
        return split_row(line, self.tabs)

    def has(self, fields: Sequence[str]) -> bool:
        """Whether a row has the columns that it must have."""
        enough = len(fields) >= self.columns if self.ragged else len(fields) == self.columns
        return enough and self.tag < len(fields) and self.token < len(fields)

    def is_row(self, fields: Sequence[str]) -> bool:
        """Whether a line that looks like a comment is the row of a token such as `#` all the same."""
        if not self.has(fields) or (self.index is not None and not fields[self.index].isdigit()):
            return False
        tag = fields[self.tag].strip()
        return tag in self.tags or (self.tabs and share_standard({tag: 1}) == 1.0)

    def is_glued(self, fields: Sequence[str]) -> bool:
        """Whether the row says that no space follows its token."""
        return (
            self.spaces is not None
            and self.spaces < len(fields)
            and (
                bool(NO_SPACE.search(fields[self.spaces]))
                or fields[self.spaces].strip().casefold() in self.no_space
            )
        )

    def ends_sentence(self, fields: Sequence[str]) -> bool:
        """Whether the row says that its sentence ends."""
        return (
            self.spaces is not None
            and self.spaces < len(fields)
            and bool(SENTENCE_END.search(fields[self.spaces]))
        )


def split_row(line: str, tabs: bool) -> list[str]:
    """Return the fields of a line."""
    return line.split("\t") if tabs else _SPACES.split(line.strip(" \t"))
