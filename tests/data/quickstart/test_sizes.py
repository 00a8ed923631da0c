"""The quick-start corpus has the sizes, languages, relations and sorts of sentences that it promises."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from mere.data.quickstart.generate import (
    LANGUAGES,
    MARKUP,
    NO_TRIPLE,
    OTHER_SIZES,
    RELATIONS,
    SPLITS,
    TRAIN_SIZES,
    Language,
)
from tests.data.quickstart.quickstart_examples import Records

SMILER = """
is-where birth-place has-type movie-has-director has-occupation from-country has-genre has-author
has-population headquarters is-member-of org-has-member org-has-founder has-parent has-spouse has-edu
won-award org-leader no_relation has-nationality starring event-year has-child has-sibling has-length
invented-when has-tourist-attraction has-lifespan has-highest-mountain has-height first-product
invented-by has-weight loc-leader post-code eats
"""


def test_sizes_are_skewed_and_as_promised(corpus: Records) -> None:
    sizes = {key: len(records) for key, records in corpus.items()}
    assert sizes == {
        (lang, split): TRAIN_SIZES[lang] if split == "train" else OTHER_SIZES[split]
        for lang in LANGUAGES
        for split in SPLITS
    }
    assert max(TRAIN_SIZES.values()) >= 2000
    assert min(TRAIN_SIZES.values()) < 100


def test_nine_languages_in_at_least_five_scripts(corpus: Records) -> None:
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
def test_every_relation_and_every_sort_of_sentence_is_in_every_split(corpus: Records, lang: str) -> None:
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
