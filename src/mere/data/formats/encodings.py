"""Which encoding bytes are in that are not UTF-8: of those usual for the language, the one they look best in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

_CYRILLIC = ("WINDOWS-1251", "KOI8-R", "IBM866", "ISO-8859-5")
_CENTRAL = ("WINDOWS-1250", "ISO-8859-2")
_LEGACY: dict[str, tuple[str, ...]] = {
    "zh": ("GB18030", "BIG5"), "ja": ("SHIFT_JIS", "EUC-JP"), "ko": ("CP949",), "el": ("WINDOWS-1253",),
    "tr": ("WINDOWS-1254",), "he": ("WINDOWS-1255",), "ar": ("WINDOWS-1256",), "fa": ("WINDOWS-1256",),
    "vi": ("WINDOWS-1258",), "th": ("TIS-620",),
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk", "be"), _CYRILLIC),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "ro"), _CENTRAL),
    **dict.fromkeys(("lt", "lv", "et"), ("WINDOWS-1257",)),
}  # fmt: skip
_WESTERN = ("WINDOWS-1252", "ISO-8859-1")


def likely_encoding(sample: Sequence[bytes], lang: str | None) -> str | None:
    """Return the encoding in which the lines look most like text; None where none has all of their bytes."""
    for encodings in (_LEGACY.get((lang or "")[:2], ()), _WESTERN):
        looks = [
            (look, encoding) for encoding in encodings if (look := _strangeness(sample, encoding)) is not None
        ]
        if looks:
            return min(looks, key=lambda found: found[0])[1]
    return None


def _strangeness(sample: Sequence[bytes], encoding: str) -> int | None:
    """Return how many characters are strange where they stand, None where the bytes are not of the encoding."""
    try:
        texts = [raw.decode(encoding) for raw in sample]
    except UnicodeDecodeError:
        return None
    return sum(_is_strange(before, char) for text in texts for before, char in pairwise(f" {text}"))


def _is_strange(before: str, char: str) -> bool:
    """Whether a character is hardly one of a text: of no script, a capital or a sign inside a word."""
    kind = unicodedata.category(char)
    return (
        kind in ("Co", "Cn")
        or "\x80" <= char <= "\x9f"
        or "\uff61" <= char <= "\uff9f"  # katakana of half the width, what EUC-JP looks like in SHIFT_JIS
        or "\u2500" <= char <= "\u259f"
        or (before.isalpha() and char > "\x7f" and kind[0] == "S")
        or (before.islower() and char.isupper())
    )
