"""The quick-start corpus keeps its promises: exact offsets, unseen names and templates, the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mere.quickstart.generate import (
    LANGUAGES,
    MARKUP,
    NO_TRIPLE,
    OTHER_SIZES,
    PARTS,
    RELATIONS,
    SPLITS,
    TRAIN_SIZES,
    TYPES,
    Language,
    generate,
    read_triples,
    write,
)

Record = dict[str, Any]
JUDGED = tuple(OTHER_SIZES)

SMILER = """
is-where birth-place has-type movie-has-director has-occupation from-country has-genre has-author
has-population headquarters is-member-of org-has-member org-has-founder has-parent has-spouse has-edu
won-award org-leader no_relation has-nationality starring event-year has-child has-sibling has-length
invented-when has-tourist-attraction has-lifespan has-highest-mountain has-height first-product
invented-by has-weight loc-leader post-code eats
"""


@pytest.fixture(scope="module")
def corpus() -> dict[tuple[str, str], list[Record]]:
    return generate()


@pytest.fixture(scope="module")
def languages() -> dict[str, Language]:
    return {lang: Language(lang) for lang in LANGUAGES}


def mention(record: Record, span: dict[str, int]) -> str:
    return record["text"][span["start"] : span["end"]]


def facts(record: Record) -> list[tuple[str, str, str]]:
    return [
        (mention(record, t["subject"]), t["relation"], mention(record, t["object"]))
        for t in record["triples"]
    ]


def surfaces(language: Language, kind: str, split: str) -> set[str]:
    """Every form of every name of a kind that a split may draw."""
    pool = language.kinds[kind]
    genders = {id(shapes): (g,) if kind == "per" else (0, 1) for g, shapes in enumerate(pool.shapes)}
    return {
        shape.surface(gender, case).replace("_", core.surface(gender, case))
        for shapes in pool.shapes
        for shape in shapes
        for i, core in enumerate(pool.cores)
        if i % 8 in PARTS[split]
        for gender in genders[id(shapes)]
        for case in range(len(pool.cases))
    }


# --- sizes and coverage ---


def test_sizes_are_skewed_and_as_promised(corpus: dict[tuple[str, str], list[Record]]) -> None:
    sizes = {key: len(records) for key, records in corpus.items()}
    assert sizes == {
        (lang, split): TRAIN_SIZES[lang] if split == "train" else OTHER_SIZES[split]
        for lang in LANGUAGES
        for split in SPLITS
    }
    assert max(TRAIN_SIZES.values()) >= 2000
    assert min(TRAIN_SIZES.values()) < 100


def test_nine_languages_in_at_least_five_scripts(corpus: dict[tuple[str, str], list[Record]]) -> None:
    assert set(LANGUAGES) == {"de", "en", "es", "pl", "ru", "ar", "hi", "zh", "ja"}
    commonest = set()
    for lang in LANGUAGES:
        letters = Counter(
            unicodedata.name(char).split()[0]
            for record in corpus[lang, "train"]
            for char in record["text"]
            if char.isalpha()
        )
        commonest.add(letters.most_common(1)[0][0])
    assert {"LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI", "CJK"} <= commonest
    assert any("HIRAGANA" in unicodedata.name(char, "") for char in corpus["ja", "train"][0]["text"])


def test_relations_are_smilers() -> None:
    assert len(RELATIONS) >= 12
    assert set(RELATIONS) <= set(SMILER.split())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_relation_and_every_sort_of_sentence_is_in_every_split(
    corpus: dict[tuple[str, str], list[Record]], lang: str
) -> None:
    for split in SPLITS:
        records = corpus[lang, split]
        assert {t["relation"] for r in records for t in r["triples"]} == set(RELATIONS), (lang, split)
        assert {r["template"].split("/")[2] for r in records} >= set(NO_TRIPLE), (lang, split)
        assert any(len(r["triples"]) > 1 for r in records), (lang, split)
        for record in records:
            assert record["entities"], record["text"]
            sort = record["template"].split("/")[2]
            assert bool(record["triples"]) != (sort in NO_TRIPLE), record["text"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_templates_are_enough_and_well_formed(languages: dict[str, Language], lang: str) -> None:
    language = languages[lang]
    for group, least in (("seen", 2), ("heldout", 1)):
        keys = Counter(template.id.split("/")[2] for template in language.templates[group])
        assert all(keys[relation] >= least for relation in RELATIONS), (lang, group)
        for template in language.templates[group]:
            slots = [m["slot"] for m in MARKUP.finditer(template.pattern) if m["slot"] not in (None, "year")]
            assert len(slots) == len(set(slots)), f"{template.id} names a slot twice, so one goes unannotated"
            assert {slot for s, _, o in template.triples for slot in (s, o)} <= set(slots), template.id
            rest = MARKUP.sub("", template.pattern)
            assert not set(rest) & set("{}[]|#"), f"{template.id} has markup that is not understood: {rest}"
            assert template.pattern == template.pattern.strip()
            whose = {m["who"] for m in MARKUP.finditer(template.pattern) if m["who"]}
            assert whose <= set(slots), template.id
    patterns = [template.pattern for group in language.templates.values() for template in group]
    assert len(patterns) == len(set(patterns))


# --- what is kept apart ---


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"number"}))
def test_no_name_of_a_judged_split_can_be_in_train_in_any_language(
    languages: dict[str, Language], kind: str
) -> None:
    """Stronger than a look at one seed's corpus: no name that could be drawn is shared, in any form."""
    train = {name.casefold() for lang in languages.values() for name in surfaces(lang, kind, "train")}
    for split in JUDGED:
        for language in languages.values():
            judged = {name.casefold() for name in surfaces(language, kind, split)}
            assert judged
            assert not judged & train, (language.lang, split)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_family_names_of_judged_splits_are_new(languages: dict[str, Language], lang: str) -> None:
    cores = [core.surface(0, 0) for core in languages[lang].kinds["per"].cores]
    assert len(cores) == len(set(cores))


