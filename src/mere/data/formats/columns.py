"""How the rows of a file of columns are made, told by all of its rows, or the first twenty thousand.

Which column holds the tokens, which the tags, which counts the tokens, which says that no space follows. What the
rows leave open is refused with the options that settle it: a guess that merely fits would go unnoticed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from mere.data.formats.header import (
    NO_SPACE_NAMES,
    SENTENCE_NAMES,
    SPACE_NAMES,
    TOKEN_NAMES,
    is_header,
    place_of,
    plain,
)
from mere.data.formats.layout import Layout, split_row
from mere.data.formats.no_layout import NoLayout, refuse_other_signs
from mere.data.formats.schemes import Scheme
from mere.data.formats.space_column import (
    NO,
    YES,
    has_marks,
    is_yes_or_no,
    says_no_space,
)
from mere.data.formats.spellings import OUTSIDE_SIGNS, share_standard, spelling_of
from mere.errors import nearest

NUM_ROWS = 20_000  # that show a file's layout
_MOST = 0.9  # the share of rows that make a rule
_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_RANGE = re.compile(r"\d+[-.]\d+")
_OFFSETS = re.compile(r"\d+[-:,]\d+|\d+")
_CHUNKS = frozenset(
    {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "PC", "VC", "AC"}
)


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
    spaces = rows.spaces()
    sentence = rows.sentence(spaces)
    index = rows.index({spaces, sentence})
    token = chosen.get("token_column")
    if token is None:
        token = rows.token({index, spaces, sentence, chosen.get("column")}, outside)
    tag = chosen.get("column")
    if tag is None:
        tag = rows.tag({index, spaces, sentence, token}, outside, scheme, spaces)
    counts = rows.column(tag)
    spaces, no_space = rows.no_space(spaces, token)
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
        no_space=no_space,
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
        first, *others = (row for block in self.blocks for row in block)
        if not is_header(first, others):
            return ()
        del self.blocks[0][0]
        self.widths[len(first)] -= 1
        self.blocks = [block for block in self.blocks if block]
        return tuple(name.strip() for name in first)

    def named(self, names: frozenset[str]) -> int | None:
        """Return the first column of which the header has one of the names."""
        return place_of(self.header[: self.width], names)

    def sentence(self, spaces: int | None) -> int | None:
        """Return the column that says which sentence a token is in: by its name, or where no blank line does."""
        named = self.named(SENTENCE_NAMES)
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
        """Return the column that says where no space follows, by its marks or its name."""
        marked = (c for c in range(self.width - 1, 0, -1) if has_marks(self.column(c)))
        return next(marked, self.named(SPACE_NAMES | NO_SPACE_NAMES))

    def no_space(self, spaces: int | None, token: int) -> tuple[int | None, frozenset[str]]:
        """Return the column that says where no space follows, and what it says there, beside the usual marks."""
        for column in range(self.width) if spaces is None else [spaces]:
            if column != token and self._is_yes_or_no(column):
                said = says_no_space(self.values(token), self.values(column))
                if said:
                    return column, said
        if spaces is None or spaces >= len(self.header):
            return spaces, frozenset()
        return spaces, YES if plain(self.header[spaces]) in NO_SPACE_NAMES else NO

    def _is_yes_or_no(self, column: int, *, numbers: bool = True) -> bool:
        return self.width > 2 and is_yes_or_no(self.column(column), numbers=numbers)

    def token(self, taken: set[int | None], outside: Sequence[str]) -> int:
        """Return the column of tokens: the first that can hold words."""
        named = self.named(TOKEN_NAMES)
        if named is not None:
            return named
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
        return next((column for column in able[1:] if self._is_base_form(able[0], column)), able[0])

    def _is_base_form(self, column: int, other: int) -> bool:
        """Whether a column has the words of another in small letters: base forms that stand before the tokens."""
        pairs = [
            pair
            for rows in zip(self.values(column), self.values(other), strict=True)
            for pair in zip(*rows, strict=False)
        ]
        small = all(value == value.casefold() for value, _ in pairs)
        same = sum(value == token.casefold() for value, token in pairs)
        return small and 2 * same > len(pairs) and any(value != token for value, token in pairs)

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
        if self._counts(column) or counts[""] > total // 10 or self._is_yes_or_no(column):
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
        free = [column for column in free if not self._is_yes_or_no(column, numbers=False)] or free
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
