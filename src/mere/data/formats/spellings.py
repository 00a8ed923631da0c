"""How a file spells its tags: `B_PER`, `PER-B`, `b-PER`, bare `B`, `0` for O, all read as schemes.py has them.

What a file does is told by all of its tags at once: a spelling counts only where every tag has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mere.data.formats.schemes import OUTSIDE, Scheme, fits

UNTYPED = " "  # the type of a bare B or I: a tag is stripped, so no tag has it
OUTSIDE_SIGNS = ("0", "o", "_", "-", "–", "*", "out", "other", "none", "null", "nil", "n/a", "nan", "x", "")
_STANDARD = re.compile(r"[BIESLUM]-\S.*", re.DOTALL)
_SEVERAL = re.compile(r"\S+[|,;+][BIESLUM]-\S+")
_FORMS = {
    "B_PER": re.compile(r"(?P<letter>[BIESLUMbieslum])[-_:/.](?P<type>\S+)"),
    "PER-B": re.compile(r"(?P<type>\S+)[-_:/.](?P<letter>[BIESLUMbieslum])"),
    "B": re.compile(r"(?P<letter>[BIESLUM])(?P<type>)"),
}


@dataclass(frozen=True)
class Spelling:
    """How the tags of one file are spelt.

    Args:
        outside: the tags that mean "no entity".
        form: the name of a form other than B-PER, or "".
        bare_types: whether a tag may be a type alone (the scheme IO).
    """

    outside: frozenset[str] = frozenset({OUTSIDE})
    form: str = ""
    bare_types: bool = False
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def read(self, tag: str) -> str:
        """Return a tag as the schemes have it."""
        known = self._known.get(tag)
        if known is None:
            known = self._known[tag] = self._read(tag)
        return known

    def _read(self, tag: str) -> str:
        if tag in self.outside:
            return OUTSIDE
        if self.form and (match := _FORMS[self.form].fullmatch(tag)):
            return f"{match['letter'].upper()}-{match['type'] or UNTYPED}"
        if self.bare_types and not _STANDARD.fullmatch(tag):
            return f"I-{tag}"
        return tag

    def mended(self, tag: str) -> str:
        """Return what is told of a tag that is read otherwise than it is written, or ""."""
        if tag == OUTSIDE or self.read(tag) == tag:
            return ""
        if tag in self.outside:
            return f'tags "{tag}" read as O'
        if self.form == "B":
            return "tags without a type"
        return f"tags written like {self.form}, read as B-PER" if self.form else ""


def is_standard(tag: str) -> bool:
    """Whether a tag is O, or a letter, a hyphen and a type."""
    return tag == OUTSIDE or _STANDARD.fullmatch(tag) is not None


def share_standard(tags: Mapping[str, int], outside: Iterable[str] = ()) -> float:
    """Return the share of tags, by their counts, that are standard or one of `outside`."""
    signs = set(outside)
    total = sum(tags.values())
    good = sum(count for tag, count in tags.items() if tag in signs or is_standard(tag))
    return good / total if total else 0.0


def spelling_of(
    tags: Mapping[str, int], outside: Sequence[str] = (), scheme: Scheme | None = None
) -> Spelling:
    """Return how a file's tags are spelt; the standard spelling where they have no other in common.

    Args:
        tags: every tag of the file, or of a large part of it, with its count.
        outside: what the user calls another sign for O.
        scheme: the scheme that was asked for.
    """
    signs = frozenset({OUTSIDE, *outside})
    inside = [tag for tag in tags if tag not in signs]
    if scheme is Scheme.IO:
        return Spelling(signs, bare_types=True)
    if not inside or any(is_standard(tag) for tag in inside):
        return Spelling(signs)
    for name, form in _FORMS.items():
        matches = [form.fullmatch(tag) for tag in inside]
        letters = {match["letter"].upper() for match in matches if match}
        if all(matches) and letters & set("BSU"):
            return Spelling(signs, name)
    return Spelling(signs)


def names_several(tag: str) -> bool:
    """Whether a tag names more than one entity, as files of nested entities do (B-ORG|B-LOC)."""
    return _SEVERAL.fullmatch(tag) is not None


def remedy(sentences: Sequence[Sequence[str]]) -> tuple[Scheme | None, tuple[str, ...], int] | None:
    """Return the scheme and the signs for O by which the tags of a file can be read, and how many it would mend.

    None where there are none. The scheme is None where the default does without a mend.

    Args:
        sentences: the tags as they are written.
    """
    counts = Counter(tag for tags in sentences for tag in tags)
    signs = [tag for tag in counts if tag.casefold() in OUTSIDE_SIGNS and tag != OUTSIDE]
    for outside in ((), *((sign,) for sign in signs), tuple(signs)):
        found = _fitting(sentences, counts, outside)
        if found:
            return found[0], outside, found[1]
    return None


def _fitting(
    sentences: Sequence[Sequence[str]], counts: Mapping[str, int], outside: tuple[str, ...]
) -> tuple[Scheme | None, int] | None:
    spelling = spelling_of(counts, outside)
    mends = fits([[spelling.read(tag) for tag in tags] for tags in sentences])
    if mends:
        scheme = min(mends, key=lambda scheme: mends[scheme])
        return (None if scheme is Scheme.IOB2 and not mends[scheme] else scheme), mends[scheme]
    signs = {OUTSIDE, *outside}
    types = [tag for tag in counts if tag not in signs]
    outside_count = sum(counts.get(sign, 0) for sign in signs)
    few = len(types) <= max(3, sum(counts.values()) // 3)
    if types and outside_count and few and not any(is_standard(tag) or names_several(tag) for tag in types):
        return Scheme.IO, 0
    return None