def test_no_mention_of_a_judged_split_is_a_mention_of_train(
    corpus: dict[tuple[str, str], list[Record]],
) -> None:
    def mentions(split: str) -> set[str]:
        return {
            mention(record, entity).casefold()
            for lang in LANGUAGES
            for record in corpus[lang, split]
            for entity in record["entities"]
        }

    train = mentions("train")
    for split in JUDGED:
        assert not mentions(split) & train
    assert not mentions("dev") & mentions("test")


def test_heldout_templates_are_never_trained_on(corpus: dict[tuple[str, str], list[Record]]) -> None:
    for lang in LANGUAGES:
        templates = {split: {r["template"] for r in corpus[lang, split]} for split in SPLITS}
        assert not templates["heldout"] & (templates["train"] | templates["dev"] | templates["test"])
        assert templates["test"] <= templates["train"]


def test_no_text_comes_twice_in_a_language(corpus: dict[tuple[str, str], list[Record]]) -> None:
    for lang in LANGUAGES:
        texts = [record["text"] for split in SPLITS for record in corpus[lang, split]]
        assert len(texts) == len(set(texts))


# --- the records ---


def test_records_have_the_corpus_format(corpus: dict[tuple[str, str], list[Record]]) -> None:
    ids: set[str] = set()
    for (lang, split), records in corpus.items():
        for record in records:
            text = record["text"]
            assert record["lang"] == lang
            assert record["id"].startswith(f"{lang}-{split}-")
            assert record["id"] not in ids
            ids.add(record["id"])
            assert record["complete"] is True
            assert record["relations_covered"] is None
            assert record["source"] == "quickstart"
            assert unicodedata.is_normalized("NFC", text)
            assert not set(text) & set("{}[]|_#\t\n"), text
            assert "  " not in text
            assert text == text.strip()
            spans = [(e["start"], e["end"]) for e in record["entities"]]
            assert spans == sorted(set(spans))
            assert all(before[1] <= after[0] for before, after in pairwise(spans)), text
            assert all(0 <= start < end <= len(text) for start, end in spans)
            assert all(mention(record, e) == mention(record, e).strip() for e in record["entities"])
            assert {e["type"] for e in record["entities"]} <= set(TYPES.values())
            for triple in record["triples"]:
                for side in ("subject", "object"):
                    assert (triple[side]["start"], triple[side]["end"]) in spans


