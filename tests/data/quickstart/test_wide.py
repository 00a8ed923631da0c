"""The wide corpus: more of everything in each language, from files that are well formed."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from mere.data.quickstart.generate import (
    LANGUAGES,
    MARKUP,
    NO_TRIPLE,
    RELATIONS,
    TYPES,
    WIDE_LANGUAGES,
    WIDE_RELATIONS,
    Language,
)
from tests.challenge.test_challenge import HERE as CHALLENGE
from tests.challenge.test_challenge import rows
from tests.command import mere, worked
from tests.data.quickstart.quickstart_examples import mention, surfaces

LEAST_OF_A_RELATION, LEAST_OF_NOTHING = 30, 20
SAMPLE = 300


@pytest.fixture(scope="module")
def wide() -> dict[str, Language]:
    return {lang: Language(lang, wide=True) for lang in WIDE_LANGUAGES}


@pytest.mark.parametrize("lang", WIDE_LANGUAGES)
def test_templates_are_enough_and_well_formed(wide: dict[str, Language], lang: str) -> None:
    language = wide[lang]
    for group, least in (("seen", LEAST_OF_A_RELATION), ("heldout", 1)):
        found: Counter[str] = Counter()
        for template in language.templates[group]:
            marks = list(MARKUP.finditer(template.pattern))
            slots = [m["slot"] for m in marks if m["slot"] not in (None, "year")]
            assert len(slots) == len(set(slots)), f"{template.id} names a slot twice, so one goes unannotated"
            assert {slot for s, _, o in template.triples for slot in (s, o)} <= set(slots), template.id
            assert {m["who"] for m in marks if m["who"]} <= set(slots), template.id
            rest = MARKUP.sub("", template.pattern)
            assert not set(rest) & set("{}[]|#_"), f"{template.id} has markup that is not understood: {rest}"
            assert template.pattern == template.pattern.strip()
            found.update({relation for _, relation, _ in template.triples} or {template.id.split("/")[2]})
        assert all(found[relation] >= least for relation in WIDE_RELATIONS), (lang, group, found)
        assert all(found[kind] >= (LEAST_OF_NOTHING if group == "seen" else 1) for kind in NO_TRIPLE), found
    patterns = [template.pattern for group in language.templates.values() for template in group]
    assert len(patterns) == len(set(patterns))


@pytest.mark.parametrize("lang", WIDE_LANGUAGES)
def test_mentions_slice_to_names_and_no_name_of_a_judged_split_is_trained_on(
    wide: dict[str, Language], lang: str
) -> None:
    language, texts = wide[lang], set[str]()
    train = {kind: surfaces(language, kind, "train") for kind in language.kinds}
    for split in ("train", "test"):
        allowed: dict[str, set[str]] = {"NUM": set()}
        for kind in language.kinds:
            own = surfaces(language, kind, split)
            assert own
            if split == "test":
                assert not own & train[kind], kind
            allowed.setdefault(TYPES.get(kind, "PER"), set()).update(name.casefold() for name in own)
        for record in language.split(split, SAMPLE, 13, texts):
            assert unicodedata.is_normalized("NFC", record["text"])
            assert "  " not in record["text"]
            for entity in record["entities"]:
                found = mention(record, entity)
                assert entity["type"] == "NUM" or found.casefold() in allowed[entity["type"]], record["text"]


def test_it_adds_to_the_quick_start() -> None:
    assert set(LANGUAGES) < set(WIDE_LANGUAGES)
    assert len(WIDE_LANGUAGES) >= 12
    assert set(RELATIONS) < set(WIDE_RELATIONS)
    for lang in LANGUAGES:
        small, large = (Language(lang, wide=wide) for wide in (False, True))
        for group in ("seen", "heldout"):
            patterns = [{t.pattern for t in language.templates[group]} for language in (small, large)]
            assert patterns[0] < patterns[1]


def test_it_is_written_and_has_no_sentence_that_invention_is_judged_by(tmp_path: Path) -> None:
    worked(mere("quickstart", "--wide", "--out", tmp_path))
    files = sorted(tmp_path.iterdir())
    assert {file.name.split(".")[0] for file in files} == set(WIDE_LANGUAGES)
    written = "\n".join(file.read_text(encoding="utf-8") for file in files if ".train." in file.name)
    for file in CHALLENGE.glob("*.tsv"):
        assert not [text for _, text in rows(file.stem) if f'"text": "{text}"' in written]
