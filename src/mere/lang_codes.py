"""One language, however it is spelt: `de`, `DE`, `deu`, `ger`, `de-AT`, `de_CH` and `German` are the same one.

A language is compared here and nowhere else. Corpora and models keep the spelling that they are given, such as
"pt-BR", and everything that names a language finds it by `find`. What means "not stated" (nothing, "und") is None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

_NOT_STATED = frozenset(
    {"", "und", "mis", "mul", "zxx", "unknown", "none", "null", "unk", "n/a", "nan", "?", "??", "-"}
)

_TABLE = Path(__file__).with_suffix(".txt")
"""ISO 639, a language in a line: its two-letter code if it has one, its three-letter codes, its English name."""
# Names, codes that were given up, and members of a language that stands for them all.
_ALSO = {
    "cz": "cs", "jp": "ja", "ua": "uk", "gr": "el", "dk": "da", "cn": "zh", "vn": "vi",
    "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "mol": "ro", "scc": "sr", "scr": "hr", "fil": "tl",
    "cmn": "zh", "arb": "ar", "swh": "sw", "pes": "fa", "prs": "fa", "zsm": "ms", "zlm": "ms", "ekk": "et",
    "lvs": "lv", "azj": "az", "uzn": "uz", "khk": "mn", "npi": "ne", "ory": "or", "plt": "mg", "kmr": "ku",
    "ydd": "yi", "als": "sq", "gaz": "om", "pnb": "pa", "quz": "qu", "quy": "qu", "ayr": "ay", "knc": "kr",
    "bokmal": "nb", "bokmål": "nb", "norwegian bokmål": "nb", "nynorsk": "nn", "filipino": "tl", "farsi": "fa",
    "flemish": "nl", "castilian": "es", "mandarin": "zh", "mandarin chinese": "zh", "cantonese": "yue",
    "moldavian": "ro", "valencian": "ca", "oriya": "or", "panjabi": "pa", "uighur": "ug", "kirghiz": "ky",
    "brazilian portuguese": "pt", "simplified chinese": "zh", "traditional chinese": "zh", "luganda": "lg",
    "chewa": "ny", "nyanja": "ny", "haitian creole": "ht", "setswana": "tn", "sesotho": "st", "kiswahili": "sw",
    "deutsch": "de", "français": "fr", "español": "es", "português": "pt", "italiano": "it", "nederlands": "nl",
    "polski": "pl", "русский": "ru", "українська": "uk", "中文": "zh", "汉语": "zh", "日本語": "ja", "한국어": "ko",
    "العربية": "ar", "हिन्दी": "hi", "తెలుగు": "te", "svenska": "sv", "norsk": "no", "dansk": "da", "suomi": "fi",
    "čeština": "cs", "magyar": "hu", "türkçe": "tr", "ελληνικά": "el", "română": "ro",
}  # fmt: skip
# What people write for the language of a country; its code is another language's, or none's.
_OF_COUNTRY = {
    "kr": "ko", "se": "sv", "jp": "ja", "cn": "zh", "gr": "el", "cz": "cs", "dk": "da", "ua": "uk", "vn": "vi",
    "br": "pt", "in": "hi", "ir": "fa", "il": "he", "at": "de", "ch": "de", "us": "en", "gb": "en", "pk": "ur",
    "bd": "bn", "by": "be", "tw": "zh", "hk": "zh", "ee": "et", "ge": "ka", "kz": "kk", "iq": "ar", "eg": "ar",
    "mx": "es", "al": "sq", "rs": "sr", "ph": "tl", "kh": "km", "lk": "si", "mm": "my",
}  # fmt: skip
# What a language is near to: where a corpus or a model has no such language, it is taken for the first that it has.
_NEAR: dict[str, tuple[str, ...]] = {
    "no": ("nb", "nn"),
    "nb": ("no", "nn"),
    "nn": ("no", "nb"),
    "yue": ("zh",),
    "wuu": ("zh",),
    "arz": ("ar",),
    "ary": ("ar",),
    "acm": ("ar",),
    "apc": ("ar",),
    "uzs": ("uz",),
    "sdh": ("ku",),
    "ckb": ("ku",),
    "gug": ("gn",),
    "tw": ("ak",),
    "ak": ("tw",),
    "fuv": ("ff",),
    "gom": ("kok",),
    "ltg": ("lv",),
    "sh": ("sr", "hr", "bs"),
}


def stated(lang: str | None) -> str | None:
    """Return a language as it is written, without the spaces around it; None where that means "not stated"."""
    written = (lang or "").strip().removeprefix("__label__")  # of fastText
    if written and not (
        written.isascii() and written.isalnum()
    ):  # full-width letters, zero-width signs, brackets
        wide = unicodedata.normalize("NFKC", written)
        written = "".join(filter(str.isprintable, wide)).strip(" _:;,.'\"<>[](){}") or written
    return None if written.casefold() in _NOT_STATED else written


@cache
def _codes() -> dict[str, str]:
    """Return the code of every code and name, in small letters."""
    codes: dict[str, str] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        words = line.split()
        spelt = [word for word in words if word.isascii() and word.islower() and len(word) in (2, 3)]
        codes |= dict.fromkeys([*spelt, " ".join(words[len(spelt) :]).casefold()], words[0])
    return codes | _ALSO


@cache
def language_of(lang: str) -> str:
    """Return the language that a code, a locale or an English name means: "de" for all of `de-AT`, `ger`, `German`.

    What is no code and no known name is returned as it is, in small letters.
    """
    codes = _codes()
    whole = re.split(r"[.@]", lang.strip())[0].casefold()
    if whole in codes:
        return codes[whole]
    primary, *subtags = re.split(r"[-_]", whole)
    extended = next(
        (tag for tag in subtags[:1] if len(tag) == 3 and tag in codes and primary in ("zh", "ar")), None
    )
    if extended or (primary in codes and len(primary) <= 3):
        return codes[extended or primary]
    plain = re.sub(r"\s*\(.*\)|[-_]", " ", whole).strip()
    return codes.get(plain, primary if re.fullmatch(r"[a-z]{2,3}", primary) else whole)


def of_country(lang: str) -> str | None:
    """Return the language that a country's code may mean, "ko" for "kr", which is Kanuri; None for other codes."""
    return _OF_COUNTRY.get(lang.strip().casefold())


