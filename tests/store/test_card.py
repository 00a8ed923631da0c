"""A model's card: its front matter is read by huggingface_hub as it was meant, and its recipe is the recipe."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.schema import Labels
from mere.store.card import (
    card,
    card_of_another,
    hub_languages,
    loaded_as,
    split_front_matter,
    with_front_matter,
)
from tests import tiny

LABELS = Labels(("birth-place", "wrote"), ("PER", "LOC"), ("de", "no", "zh-Hant"))
DEV = {
    "triple_f1/strict": {"de": 61.5, "no": 40.0, "macro": 50.75},
    "entity_f1/strict": {"de": 80.0, "macro": 80.0},
}


def corpus(*licences: str | None) -> Corpus:
    """Sentences of the tiny corpus in turn under each of the licences."""
    rows = [
        dataclasses.replace(
            s, lang="no" if s.lang == "en" else s.lang, extra={"license": licence} if licence else {}
        )
        for s, licence in zip(tiny.SENTENCES, licences * len(tiny.SENTENCES), strict=False)
    ]
    return Corpus({"train": tuple(rows), "dev": tuple(rows[:2])})


def made(*licences: str | None, **changes: Any) -> tuple[ModelCard, Recipe]:
    recipe = tiny.recipe(
        **{"task": ["entities", "triples"], "data": {"path": "/home/ada/My Corpus"}, **changes}
    )
    metrics = {"dev": DEV, "costs": {"parameters": 1234567}}
    return ModelCard(card(recipe, LABELS, corpus(*licences or (None,)), metrics)), recipe


def test_the_hub_reads_what_was_meant() -> None:
    read, recipe = made()
    assert isinstance(read.data, ModelCardData)
    assert read.data.to_dict() | {"model-index": None} == {
        "language": ["de", "no", "zh"],
        "license": "unknown",
        "library_name": "mere",
        "pipeline_tag": "token-classification",
        "tags": [
            "mere",
            "information-extraction",
            "named-entity-recognition",
            "relation-extraction",
            "multilingual",
        ],
        "model-index": None,
    }

    def result(lang: str, metric: str, task: str) -> EvalResult:
        return EvalResult(
            task_type="token-classification",
            task_name=task,
            dataset_type="my-corpus",
            dataset_name=f"My Corpus ({lang})",
            dataset_config=lang,
            dataset_split="dev",
            metric_type="f1",
            metric_name=metric,
            metric_value=DEV[metric][lang],
        )

    both = "Named entity recognition and Relation extraction"
    expected = [
        result("de", "triple_f1/strict", both),
        result("de", "entity_f1/strict", both),
        result("no", "triple_f1/strict", "Relation extraction"),
    ]
    assert read.data.eval_results == expected
    front, _ = split_front_matter(str(read))
    assert front["model-index"] == eval_results_to_model_index(recipe.name, expected)
    assert "/home" not in yaml.safe_dump(front)


@pytest.mark.parametrize(
    ("licences", "front", "line"),
    [
        ((None,), {"license": "unknown"}, "Licence of the data: unknown; the corpus does not tell it."),
        (("CC-BY-4.0",), {"license": "cc-by-4.0"}, "Licence of the data: CC-BY-4.0."),
        (
            ("MIT", None, "CC BY-NC 4.0"),
            {"license": "other", "license_name": "cc-by-nc-4.0-and-mit"},
            "Licence of the data: CC BY-NC 4.0, MIT.",
        ),
        (("Ours", "Ours"), {"license": "other", "license_name": "ours"}, "Licence of the data: Ours."),
    ],
)
def test_the_licence_is_what_the_corpus_tells(
    licences: tuple[str | None, ...], front: dict[str, str], line: str
) -> None:
    read, _ = made(*licences)
    told = {key: value for key, value in read.data.to_dict().items() if key.startswith("license")}
    assert told == front
    assert line in read.content


def test_the_card_has_its_data_its_scores_and_the_recipe_that_makes_the_model_again() -> None:
    read, recipe = made()
    fingerprint = corpus(None).fingerprint()[:16]
    assert f"- My Corpus; fingerprint `{fingerprint}`" in read.content
    assert "- Splits: train 13 sentences; dev 2 sentences." in read.content
    assert (
        "| language | training sentences | dev sentences | dev `entity_f1/strict` | dev `triple_f1/strict` |"
        in (read.content)
    )
    assert "| de | 4 | 2 | 80.0 | 61.5 |\n| no | 3 | 0 | not measured | 40.0 |" in read.content
    assert (
        "| zh-Hant | 0 | 0 | not measured | not measured |\n| macro | 13 | 2 | 80.0 | 50.8 |" in read.content
    )
    assert "## Intended use and limits" in read.content
    assert "$ mere train recipe.yaml --out" in read.content
    (block,) = re.findall(r"```yaml\n(.*?)```", read.content, re.S)
    assert Recipe.from_tree(yaml.safe_load(block)) == recipe


def test_the_card_tells_what_text_was_read_and_for_how_long() -> None:
    _, recipe = made()
    reads = {"name": "read", "objective": "masked", "train": ("encoder",), "steps": 8000}
    tree = recipe.model_dump(mode="json")
    tree |= {"stages": [reads, *tree["stages"]], "data": tree["data"] | {"text": ["/data/Wiki", "de.txt"]}}
    told = card(Recipe.from_tree(tree), LABELS, corpus(None), {})
    assert "- Text read without its annotation: Wiki, de.txt; see its licence, too." in told
    assert "In stages: read (8,000 steps of encoder, from text alone), then" in told
    assert "without its annotation" not in card(recipe, LABELS, corpus(None), {})


def test_without_dev_there_are_no_scores() -> None:
    text = card(tiny.recipe(), LABELS, corpus(None), {})
    assert "model-index" not in text
    assert "macro" not in text
    assert ModelCard(text).data.eval_results is None
    assert "named-entity-recognition" not in ModelCard(text).data.tags


def test_languages_as_the_hub_writes_them() -> None:
    assert hub_languages(["zh-Hant", "zh", "pt_BR", "ja", "yue", "x1", "english", "EN"]) == [
        "zh",
        "pt",
        "ja",
        "yue",
        "en",
    ]


def test_the_example_loads_the_model_by_its_name_and_no_other() -> None:
    text = made()[0].content
    assert 'mere.load("this folder")' in text
    named = loaded_as(text, "org/name")
    assert named.replace('"org/name"', '"this folder"') == text
    assert loaded_as(loaded_as(named, "org/other")) == text
    assert loaded_as("# nothing to load\n", "org/name") == "# nothing to load\n"


@pytest.mark.parametrize(
    "text", ["", "# a card\n", "---\n[broken\n---\n# card\n", "---\njust text\n---\n# card\n"]
)
def test_a_card_without_front_matter_is_all_text(text: str) -> None:
    assert split_front_matter(text) == ({}, text)


def test_front_matter_is_what_is_above_the_text() -> None:
    front = {"language": ["no", "de"], "license": "mit"}
    assert split_front_matter(with_front_matter(front, "# card\n\n---\n\ntext\n")) == (
        front,
        "# card\n\n---\n\ntext\n",
    )


def labels(*languages: str) -> Labels:
    return Labels(LABELS.relations, LABELS.types, languages)


def test_the_card_of_a_model_made_of_another_says_what_holds_for_it() -> None:
    """A language more, one imported, one more again, one measured anew, and one of them alone."""
    recipe = tiny.recipe()

    def another(text: str, before: Labels, after: Labels, heading: str, said: str, *unmeasured: str) -> str:
        return card_of_another(text, recipe, before, after, heading=heading, said=said, unmeasured=unmeasured)

    def parts(text: str) -> tuple[list[str], list[str], list[str]]:
        front, body = split_front_matter(text)
        results = [result["dataset"]["config"] for result in front["model-index"][0]["results"]]
        return front["language"], results, [line for line in body.splitlines() if line.startswith("| de")]

    first, plus, more = labels("de", "no"), labels("de", "no", "uk"), labels("de", "no", "uk", "pl")
    begun = card(recipe, first, corpus(None), {"dev": DEV})
    assert parts(begun) == (["de", "no"], ["de", "no"], ["| de | 4 | 2 | 61.5 |"])
    added = another(begun, first, plus, "Added", "- uk: added")
    assert parts(added) == (["de", "no", "uk"], ["de", "no"], ["| de | 4 | 2 | 61.5 |"])
    assert "3 languages (de, no, uk)." in added
    assert added.endswith("\n\n## Added\n\n- uk: added\n")
    imported = another(
        another(added, plus, plus, "Imported", "- de: imported", "de"), plus, more, "Added", "- pl"
    )
    assert parts(imported) == (["de", "no", "uk", "pl"], ["no"], [])
    assert imported.endswith("\n\n## Added\n\n- uk: added\n- pl\n\n## Imported\n\n- de: imported\n")
    alone = another(imported, more, labels("no"), "Alone", "no", "de", "uk", "pl", "macro")
    front, body = split_front_matter(alone)
    assert "multilingual" in split_front_matter(imported)[0]["tags"]
    assert (front["language"], "multilingual" in front["tags"]) == (["no"], False)
    assert "1 language (no)." in body
    assert "| macro |" not in body
    again = another(alone, labels("no"), labels("no", "fi"), "Added", "- fi: added")
    assert "2 languages (no, fi)." in again
    assert split_front_matter(again)[0]["tags"][-1] == "multilingual"


def test_a_folder_without_a_card_gets_one() -> None:
    text = card_of_another(
        "# model\n", tiny.recipe(), labels("de"), labels("de", "no"), heading="Added", said="- no"
    )
    front, body = split_front_matter(text)
    assert (front["language"], front["license"]) == (["de", "no"], "unknown")
    assert body == "# model\n\n## Added\n\n- no\n"
