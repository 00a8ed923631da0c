"""What the quick-start corpus judges with was never trained on: names, mentions, templates, texts."""

from __future__ import annotations

import pytest

from mere.data.quickstart.generate import LANGUAGES, OTHER_SIZES, SPLITS, Language
from tests.data.quickstart.quickstart_examples import Records, mention, surfaces

JUDGED = tuple(OTHER_SIZES)


@pytest.mark.parametrize("kind", sorted(Language("en").kinds))
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
    corpus: Records,
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


def test_heldout_templates_are_never_trained_on(corpus: Records) -> None:
    for lang in LANGUAGES:
        templates = {split: {r["template"] for r in corpus[lang, split]} for split in SPLITS}
        assert not templates["heldout"] & (templates["train"] | templates["dev"] | templates["test"])
        assert templates["test"] <= templates["train"]


def test_no_text_comes_twice_in_a_language(corpus: Records) -> None:
    for lang in LANGUAGES:
        texts = [record["text"] for split in SPLITS for record in corpus[lang, split]]
        assert len(texts) == len(set(texts))