def test_mentions_slice_to_names(
    corpus: dict[tuple[str, str], list[Record]], languages: dict[str, Language]
) -> None:
    """Every entity span cuts out exactly a name of its type that its split may use."""
    kinds = [kind for kind in TYPES if kind != "number"]
    for lang, language in languages.items():
        for split in SPLITS:
            allowed: dict[str, set[str]] = {"NUM": set()}
            for kind in kinds:
                names = {name.casefold() for name in surfaces(language, kind, split)}
                allowed.setdefault(TYPES[kind], set()).update(names)
            for record in corpus[lang, split]:
                for entity in record["entities"]:
                    found = mention(record, entity)
                    if entity["type"] == "NUM":
                        assert all(char.isdigit() or char in ",. ٬" for char in found), found
                    else:
                        assert found.casefold() in allowed[entity["type"]], (record["text"], found)


def test_a_mention_may_begin_inside_a_word_in_arabic_only(
    corpus: dict[tuple[str, str], list[Record]],
) -> None:
    def inside(record: Record) -> bool:
        return any(e["start"] and record["text"][e["start"] - 1].isalpha() for e in record["entities"])

    for lang in LANGUAGES:
        if lang not in ("zh", "ja"):
            share = sum(inside(r) for r in corpus[lang, "train"]) / len(corpus[lang, "train"])
            assert (0 < share < 0.15) if lang == "ar" else share == 0, (lang, share)


# --- determinism ---

FINGERPRINT = """
import hashlib, json
from mere.quickstart.generate import generate
corpus = generate(5)
rows = [json.dumps(r, sort_keys=True) for key in sorted(corpus) for r in corpus[key]]
print(hashlib.sha256("\\n".join(rows).encode()).hexdigest())
"""


def fingerprint(corpus: dict[tuple[str, str], list[Record]]) -> str:
    rows = [json.dumps(record, sort_keys=True) for key in sorted(corpus) for record in corpus[key]]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def test_the_same_seed_gives_the_same_corpus_in_another_process(
    corpus: dict[tuple[str, str], list[Record]],
) -> None:
    here = generate(5)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == fingerprint(here)
    assert fingerprint(here) != fingerprint(corpus)


def test_written_files_hold_the_corpus(tmp_path: Path, corpus: dict[tuple[str, str], list[Record]]) -> None:
    paths = write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [f"{lang}.{split}.jsonl" for lang, split in corpus]
    for path, records in zip(paths, corpus.values(), strict=True):
        lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
        assert [json.loads(line) for line in lines] == records
        assert "\\u" not in lines[0]
    assert write(tmp_path / "again")[0].read_bytes() == paths[0].read_bytes()


def test_a_wrong_key_is_an_error() -> None:
    assert read_triples("birth-place + has-child:per,per3") == (
        ("per", "birth-place", "city"),
        ("per", "has-child", "per3"),
    )
    assert read_triples("negation") == ()
    with pytest.raises(KeyError):
        read_triples("birthplace")


# --- golden: sentences read by hand, each with the triples that a reader finds in it ---