def name_of(lang: str) -> str:
    """Return the English name of a language; what is not known, as it is written."""
    return _names().get(language_of(lang), f'"{lang}"')


@cache
def _names() -> dict[str, str]:
    """Return the English name of every code."""
    names: dict[str, str] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        code, *words = line.split()
        names[code] = " ".join(word for word in words if not (word.islower() and len(word) == 3))
    return names


def is_code(code: str) -> bool:
    """Whether a word is the code of a language that the table has, in small letters."""
    return len(code) <= 3 and code in _codes()


def is_known(lang: str) -> bool:
    """Whether a code, a locale or a name states a language that the table has."""
    written = stated(lang)
    return written is not None and language_of(written) in _codes()


def is_name(word: str) -> bool:
    """Whether a word is the name of a language that the table has."""
    return len(word) > 3 and word.casefold() in _codes()


def is_same(one: str, other: str) -> bool:
    """Whether two spellings mean one language."""
    return one == other or language_of(one) == language_of(other)


def find(lang: str | None, known: Sequence[str]) -> str | None:
    """Return the language among those known that `lang` means, as it is spelt there; None where there is none.

    The spelling itself goes before another of the same language, that before a near one (`no` for `nb`).
    """
    return lang if lang is None or lang in known else _find(lang, tuple(known))


@lru_cache(maxsize=4096)
def _find(lang: str, known: tuple[str, ...]) -> str | None:
    wanted = language_of(lang)
    spelt = {name.replace("_", "-").casefold(): name for name in reversed(known)}
    if found := spelt.get(lang.replace("_", "-").casefold()):
        return found
    by_language = {language_of(name): name for name in reversed(known)}
    return next((by_language[code] for code in (wanted, *_NEAR.get(wanted, ())) if code in by_language), None)


def labels_of(langs: Iterable[str]) -> dict[str, str]:
    """Return for every spelling the one that its language goes by: the first of them.

    `no` and `nb` are one language.
    """
    first: dict[str, str] = {}
    labels: dict[str, str] = {}
    for lang in langs:
        code = language_of(lang)
        labels[lang] = first.setdefault("no" if code == "nb" else code, lang)
    return labels


def same_spelt(langs: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return the languages that are spelt in several ways: the label, and the spellings."""
    labels = labels_of(langs)
    groups: dict[str, list[str]] = {}
    for lang, label in labels.items():
        groups.setdefault(label, []).append(lang)
    return [(label, spellings) for label, spellings in sorted(groups.items()) if len(spellings) > 1]
