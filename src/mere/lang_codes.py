"""One language, however it is spelt: `de`, `DE`, `deu`, `ger`, `de-AT`, `de_CH` and `German` are the same one.

A language is compared here and nowhere else. Corpora and models keep the spelling that they are given, such as
"pt-BR", and everything that names a language finds it by `find`. What means "not stated" (nothing, "und") is None.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

_NOT_STATED = frozenset(
    {"", "und", "mis", "mul", "zxx", "unknown", "none", "null", "unk", "n/a", "nan", "?", "??", "-"}
)

# ISO 639: a language's two-letter code if it has one, its three-letter codes, its English name.
_TABLE = """
aa aar Afar; ab abk Abkhazian; ae ave Avestan; af afr Afrikaans; ak aka Akan; am amh Amharic; an arg Aragonese;
ar ara Arabic; as asm Assamese; av ava Avaric; ay aym Aymara; az aze Azerbaijani; ba bak Bashkir;
be bel Belarusian; bg bul Bulgarian; bi bis Bislama; bm bam Bambara; bn ben Bengali; bo bod tib Tibetan;
br bre Breton; bs bos Bosnian; ca cat Catalan; ce che Chechen; ch cha Chamorro; co cos Corsican; cr cre Cree;
cs ces cze Czech; cu chu Church Slavic; cv chv Chuvash; cy cym wel Welsh; da dan Danish; de deu ger German;
dv div Divehi; dz dzo Dzongkha; ee ewe Ewe; el ell gre Greek; en eng English; eo epo Esperanto; es spa Spanish;
et est Estonian; eu eus baq Basque; fa fas per Persian; ff ful Fula; fi fin Finnish; fj fij Fijian;
fo fao Faroese; fr fra fre French; fy fry Frisian; ga gle Irish; gd gla Scottish Gaelic; gl glg Galician;
gn grn Guarani; gu guj Gujarati; gv glv Manx; ha hau Hausa; he heb Hebrew; hi hin Hindi; ho hmo Hiri Motu;
hr hrv Croatian; ht hat Haitian; hu hun Hungarian; hy hye arm Armenian; hz her Herero; ia ina Interlingua;
id ind Indonesian; ie ile Interlingue; ig ibo Igbo; ii iii Sichuan Yi; ik ipk Inupiaq; io ido Ido;
is isl ice Icelandic; it ita Italian; iu iku Inuktitut; ja jpn Japanese; jv jav Javanese; ka kat geo Georgian;
kg kon Kongo; ki kik Kikuyu; kj kua Kuanyama; kk kaz Kazakh; kl kal Kalaallisut; km khm Khmer; kn kan Kannada;
ko kor Korean; kr kau Kanuri; ks kas Kashmiri; ku kur Kurdish; kv kom Komi; kw cor Cornish; ky kir Kyrgyz;
la lat Latin; lb ltz Luxembourgish; lg lug Ganda; li lim Limburgan; ln lin Lingala; lo lao Lao;
lt lit Lithuanian; lu lub Luba-Katanga; lv lav Latvian; mg mlg Malagasy; mh mah Marshallese; mi mri mao Maori;
mk mkd mac Macedonian; ml mal Malayalam; mn mon Mongolian; mr mar Marathi; ms msa may Malay; mt mlt Maltese;
my mya bur Burmese; na nau Nauru; nb nob Norwegian Bokmal; nd nde North Ndebele; ne nep Nepali; ng ndo Ndonga;
nl nld dut Dutch; nn nno Norwegian Nynorsk; no nor Norwegian; nr nbl South Ndebele; nv nav Navajo;
ny nya Chichewa; oc oci Occitan; oj oji Ojibwa; om orm Oromo; or ori Odia; os oss Ossetian; pa pan Punjabi;
pi pli Pali; pl pol Polish; ps pus Pashto; pt por Portuguese; qu que Quechua; rm roh Romansh; rn run Rundi;
ro ron rum Romanian; ru rus Russian; rw kin Kinyarwanda; sa san Sanskrit; sc srd Sardinian; sd snd Sindhi;
se sme Northern Sami; sg sag Sango; sh hbs Serbo-Croatian; si sin Sinhala; sk slk slo Slovak; sl slv Slovenian;
sm smo Samoan; sn sna Shona; so som Somali; sq sqi alb Albanian; sr srp Serbian; ss ssw Swati;
st sot Southern Sotho; su sun Sundanese; sv swe Swedish; sw swa Swahili; ta tam Tamil; te tel Telugu;
tg tgk Tajik; th tha Thai; ti tir Tigrinya; tk tuk Turkmen; tl tgl Tagalog; tn tsn Tswana; to ton Tonga;
tr tur Turkish; ts tso Tsonga; tt tat Tatar; tw twi Twi; ty tah Tahitian; ug uig Uyghur; uk ukr Ukrainian;
ur urd Urdu; uz uzb Uzbek; ve ven Venda; vi vie Vietnamese; vo vol Volapük; wa wln Walloon; wo wol Wolof;
xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; za zha Zhuang; zh zho chi Chinese; zu zul Zulu; ace Achinese;
acm Mesopotamian Arabic; akk Akkadian; ang Old English; apc Levantine Arabic; arc Official Aramaic;
ary Moroccan Arabic; arz Egyptian Arabic; ast Asturian; awa Awadhi; bar Bavarian; bbj Ghomálá';
bcl Central Bikol; bem Bemba; bho Bhojpuri; bxr Russia Buriat; ceb Cebuano; ckb Central Kurdish; cop Coptic;
crh Crimean Tatar; dag Dagbani; din Dinka; dsb Lower Sorbian; dyu Dyula; efi Efik; egl Emilian; egy Egyptian;
enm Middle English; ext Extremaduran; fon Fon; frm Middle French; fro Old French; frr Northern Frisian;
fur Friulian; fuv Nigerian Fulfulde; gcf Guadeloupean Creole French; gcr Guianese Creole French;
gmh Middle High German; goh Old High German; gom Goan Konkani; got Gothic; grc Ancient Greek; gsw Swiss German;
gug Paraguayan Guaraní; guw Gun; haw Hawaiian; hbo Ancient Hebrew; hil Hiligaynon; hit Hittite;
hne Chhattisgarhi; hsb Upper Sorbian; ilo Iloko; izh Ingrian; kab Kabyle; kam Kamba; kea Kabuverdianu;
kln Kalenjin; kmb Kimbundu; kok Konkani; krl Karelian; ksh Kölsch; lij Ligurian; liv Liv; lld Ladin;
lmo Lombard; ltg Latgalian; luo Luo; lus Lushai; mad Madurese; mag Magahi; mai Maithili; mdf Moksha;
mhr Eastern Mari; min Minangkabau; mni Manipuri; mos Mossi; mwl Mirandese; myv Erzya; nap Neapolitan;
nds Low German; non Old Norse; nso Pedi; nyn Nyankole; olo Livvi; orv Old Russian; pal Pahlavi; pap Papiamento;
pcm Nigerian Pidgin; peo Old Persian; pfl Pfaelzisch; pms Piemontese; rgn Romagnol; rmy Vlax Romani;
rom Romany; rup Macedo-Romanian; sah Yakut; sat Santali; scn Sicilian; sco Scots; sdh Southern Kurdish;
shn Shan; sma Southern Sami; smj Lule Sami; smn Inari Sami; sms Skolt Sami; stq Saterfriesisch; sux Sumerian;
swg Swabian; syr Syriac; szl Silesian; tig Tigre; tpi Tok Pisin; tum Tumbuka; tzm Central Atlas Tamazight;
udm Udmurt; uga Ugaritic; umb Umbundu; vec Venetian; vep Veps; wal Wolaytta; war Waray; wes Cameroon Pidgin;
wuu Wu Chinese; wym Wymysorys; xcl Classical Armenian; yue Yue Chinese; zza Zaza;
"""
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
    written = (lang or "").strip()
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
    for entry in _TABLE.replace("\n", " ").split(";"):
        words = entry.split()
        spelt = [word for word in words if word.isascii() and word.islower() and len(word) in (2, 3)]
        if words:
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