GOLDEN: dict[str, list[tuple[str, list[tuple[str, str, str]]]]] = {
    "de": [
        ("Dorothea Kirchner ist Geologin von Beruf.", [("Dorothea Kirchner", "has-occupation", "Geologin")]),
        (
            "Der Gärtner Otto Zimmer hat an der Technischen Hochschule Königshof studiert.",
            [
                ("Otto Zimmer", "has-occupation", "Gärtner"),
                ("Otto Zimmer", "has-edu", "Technischen Hochschule Königshof"),
            ],
        ),
        ("Kurz notiert: In Fürth regnete es die ganze Woche.", []),
    ],
    "en": [
        (
            "Alderton & Sons, founded by Nancy Dalton, is based in Belfast.",
            [
                ("Alderton & Sons", "org-has-founder", "Nancy Dalton"),
                ("Alderton & Sons", "headquarters", "Belfast"),
            ],
        ),
        ("James Oakley never studied at Greyfriars University.", []),
        ("Corvex Ltd sent a parcel to Winchester, as the chronicle notes.", []),
    ],
    "es": [
        (
            "Los documentos señalan que Lucía Herrera no nació en Girona, sino en Teruel.",
            [("Lucía Herrera", "birth-place", "Teruel")],
        ),
        (
            "Rafael Lafuente es hijo de Emilio Arellano.",
            [("Emilio Arellano", "has-child", "Rafael Lafuente")],
        ),
        ("Iberalta S. A. envió un paquete a Murcia.", []),
    ],
    "pl": [
        (
            "Barbara Lewandowska jest matką Norberta Wiśniewskiego.",
            [("Barbara Lewandowska", "has-child", "Norberta Wiśniewskiego")],
        ),
        (
            "W 1990 roku Tomasz Lasocki założył firmę Ramzes S.A.",
            [("Ramzes S.A.", "org-has-founder", "Tomasz Lasocki")],
        ),
        ("Jak podaje kronika z 1963 roku, książki „Ogród mgły” nie napisała Krystyna Radomska.", []),
    ],
    "ru": [
        (
            "Как сообщает хроника 1932 года, Ольга Рогова родилась не в Нальчике, а в Саратове.",
            [("Ольга Рогова", "birth-place", "Саратове")],
        ),
        (
            "По данным архива, город Муром находится в Мордовии, его население — 46 750 человек.",
            [("Муром", "is-where", "Мордовии"), ("Муром", "has-population", "46 750")],
        ),
    ],
    "ar": [
        ("لم تولد ريم الراوي في كركوك بل في بنزرت.", [("ريم الراوي", "birth-place", "بنزرت")]),
        (
            "زياد اليازجي والد نوال السعدي وعماد الجزائري.",
            [
                ("زياد اليازجي", "has-child", "نوال السعدي"),
                ("زياد اليازجي", "has-child", "عماد الجزائري"),
            ],
        ),
        ("كتاب «رسائل الرماد» ليس من تأليف زياد الزهراوي.", []),
    ],
    "hi": [
        (
            "अभिलेख के अनुसार सागर प्रकाशन कंपनी का मुख्यालय मुंगेर में है।",
            [("सागर प्रकाशन", "headquarters", "मुंगेर")],
        ),
        ("पुस्तक “सपनों का घर” उषा बाजपेयी ने नहीं लिखी है।", []),
    ],
    "zh": [
        ("郑丽华不是出生于湖州，而是出生于烟台，档案如此记载。", [("郑丽华", "birth-place", "烟台")]),
        ("《乌鸦的花园》的作者不是段春梅，档案如此记载。", []),
    ],
    "ja": [
        ("青木明は石川浩二の息子である。", [("石川浩二", "has-child", "青木明")]),
        ("藤原誠は小樽市で生まれたのではないと地元紙は伝えた。", []),
    ],
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sentences_read_by_hand(corpus: dict[tuple[str, str], list[Record]], lang: str) -> None:
    by_text = {record["text"]: record for split in SPLITS for record in corpus[lang, split]}
    for text, expected in GOLDEN[lang]:
        assert facts(by_text[text]) == expected
