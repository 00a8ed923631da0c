"""Cut a text into sentences without moving, changing or losing a character.

Own rules, because the offsets are the contract and the libraries we measured lose on it or on the full stop
(see `tests/inference/test_sentences.py` for what is asked of them). The rules follow the spirit of Unicode's
UAX #29 (terminator, closing marks, space, and what comes next) and add what it leaves out: abbreviations,
initials and ordinals per language (`abbreviations.py`). Line ends are hard borders. When in doubt a text is
left whole, since a fact cut in two is lost and a long text is only windowed. Time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from mere.inference.abbreviations import BEFORE_NAMES, LEGAL_FORMS, YEAR_WORDS, StopRules, stop_rules
from mere.lang_codes import language_of
from mere.types import Span

# Ends a sentence wherever it stands: CJK, danda, Arabic and Urdu, Armenian, Ethiopic, Khmer, Burmese.
_FULL_STOPS = "。！？｡।॥؟۔։።፧፨។៕။"
_NEEDS_SPACE = "!?‼⁇⁈⁉…․‥."
_CLOSERS = "\"'”’»«›‹“‟)]}」』】〉》）］｝〕〗⟩"
_CJK_CLOSERS = "\"'”’)]}」』】〉》）］｝〕〗⟩»"  # “ closes in German, opens in Chinese
_OPENERS = "\"'“”„‚‘«»‹›([{「『【〈《（［｛〔¿¡*•"
_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_ANY_STOP = re.escape(_FULL_STOPS + _NEEDS_SPACE)
_CANDIDATE = re.compile(
    f"[{_ANY_STOP}]+"  # a run of marks, then what closes it
    f"(?:(?<=[{_FULL_STOPS}])[{re.escape(_CJK_CLOSERS)}]*|[{re.escape(_CLOSERS)}]*)"
    r"(?:\[\d{1,3}\])*"  # footnote marks, as in encyclopaedias
    "(?:[ \u00a0\u202f]»)?"  # French spacing
    f"|[{_LINE_ENDS}]+"
)
_GREEK_CANDIDATE = re.compile(_CANDIDATE.pattern.replace("[", "[;\u037e", 1))
_ENDS_PARAGRAPH = re.compile(f"(?:\r\n|[{_LINE_ENDS}])[ \t]*(?:[{_LINE_ENDS}]|[-*•] )")
_ENDS_A_LINE = frozenset(_FULL_STOPS + _NEEDS_SPACE + ":;")
_FEWEST_LINE_ENDS = 4  # fewer tell nothing
_SPACES = re.compile(r"\s*")
_WORD = re.compile(r"\w+")
_TOKEN_BORDER = re.compile(r"[\s\"'“”„‚‘’«»‹›(\[{/—–]")
_ROMAN = re.compile(r"[IVXLC]{1,6}")
_LONGEST_TOKEN = 24  # characters looked at before a full stop
_HIRAGANA = re.compile("[\u3041-\u309f]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def split_sentences(text: str, lang: str | None = None, *, unwrap: bool = False) -> list[Span]:
    """Return the sentences of `text` as spans, in order, that cover every character but white space once.

    Args:
        text: any string; line ends are borders, and no span starts or ends with white space.
        lang: language, for abbreviations and ordinals, or None where it is not known.
        unwrap: whether a line end is white space like any other, unless the line before or after it is empty, or
            the one after it starts like an item of a list.
    """
    lang = None if lang is None else language_of(lang)
    rules = stop_rules(lang)
    spans: list[Span] = []
    start = 0
    pattern = _GREEK_CANDIDATE if lang == "el" else _CANDIDATE
    for match in pattern.finditer(text):
        if match[0][0] in _LINE_ENDS:
            ends = not unwrap or _ENDS_PARAGRAPH.match(text, match.start()) is not None
        else:
            ends = _ends_sentence(text, start, match, rules)
        if ends:
            _append_trimmed(spans, text, start, match.end())
            start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.lstrip()
    if stripped:
        start = end - len(stripped)
        spans.append(Span(start, start + len(stripped.rstrip())))


def is_wrapped(lines: Sequence[str]) -> bool:
    """Whether most line ends of a text lie in mid-sentence: no mark before them, and a small letter after them."""
    between = inside = 0
    for one, other in pairwise(line.strip() for line in lines):
        if one and other:
            between += 1
            inside += other[0].islower() and one.rstrip(_CLOSERS)[-1:] not in _ENDS_A_LINE
    return between >= _FEWEST_LINE_ENDS and 2 * inside > between


def _ends_sentence(text: str, start: int, match: re.Match[str], rules: StopRules) -> bool:
    """Whether the run of marks in `match` ends the sentence that began at `start`."""
    end = match.end()
    if end == len(text):
        return True
    marks = match[0].rstrip(_CLOSERS)
    following = text[end]
    if any(mark in _FULL_STOPS for mark in marks):
        # 「はい。」と言った: the quotation is a part of the sentence
        goes_on = bool(_HIRAGANA.match(following)) or following in "，、,；：:"
        return not (goes_on and len(match[0]) > len(marks))
    if not following.isspace():
        return "." not in marks and bool(_CJK.match(following))
    at = _next_word(text, end)
    if at == len(text) or text[at] in _LINE_ENDS:
        return True
    if text[at].islower() or text[at] in ",;:!?%)]}，、؛،":
        return False
    if text[at].isdigit() and text[at - 1] == "(":
        return False  # "Horton Hears a Who! (1955), If I Ran the Zoo"
    if match.start() - start <= 3 and not text[start : match.start()].strip():
        return False  # "... Und dann": the marks open the sentence
    if match[0] == "!" and _in_name(text, start, match.start(), at, rules):
        return False
    is_lone_stop = match[0] == "."
    return not is_lone_stop or _full_stop_ends(text, start, match.start(), at, rules)


def _in_name(text: str, start: int, mark: int, at: int, rules: StopRules) -> bool:
    """Whether the "!" at `mark`, followed by white space and then by `text[at]`, belongs to a name."""
    token, token_start = _token_before(text, start, mark)
    following = _WORD.match(text, at)
    if not token[:1].isupper() or following is None:
        return False
    if following[0] in LEGAL_FORMS:
        return True
    before = text[max(start, token_start - _LONGEST_TOKEN) : token_start].split()
    return bool(before) and before[-1] in BEFORE_NAMES and following[0] not in rules.openers


def _next_word(text: str, at: int) -> int:
    """Skip white space, opening marks and dashes; stop at a line end, which is a border in its own right."""
    end = len(text)
    spaces = _SPACES.match(text, at)
    at = spaces.end() if spaces else at
    while at < end and (text[at] in _OPENERS or text[at] in "—–- \u00a0"):
        at += 1
    return at


def _full_stop_ends(text: str, start: int, stop: int, at: int, rules: StopRules) -> bool:
    """Whether the single "." at `stop`, followed by white space and then by `text[at]`, ends a sentence."""
    token, token_start = _token_before(text, start, stop)
    if not token:
        return True
    word = _WORD.match(text, at)
    # "В. И. Ленин": a letter with a full stop of its own opens nothing
    opens = word is not None and word[0] in rules.openers and text[word.end() : word.end() + 1] != "."
    opens_sentence = stop - start <= 12 and text[start:token_start].strip() == ""
    if token[-1].isdigit():
        if opens_sentence and len(token) <= 6:
            return False  # "1. Introduction", "3.1. Results"
        return opens or not (rules.has_ordinals and token.isdigit() and len(token) <= 2)
    if token in YEAR_WORDS and _follows_number(text, start, token_start):
        return (
            opens or token_start - start > _LONGEST_TOKEN
        )  # "В 1837 г. Пушкин" goes on; a longer one has ended
    if token in rules.before_number and text[at].isdigit():
        return False
    if token in rules.either:
        return opens
    if token in rules.inner or token[0].lower() + token[1:] in rules.inner:
        return False
    if _is_initial(token) or "." in token:
        return opens
    return opens or not (rules.has_ordinals and _ROMAN.fullmatch(token))


def _token_before(text: str, start: int, stop: int) -> tuple[str, int]:
    """Return what stands between the last white space, quote or bracket and `stop`, and where it starts."""
    floor = max(start, stop - _LONGEST_TOKEN)
    at = stop
    while at > floor and not _TOKEN_BORDER.match(text[at - 1]):
        at -= 1
    return text[at:stop], at


def _follows_number(text: str, start: int, token_start: int) -> bool:
    before = text[max(start, token_start - 12) : token_start].split()
    return bool(before) and (before[-1][-1].isdigit() or _ROMAN.fullmatch(before[-1]) is not None)


def _is_initial(token: str) -> bool:
    """One letter with its marks ("J", "Ю", "د", "కె"), or an abbreviation such as "Дж" of a letter's name."""
    letters = [char for char in token if not unicodedata.category(char).startswith("M")]
    if len(letters) != 1 or not letters[0].isalpha():
        return False
    is_ideograph = bool(_CJK.match(letters[0]))
    return not is_ideograph and token not in _ONE_LETTER_WORDS


# Whole words of one letter and its vowel signs that do end sentences.
_ONE_LETTER_WORDS = frozenset(["है", "हैं", "था", "थे", "थी", "हो", "हूँ", "दी", "दो", "ली", "की", "छ"])
