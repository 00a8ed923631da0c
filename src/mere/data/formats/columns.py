"""How the rows of a file of columns are made, told by all of its rows, or the first twenty thousand.

Which column holds the tokens, which the tags, which counts the tokens, which says that no space follows. What the
rows leave open is refused with the options that settle it: a guess that merely fits would go unnoticed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from mere.data.formats.no_layout import NoLayout, refuse_other_signs
from mere.data.formats.schemes import Scheme
from mere.data.formats.spellings import OUTSIDE_SIGNS, Spelling, share_standard, spelling_of
from mere.errors import nearest

DOCSTART = "-DOCSTART-"
NUM_ROWS = 20_000  # that show a file's layout
_MOST = 0.9  # the share of rows that make a rule
_SPACES = re.compile(r"[ \t]+")
_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_RANGE = re.compile(r"\d+[-.]\d+")
_OFFSETS = re.compile(r"\d+[-:,]\d+|\d+")
_NO_SPACE = re.compile(r"(?:^|\|)(?:NoSpaceAfter|SpaceAfter=No)(?:\||$)", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?:^|\|)EndOfSentence(?:\||$)")
TOKEN_NAMES = frozenset({"token", "tokens", "word", "words", "form", "wordform", "surface", "text", "term"})
TAG_NAMES = frozenset(
    {"tag", "tags", "label", "labels", "bio", "biotag", "iob", "iobtag", "entity", "entities"}
)  # and what begins with "ne"
_SPACE_NAMES = frozenset({"spaceafter", "whitespace", "trailingspace", "hasspace", "space", "ws"})
_NO = frozenset({"0", "false", "no", "n", "f"})
_SENTENCE_NAMES = frozenset(
    {"sentence", "sentenceid", "sentid", "sentenceno", "sentencenumber", "sentno", "sentnum", "sent", "sid"}
)
_CHUNKS = frozenset(
    {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "PC", "VC", "AC"}
)


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
                bool(_NO_SPACE.search(fields[self.spaces]))
                or fields[self.spaces].strip().casefold() in self.no_space
            )
        )

    def ends_sentence(self, fields: Sequence[str]) -> bool:
        """Whether the row says that its sentence ends."""
        return (
            self.spaces is not None
            and self.spaces < len(fields)
            and bool(_SENTENCE_END.search(fields[self.spaces]))
        )


def split_row(line: str, tabs: bool) -> list[str]:
    """Return the fields of a line."""
    return line.split("\t") if tabs else _SPACES.split(line.strip(" \t"))


def layout_of(
    blocks: Iterable[Sequence[str]],
    *,
    column: str | None = None,
    token_column: str | None = None,
    outside: Sequence[str] = (),
    scheme: Scheme | None = None,
    names: Sequence[str] = (),
    tag_names: tuple[str, ...] = (),
) -> Layout:
    """Return how the rows are made.

    Args:
        blocks: the lines of each sentence, those left out that are comments for sure.
        column: the column of tags that is asked for, by its number from 1 or its name.
        token_column: that of tokens, likewise.
        outside: what the user calls another sign for O. scheme: the scheme that is asked for.
        names: the names of the columns where a comment states them.
        tag_names: the names of tags that are numbers.

    Raises:
        NoLayout: the rows leave open which column is which, or a column that is asked for is not there.
    """
    rows = _Rows(blocks, names)
    if not rows.blocks:
        raise NoLayout("empty-file", "the file holds no row")
    asked = {"column": column, "token_column": token_column}
    chosen = {name: rows.number(value, name) for name, value in asked.items() if value is not None}
    named_spaces = rows.named(_SPACE_NAMES)
    spaces = rows.spaces() if named_spaces is None else named_spaces
    sentence = rows.sentence(named_spaces)
    index = rows.index({named_spaces, sentence})
    token = chosen.get("token_column")
    if token is None:
        token = rows.token({index, spaces, sentence, chosen.get("column")}, outside)
    tag = chosen.get("column")
    if tag is None:
        tag = rows.tag({index, spaces, sentence, token}, outside, scheme, spaces)
    counts = rows.column(tag)
    return Layout(
        tabs=rows.tabs,
        columns=max(token, tag) + 1 if rows.ragged(tag, index) else rows.width,
        token=token,
        tag=tag,
        index=index if index != token else None,
        spaces=spaces,
        sentence=sentence,
        ragged=rows.ragged(tag, index),
        header=rows.header,
        spelling=spelling_of(counts, outside, scheme, tag_names),
        tags=frozenset(counts),
        no_space=frozenset() if named_spaces is None else _NO,
    )


class _Rows:
    """The rows that a layout is told by, as sentences of fields."""

    def __init__(self, blocks: Iterable[Sequence[str]], names: Sequence[str]):
        lines = [list(block) for block in blocks]
        everything = [line for block in lines for line in block]
        self.tabs = 2 * sum("\t" in line for line in everything) > len(everything)
        self.blocks = [[split_row(line, self.tabs) for line in block] for block in lines if block]
        self.widths = Counter(len(row) for block in self.blocks for row in block)
        self.header = tuple(names)
        if self.blocks:
            self.width = self._width()
            self.header = self.header or self._header()

    def _width(self) -> int:
        """Return the number of columns that most rows have, that of the first row in doubt."""
        first = len(self.blocks[0][0])
        return max(self.widths, key=lambda width: (self.widths[width], width == first, width))

    def _header(self) -> tuple[str, ...]:
        """Take the header row out of the rows, if there is one, and return its fields."""
        first = self.blocks[0][0]
        plain = [re.sub(r"[\W_]", "", name).casefold() for name in first]
        tokens = [place for place, name in enumerate(plain) if name in TOKEN_NAMES]
        tags = [
            place
            for place, name in enumerate(plain)
            if (name in TAG_NAMES or name.startswith("ne")) and place not in tokens
        ]
        if len(first) < 2 or sum(map(len, self.blocks)) < 2:
            return ()
        others = self.blocks[0][1:] + [row for block in self.blocks[1:] for row in block]
        named = (
            tokens
            and tags
            and all(row[place] != first[place] for place in tags for row in others if place < len(row))
        )
        tagged = any(
            share_standard({first[place].strip(): 1}, OUTSIDE_SIGNS) == 0
            and (tokens or tags or self._is_name(first[place].strip(), place, others))
            and share_standard(
                Counter(row[place].strip() for row in others if place < len(row)), OUTSIDE_SIGNS
            )
            >= _MOST
            for place in range(1, len(first))
        )
        if not (named or tagged):
            return ()
        del self.blocks[0][0]
        self.widths[len(first)] -= 1
        self.blocks = [block for block in self.blocks if block]
        return tuple(name.strip() for name in first)

    def _is_name(self, word: str, place: int, others: Sequence[Sequence[str]]) -> bool:
        """Whether what stands over a column of tags is its name: a word that no tag of the column holds."""
        values = {row[place].strip() for row in others if place < len(row)}
        return len(word) > 2 and word.isalpha() and not any(word in value for value in values)

    def named(self, names: frozenset[str]) -> int | None:
        """Return the first column of which the header has one of the names."""
        plain = [re.sub(r"[\W_]", "", name).casefold() for name in self.header]
        return next((place for place, name in enumerate(plain) if name in names and place < self.width), None)

    def sentence(self, spaces: int | None) -> int | None:
        """Return the column that says which sentence a token is in: by its name, or where no blank line does."""
        named = self.named(_SENTENCE_NAMES)
        if named is not None or self.width < 3 or len(self.blocks) > 1:
            return named
        return next((c for c in range(self.width - 1) if c != spaces and self._numbers_sentences(c)), None)

    def _numbers_sentences(self, column: int) -> bool:
        values = self.values(column)[0]
        if not all(value.isdecimal() for value in values):
            return False
        steps = {int(value) - int(before) for before, value in pairwise(values)}
        return steps == {0, 1}

    def number(self, value: str, name: str) -> int:
        """Return the index of a column that is asked for."""
        option = "--" + name.replace("_", "-")
        if value in self.header:
            return self.header.index(value)
        if not value.isdecimal():
            known = ", ".join(self.header) or "none: the file has no header row"
            raise NoLayout(
                "conll-column", f'no column "{value}".{nearest(value, self.header)} Names: {known}'
            )
        if not 1 <= int(value) <= max(self.widths):
            what = "tag" if name == "column" else "token"
            found = f"{max(self.widths)} column{'' if max(self.widths) == 1 else 's'}"
            raise NoLayout("conll-columns", f"{found}, and the {what} was to be in column {value} ({option})")
        return int(value) - 1

    def values(self, column: int) -> list[list[str]]:
        """Return a column as a list of values for each sentence."""
        return [[row[column].strip() for row in block if column < len(row)] for block in self.blocks]

    def column(self, column: int) -> Counter[str]:
        return Counter(value for block in self.values(column) for value in block)

    def index(self, taken: set[int | None]) -> int | None:
        """Return the first column that counts the tokens, wherever it counts from."""
        if self.width == 2:  # then there would be no token
            return None
        columns = (column for column in range(self.width - 1) if column not in taken)
        return next((column for column in columns if self._counts(column)), None)

    def _counts(self, column: int) -> bool:
        steps = good = pairs = 0
        for values in self.values(column):
            plain = [value for value in values if not _RANGE.fullmatch(value)]
            for before, value in pairwise(plain):
                follows = _follows(before, value)
                restarts = (
                    value in ("0", "1") and value != before and before.isdigit()
                )  # where no blank line parts the sentences
                pairs += 1
                steps += follows or not restarts
                good += follows
        total = self.column(column)
        numbers = sum(count for value, count in total.items() if value.isdigit())
        if pairs == 0:  # sentences of one row each
            return numbers >= _MOST * total.total()
        return good >= _MOST * max(1, steps)

    def spaces(self) -> int | None:
        """Return the column that says where no space follows."""
        for column in range(self.width - 1, 0, -1):
            if any(_NO_SPACE.search(value) or _SENTENCE_END.search(value) for value in self.column(column)):
                return column
        return None

    def token(self, taken: set[int | None], outside: Sequence[str]) -> int:
        """Return the column of tokens: the first that can hold words."""
        plain = [re.sub(r"[\W_]", "", name).casefold() for name in self.header]
        named = [place for place, name in enumerate(plain) if name in TOKEN_NAMES and place < self.width]
        if named:
            return named[0]
        if self.width <= 2:
            return 1 if self.width == 2 and (0 in taken or self._only_tags_are(0)) else 0
        able = [
            column
            for column in range(self.width)
            if column not in taken and not self._is_no_token(column, outside)
        ]
        last = self._last_of([column for column in range(self.width) if column not in taken])
        if not self._only_tags_are(0):
            able = [column for column in able if column != last] or able
        able = [column for column in able if self._has_small_letters(column)] or able
        if not able:
            raise self._no_token()
        return able[0]

    def _only_tags_are(self, column: int) -> bool:
        """Whether a column holds tags with types, and no other does."""
        shares = {c: share_standard(self.column(c)) for c in range(self.width) if self._types(c)}
        return shares.pop(column, 0.0) >= _MOST and all(share < 0.5 for share in shares.values())

    def _no_token(self) -> NoLayout:
        choices = [{"token_column": str(column + 1)} for column in range(max(1, self.width - 1))]
        shown = self._shown(range(self.width))
        return NoLayout("conll-no-token-column", f"no column shows words to be the tokens: {shown}", choices)

    def _is_no_token(self, column: int, outside: Sequence[str]) -> bool:
        counts = self.column(column)
        total = counts.total()
        if self._counts(column) or counts[""] > total // 10:
            return True
        if (column > 0 or self._only_tags_are(0)) and share_standard(
            counts, [sign for sign in OUTSIDE_SIGNS if sign]
        ) >= _MOST:
            return True
        offsets = sum(n for value, n in counts.items() if _OFFSETS.fullmatch(value))
        if offsets >= _MOST * total and self.width > 2 and self._ascends(column):
            return True
        blocks = [values for values in self.values(column) if len(values) > 1]
        return bool(blocks) and self.width > 2 and all(len(set(values)) == 1 for values in blocks)

    def _ascends(self, column: int) -> bool:
        first = [
            [int(re.split(r"\D", value)[0] or 0) for value in values if value[:1].isdigit()]
            for values in self.values(column)
        ]
        return all(a <= b for values in first for a, b in pairwise(values))

    def _has_small_letters(self, column: int) -> bool:
        """Whether the values are not all capitals and signs, as parts of speech are."""
        return any(
            char.isalpha() and not (char.isascii() and char.isupper())
            for value in self.column(column)
            for char in value
        )

    def tag(
        self, taken: set[int | None], outside: Sequence[str], scheme: Scheme | None, spaces: int | None
    ) -> int:
        """Return the column of tags: the only one that holds some, the last where none shows."""
        free = [column for column in range(self.width) if column not in taken]
        refuse_other_signs([row for block in self.blocks for row in block], self.tabs)
        if not free:
            message = (
                f"{self._width_in_words()}, a token and its tag were expected, each in a column of its own"
            )
            raise NoLayout("conll-columns", message)
        if scheme is Scheme.IO:
            return self._last_of(free)
        able = []
        for column in free:
            counts = self.column(column)
            if share_standard(counts, outside) >= _MOST or spelling_of(counts, outside).form:
                able.append(column)
        full = [column for column in able if self._types(column)]
        full = [column for column in full if not self._types(column) <= _CHUNKS] or full
        if len(full) > 1 and any(self.values(column) != self.values(full[-1]) for column in full[:-1]):
            names = " and ".join(self._name(column) for column in full)
            choices = [{"column": self._name(column)} for column in full]
            raise NoLayout(
                "conll-which-column", f"columns {names} both hold tags: {self._shown(full)}", choices
            )
        if not full and spaces is not None and spelling_of(self.column(spaces), outside).form:
            return spaces  # the last column of CoNLL-U says both
        return (full or able or [self._last_of(free)])[-1]

    def _types(self, column: int) -> frozenset[str]:
        return frozenset(value[2:] for value in self.column(column) if len(value) > 2)

    def _last_of(self, free: Sequence[int]) -> int:
        """Return the last column that says anything."""
        return next((c for c in reversed(free) if set(self.column(c)) - {"_", "-", ""}), free[-1])

    def _name(self, column: int) -> str:
        return self.header[column] if column < len(self.header) else str(column + 1)

    def _width_in_words(self) -> str:
        return f"{self.width} column{'' if self.width == 1 else 's'}"

    def _shown(self, columns: Iterable[int]) -> str:
        shown = []
        for column in columns:
            values = [
                value for value, _ in self.column(column).most_common() if value not in ("O", "_", "-", "")
            ]
            shown.append(f"{self._name(column)} ({', '.join(values[:3])})")
        return "; ".join(shown)

    def ragged(self, tag: int, index: int | None) -> bool:
        """Whether rows may differ in what comes after the tag."""
        varied = sum(count > 0 for count in self.widths.values()) > 1
        return varied and (index is not None or tag < self.width - 1)


def _follows(before: str, value: str) -> bool:
    """Whether a value is the one before it with its last number one higher (7, w7, s2-7)."""
    a, b = _NUMBER.fullmatch(before), _NUMBER.fullmatch(value)
    return bool(a and b and a[1] == b[1] and a[3] == b[3] and int(b[2]) == int(a[2]) + 1)
