"""How a file spells its tags: `B_PER`, `PER-B`, `b-PER`, bare `B`, `0` for O, all read as schemes.py has them.

What a file does is told by all of its tags at once: a spelling counts only where every tag has it. Letters and
hyphens that only look like those of `B-PER`, and `W-` (whole) for `S-`, are read wherever they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mere.data.formats.schemes import OUTSIDE, Scheme, fits, parts_of

UNTYPED = " "  # the type of a bare B or I: a tag is stripped, so no tag has it
OUTSIDE_SIGNS = ("0", "o", "_", "-", "–", "*", "out", "other", "none", "null", "nil", "n/a", "nan", "x", "")
_LINE_ENDS = r"\t\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"  # where a tag has one, lines were not told apart
_STANDARD = re.compile(rf"[BIESLUM]-[^\s{_LINE_ENDS}][^{_LINE_ENDS}]*")
_MARK = r"[-_:/.+#|=~@\u2010-\u2015\u2212]"
_LETTER = "[BIESLUMWbieslumw]"
_WORDS = {
    "begin": "B", "beginning": "B", "start": "B", "inside": "I", "in": "I", "intermediate": "I", "middle": "M",
    "mid": "M", "end": "E", "last": "E", "single": "S", "singleton": "S", "unit": "S", "unique": "S", "whole": "S",
}  # fmt: skip
_SURE_WORDS = frozenset(_WORDS) - {"start", "end", "in"}  # a start-date and an end-date are types
_WORD = f"(?i:{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
_IN_BRACKETS = "(PER*)"
_IN_A_FIELD = "NER=B-PER"
_FORMS = {
    "B_PER": re.compile(rf"(?P<letter>{_LETTER}){_MARK}(?P<type>\S+)"),
    "PER-B": re.compile(rf"(?P<type>\S+){_MARK}(?P<letter>{_LETTER})"),
    "B(PER)": re.compile(rf"(?P<letter>{_LETTER})[(\[{{<](?P<type>\S+)[)\]}}>]"),
    "[B-PER]": re.compile(rf"[(\[{{<\"']+(?P<letter>{_LETTER}){_MARK}(?P<type>\S+?)[)\]}}>\"']+"),
    "B": re.compile(r"(?P<letter>[BIESLUMW])-?(?P<type>)"),
    "Begin-PER": re.compile(rf"(?P<letter>{_WORD}){_MARK}(?P<type>\S+)"),
    "PER-Begin": re.compile(rf"(?P<type>\S+){_MARK}(?P<letter>{_WORD})"),
    "BPER": re.compile(r"(?P<letter>[BI])(?P<type>[A-Z]\w+)"),
    _IN_BRACKETS: re.compile(r"(?:\((?P<type>[^\s()*]+))?\*?(?P<letter>\))?|-"),
    _IN_A_FIELD: re.compile(
        r"(?:[^|=]+=[^|]*\|)*?(?i:ner|ne|entity|bio|iob|tag|label)=(?P<letter>[BIESLUM])-(?P<type>[^\s|]+)(?:\|.*)?"
    ),
}
_FIELD_OF_NONE = re.compile(r"(?i:.*\b(?:ner|ne|entity|bio|iob|tag|label)=[O_](?:\|.*)?|_|[^|=]+=[^|]*)")
_LOOK_ALIKE = str.maketrans(
    "ВІЕЅМОΒΙΕΜΟＢＩＥＳＬＵＭＯ", "BIESMOBIEMOBIESLUMO"
)  # Cyrillic, Greek, full width
_PLAIN = re.compile(r"(?P<letter>.)[-\u2010-\u2015\u2212\uff0d]\s*(?P<type>\S.*)", re.DOTALL)
_NO_TYPE = re.compile(
    rf"\d+|.*[()\[\]{{}}<>*\"{_LINE_ENDS}].*", re.DOTALL
)  # what no type of the scheme IO is


def plain(tag: str) -> str:
    """Return a tag with the letter and the hyphen that it means: `B-PER` for one with a Cyrillic В or a dash."""
    if tag == OUTSIDE or _STANDARD.fullmatch(tag):
        return tag
    if len(tag) == 1:
        return OUTSIDE if tag.translate(_LOOK_ALIKE) == OUTSIDE else tag
    if match := _PLAIN.fullmatch(tag):
        letter = match["letter"].translate(_LOOK_ALIKE)
        made = f"{'S' if letter == 'W' else letter}-{match['type']}"
        return made if _STANDARD.fullmatch(made) else tag
    return tag


@dataclass(frozen=True)
class Spelling:
    """How the tags of one file are spelt.

    Args:
        outside: the tags that mean "no entity".
        form: the name of a form other than B-PER, or "".
        bare_types: whether a tag may be a type alone (the scheme IO).
        names: the names of tags that are numbers, from 0.
    """

    outside: frozenset[str] = frozenset({OUTSIDE})
    form: str = ""
    bare_types: bool = False
    names: tuple[str, ...] = ()
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def read_all(self, tags: Sequence[str]) -> list[str]:
        """Return the tags of a sentence as the schemes have them."""
        return _without_brackets(tags) if self.form == _IN_BRACKETS else [self.read(tag) for tag in tags]

    def read(self, tag: str) -> str:
        """Return a tag as the schemes have it, by itself."""
        known = self._known.get(tag)
        if known is None:
            known = self._known[tag] = self._read(tag)
        return known

    def _read(self, tag: str) -> str:
        if tag in self.outside:
            return OUTSIDE
        if tag.isdecimal() and int(tag) < len(self.names):
            return plain(self.names[int(tag)])
        if self.form and (match := _FORMS[self.form].fullmatch(tag)):
            return f"{_letter(match)}-{match['type'] or UNTYPED}"
        if self.form == _IN_A_FIELD:
            return OUTSIDE if _FIELD_OF_NONE.fullmatch(tag) else tag
        tag = plain(tag)
        if self.bare_types and not is_standard(tag):
            return f"I-{tag}"
        return tag

    def mended(self, tag: str) -> str:
        """Return what is told of a tag that is read otherwise than it is written, or ""."""
        if self.form == _IN_BRACKETS:
            return "" if tag in ("*", "-") else "tags in brackets, read as B- and I-"
        if tag == OUTSIDE or self.read(tag) == tag:
            return ""
        if tag in self.outside:
            return f'tags "{tag}" read as O'
        if self.form == _IN_A_FIELD and self.read(tag) == OUTSIDE:
            return ""
        if self.names:
            return "tags that are numbers, read by their names"
        if self.form == "B":
            return "tags without a type"
        if self.form:
            return f"tags written like {self.form}, read as B-PER"
        return "" if self.bare_types else "tags whose letter or hyphen only looks like that of B-PER"


def _letter(match: re.Match[str]) -> str:
    """Return the letter that a tag of another form has."""
    letter = _WORDS.get(match["letter"].casefold()) or match["letter"].upper()
    return "S" if letter == "W" else letter


def _without_brackets(tags: Sequence[str]) -> list[str]:
    """Return the tags of CoNLL-2012, `(PER*`, `*` and `*)`, as IOB2; one of another form stays as it is."""
    made, type_ = [], ""
    for tag in tags:
        match = _FORMS[_IN_BRACKETS].fullmatch(tag)
        if match is None:
            made.append(tag)
            continue
        type_ = match["type"] or type_
        made.append(f"{'B' if match['type'] else 'I'}-{type_}" if type_ else OUTSIDE)
        type_ = "" if match["letter"] else type_
    return made


def is_standard(tag: str) -> bool:
    """Whether a tag is O, or a letter, a hyphen and a type; or joins several such."""
    return plain(tag) == OUTSIDE or _STANDARD.fullmatch(plain(tag)) is not None or names_several(tag)


def share_standard(tags: Mapping[str, int], outside: Iterable[str] = ()) -> float:
    """Return the share of tags, by their counts, that are standard or one of `outside`."""
    signs = set(outside)
    total = sum(tags.values())
    good = sum(count for tag, count in tags.items() if tag in signs or is_standard(tag))
    return good / total if total else 0.0


def spelling_of(
    tags: Mapping[str, int],
    outside: Sequence[str] = (),
    scheme: Scheme | None = None,
    names: tuple[str, ...] = (),
) -> Spelling:
    """Return how a file's tags are spelt; the standard spelling where they have no other in common.

    Args:
        tags: every tag of the file, or of a large part of it, with its count.
        outside: what the user calls another sign for O.
        scheme: the scheme that was asked for.
        names: the names of tags that are numbers, from 0.
    """
    if names:
        return Spelling(frozenset({OUTSIDE, *outside}), names=names)
    signs = frozenset(
        {OUTSIDE, *outside, *(tag for tag in tags if tag == "Outside" or tag.strip("[](){}<>\"'") == OUTSIDE)}
    )
    inside = [tag for tag in tags if tag not in signs]
    if scheme is Scheme.IO:
        return Spelling(signs, bare_types=True)
    if not inside or any(is_standard(tag) for tag in inside):
        return Spelling(signs)
    for name, form in _FORMS.items():
        matches = [match for tag in inside if (match := form.fullmatch(tag))]
        if _is_form(name, inside, matches):
            return Spelling(signs, name)
    return Spelling(signs)


def _is_form(name: str, inside: Sequence[str], matches: Sequence[re.Match[str]]) -> bool:
    """Whether tags, of which some match it, are all spelt in a form."""
    if name == _IN_A_FIELD:
        others = [tag for tag in inside if not _FORMS[name].fullmatch(tag)]
        return bool(matches) and all(map(_FIELD_OF_NONE.fullmatch, others))
    if len(matches) < len(inside):
        return False
    if name == _IN_BRACKETS:
        return any(match["type"] for match in matches) and any("*" in tag or tag[-1] == ")" for tag in inside)
    letters = {_letter(match) for match in matches}
    types = {letter: {match["type"] for match in matches if _letter(match) == letter} for letter in letters}
    if name == "BPER":  # BIRTH and ISLAND are types
        return bool(types.get("I")) and types["I"] <= types.get("B", set())
    if name in ("Begin-PER", "PER-Begin"):
        words = {match["letter"].casefold() for match in matches}
        return bool(words & _SURE_WORDS) and bool(letters & set("BSU"))
    return bool(letters & set("BSU"))


def names_several(tag: str) -> bool:
    """Whether a tag names more than one entity, as files of nested entities do (B-ORG|B-LOC)."""
    return len(parts_of(tag)) > 1


def remedy(sentences: Sequence[Sequence[str]]) -> tuple[Scheme | None, tuple[str, ...], int] | None:
    """Return the scheme and the signs for O by which the tags of a file can be read, and how many it would mend.

    None where there are none. The scheme is None where the default does without a mend.

    Args:
        sentences: the tags as they are written.
    """
    counts = Counter(tag for tags in sentences for tag in tags)
    signs = [tag for tag in counts if tag.casefold() in OUTSIDE_SIGNS and tag != OUTSIDE]
    strange = [tag for tag in counts if not is_standard(tag)]
    if (
        not signs
        and len(strange) == 1 < len(counts)
        and OUTSIDE not in counts
        and not names_several(strange[0])
    ):
        signs = [tag for tag in strange if counts[tag] == max(counts.values())]
    for outside in ((), *((sign,) for sign in signs), tuple(signs)):
        found = _fitting(sentences, counts, outside)
        if found:
            return found[0], outside, found[1]
    return None


def _fitting(
    sentences: Sequence[Sequence[str]], counts: Mapping[str, int], outside: tuple[str, ...]
) -> tuple[Scheme | None, int] | None:
    spelling = spelling_of(counts, outside)
    mends = fits([spelling.read_all(tags) for tags in sentences])
    if mends:
        scheme = min(mends, key=lambda scheme: mends[scheme])
        return (None if scheme is Scheme.IOB2 and not mends[scheme] else scheme), mends[scheme]
    signs = {OUTSIDE, *outside}
    types = [tag for tag in counts if tag not in signs]
    outside_count = sum(counts.get(sign, 0) for sign in signs)
    few = len(types) <= max(3, sum(counts.values()) // 3)
    if types and outside_count and few and all(map(_may_be_type, types)):
        return Scheme.IO, 0
    return None


def _may_be_type(tag: str) -> bool:
    """Whether a tag may be a type alone: no number, and no letter or word of a prefix at either end."""
    if is_standard(tag) or names_several(tag) or _NO_TYPE.fullmatch(tag):
        return False
    first, last = re.match(r"[^\W_]*", tag), re.search(r"[^\W_]*\Z", tag)
    ends = {end[0].casefold() for end in (first, last) if end}
    return not (ends & {"b", "i", *_SURE_WORDS}) or tag.casefold() in ends
