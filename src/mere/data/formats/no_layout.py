"""Why rows are no columns that can be read: what parts their fields instead, and a command that makes tabs of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_SIGNS = (",", ";", "|", "\u00a0", "\u3000")
_PAIR = re.compile(r"\S+([|/_])(?:O|[BIESLUM]-\S+)")
_SPLIT_FIELDS = r'import csv, sys; [print(*row, sep="\t") for row in csv.reader(sys.stdin, delimiter="{}")]'
_SPLIT_PAIRS = (
    r'import sys; [print(*("\t".join(word.rsplit("{}", 1)) for word in line.split()), "", sep="\n") '
    "for line in sys.stdin]"
)
_MOST = 0.9  # the share of rows that make a rule


class NoLayout(Exception):
    """Why the rows of a file cannot be read, and with what they could.

    Args:
        choices: options, one choice each.
        program: a line of Python that makes columns parted by tabs of them.
    """

    def __init__(self, code: str, message: str, choices: Sequence[dict[str, str]] = (), program: str = ""):
        self.code, self.message, self.choices, self.program = code, message, choices, program
        super().__init__(message)


def by_sign(sign: str) -> str:
    """Return a line of Python that parts fields by tabs that are parted by another sign, as in CSV."""
    return _SPLIT_FIELDS.format(sign)


def refuse_other_signs(rows: Sequence[Sequence[str]], tabs: bool) -> None:
    """Refuse rows whose fields are quoted, or parted by other signs than tabs and spaces.

    Raises:
        NoLayout: they are; names what would make columns of them.
    """
    words = [word for row in rows for word in row]
    quoted = sum(len(word) > 1 and word[0] == word[-1] == '"' for word in words)
    if tabs and quoted >= _MOST * len(words):
        program = by_sign(r"\t")
        raise NoLayout("conll-columns", "every field is in quotes, as in CSV", program=program)
    pairs = Counter(match[1] for word in words if (match := _PAIR.fullmatch(word)))
    if not tabs and pairs.total() >= _MOST * len(words):
        sign = pairs.most_common(1)[0][0]
        message = f'a line holds tokens with their tags, joined by "{sign}"'
        raise NoLayout("conll-columns", message, program=_SPLIT_PAIRS.format(sign))
    sign = next((sign for sign in _SIGNS if all(len(row) == 1 and sign in row[0] for row in rows)), "")
    if sign:
        message = f'1 column, a token and its tag were expected; fields are parted by "{sign}", not by tabs or spaces'
        raise NoLayout("conll-columns", message, program=by_sign(sign))
