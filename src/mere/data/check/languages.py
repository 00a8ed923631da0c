"""Languages as files state them: codes that nobody knows, codes of countries, and texts in another script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache

import regex

from mere import lang_codes
from mere.data.check.finding import Tally
from mere.data.check.rows import Row

# The scripts that languages are written in; those of several scripts (sr, uz, kk, ku, az …) are left out.
_SCRIPTS = {
    "Cyrillic": "ru uk be bg mk ky tg ce cv ba os sah udm myv mdf mhr kv ab",
    "Arabic": "ar fa ur ps sd ug ckb arz ary acm apc",
    "Hebrew": "he yi hbo",
    "Devanagari": "hi mr ne sa bho mai awa hne mag gom",
    "Bengali": "bn as",
    "Ethiopic": "am ti tig",
    "Georgian": "ka",
    "Armenian": "hy xcl",
    "Greek": "el grc",
    "Hangul": "ko",
    "Han": "zh yue wuu",
    "Han Hiragana Katakana": "ja",
    "Tibetan": "bo dz",
    "Gujarati": "gu", "Oriya": "or", "Tamil": "ta", "Telugu": "te", "Kannada": "kn", "Malayalam": "ml",
    "Sinhala": "si", "Thai": "th", "Lao": "lo", "Myanmar": "my", "Khmer": "km", "Thaana": "dv",
    "Latin": "de en fr es it pt nl sv da nb nn no fi et lv lt pl cs sk sl hr hu ro sq tr vi id tl sw af ca eu gl ga "
    "cy is mt br lb se fo eo la yo ig zu xh so rw ny sn st tn tw ak ee bm wo lg ln kr ch ht gn qu ay gd fy co oc "
    "an ast mg mi sm to fj ha om luo pcm fon mos bbj",
}  # fmt: skip
_MOST = 0.5  # the share of a language's sentences that make it doubtful
_LETTERS = regex.compile(r"\p{L}")


class Languages:
    """Takes sentences one by one and finds languages that are hardly those that are meant."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._other: dict[str, Tally] = {}

    def see(self, row: Row) -> None:
        """Take in a sentence."""
        text, lang = row.sentence.text, row.sentence.lang
        self._seen[lang] += 1
        own = _own_script(lang)
        if own is not None and _LETTERS.search(text) and not own.search(text):
            tally = self._other.setdefault(lang, Tally())
            tally.add(lang, row.example(text[:30]) if tally.wants(lang) else "")

    def finish(self, tallies: Mapping[str, Tally]) -> None:
        """Put what was found into the tallies of the report."""
        for lang, total in self._seen.items():
            other = self._other.get(lang)
            if other is not None and other.count > _MOST * total:
                tallies["other-script"].by.update(other.by)
                tallies["other-script"].of[lang] = total
                tallies["other-script"].examples += other.examples
            if meant := lang_codes.of_country(lang):
                read = lang_codes.name_of(lang)
                told = f'"{lang}" is read as {read}; the language "{meant}" ({lang_codes.name_of(meant)}) may be meant'
                tallies["country-code"].add(lang, told, total)
            elif not lang_codes.is_known(lang):
                tallies["unknown-language"].add(lang, f'"{lang}"', total)


@cache
def _own_script(lang: str) -> regex.Pattern[str] | None:
    """Return what finds a letter of the script that a language is written in, None where that is not known."""
    code = lang_codes.language_of(lang)
    scripts = next((scripts for scripts, codes in _SCRIPTS.items() if code in codes.split()), None)
    if scripts is None or regex.search(r"[-_][A-Z][a-z]{3}\b", lang):  # hi-Latn says so itself
        return None
    return regex.compile("[" + "".join(rf"\p{{Script={name}}}" for name in scripts.split()) + "]")
