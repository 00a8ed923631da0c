"""Exports of doccano, Prodigy and Label Studio as their documentation and users show them."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mere.data.formats import doccano, label_studio, prodigy
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Reading
from mere.data.formats.tally import Tally
from mere.types import Sentence
from tests.data.formats.projection import ending_of

TEXT = "🚒 Ada lebt in Graz."  # code points 2:5 and 14:18, UTF-16 units 3:6 and 15:19
NAMES = [("Ada", "PER"), ("Graz", "LOC")]


def read(
    module: ModuleType, folder: Path, *rows: Any, lang: str | None = "de"
) -> tuple[list[Sentence], Tally, list[Problem]]:
    path = folder / f"export{ending_of(module)}"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text(f"[{','.join(lines)}]" if module is label_studio else "\n".join(lines), encoding="utf-8")
    tally, problems = Tally(), list[Problem]()
    sentences = list(module.read(path, problems, reading=Reading(lang=lang), tally=tally))
    return sentences, Tally(+tally.repaired, +tally.left_out, +tally.lost), problems


def names(sentence: Sentence) -> list[tuple[str, str | None]]:
    return [(entity.text, entity.type) for entity in sentence.entities]


def facts(sentence: Sentence) -> list[tuple[str, str, str]]:
    return [(triple.subject.text, triple.relation, triple.object.text) for triple in sentence.triples]


@pytest.mark.parametrize("key", ["label", "labels"])
@pytest.mark.parametrize(("shift", "repaired"), [(1, 0), (0, 1)])
def test_doccano_spans_in_either_unit(tmp_path: Path, key: str, shift: int, repaired: int) -> None:
    spans = [[2 + shift, 5 + shift, "PER"], [14 + shift, 18 + shift, "LOC"]]
    (sentence,), tally, problems = read(
        doccano, tmp_path, {"id": 7, "text": TEXT, key: spans, "mood": "good"}
    )
    assert names(sentence) == NAMES
    assert (sentence.id, sentence.relations_covered, sentence.extra) == ("7", frozenset(), {"mood": "good"})
    assert tally.repaired.total() == repaired
    assert not problems


def test_doccano_relations(tmp_path: Path) -> None:
    entities = [
        {"id": 31, "label": "PER", "start_offset": 3, "end_offset": 6},
        {"id": 32, "label": "LOC", "start_offset": 15, "end_offset": 19},
    ]
    relations = [
        {"id": 1, "from_id": 31, "to_id": 32, "type": "lives-in"},
        {"id": 2, "from_id": 31, "to_id": 99, "type": "lives-in"},
    ]
    row = {"id": 1, "text": TEXT, "entities": entities, "relations": relations, "Comments": []}
    (sentence,), tally, _ = read(doccano, tmp_path, row)
    assert names(sentence) == NAMES
    assert facts(sentence) == [("Ada", "lives-in", "Graz")]
    assert sentence.relations_covered is None
    assert tally.lost == {"relations of entities that are not there": 1}


def prodigy_task(**more: Any) -> dict[str, Any]:
    head = {"start": 2, "end": 5, "token_start": 1, "token_end": 1, "label": "PER"}
    child = {"start": 14, "end": 18, "token_start": 4, "token_end": 4, "label": "LOC"}
    relation = {
        "head": 1,
        "child": 4,
        "head_span": head,
        "child_span": child,
        "color": "#fff",
        "label": "lives-in",
    }
    task = {
        "text": TEXT,
        "_input_hash": 1,
        "spans": [head, child],
        "relations": [relation],
        "answer": "accept",
    }
    return task | more


def test_prodigy_answers_are_respected(tmp_path: Path) -> None:
    answers = ["accept", "reject", "ignore", "accept"]
    tasks = [prodigy_task(answer=answer, meta={"n": n}) for n, answer in enumerate(answers)]
    sentences, tally, problems = read(prodigy, tmp_path, *tasks, prodigy_task(answer="perhaps"))
    assert [sentence.extra["meta"]["n"] for sentence in sentences] == [0, 3]
    assert tally.left_out == {"tasks rejected": 1, "tasks ignored": 1}
    assert [problem.code for problem in problems] == ["prodigy-answer"]
    assert names(sentences[0]) == NAMES
    assert facts(sentences[0]) == [("Ada", "lives-in", "Graz")]


def test_prodigy_binary_tasks_say_nothing_of_other_spans(tmp_path: Path) -> None:
    task = prodigy_task(_view_id="ner", relations=None)
    (binary, manual), _, _ = read(prodigy, tmp_path, task, task | {"_view_id": "ner_manual"})
    assert (binary.complete, manual.complete) == (False, True)
    assert manual.relations_covered == frozenset()


def region(id_: str, start: int, end: int, *labels: str, **value: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": list(labels), **value}
    return {"id": id_, "type": "labels", "from_name": "label", "to_name": "text", "value": value}


def task(*results: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": 5, "data": {"text": TEXT} | data, "annotations": [{"result": list(results)}]}


def arrow(direction: str, *labels: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": "a", "to_id": "b", "direction": direction, "labels": list(labels)}


@pytest.mark.parametrize(("shift", "repaired"), [(1, 0), (0, 1)])
def test_label_studio_in_the_unit_of_either_version(tmp_path: Path, shift: int, repaired: int) -> None:
    first = region("a", 2 + shift, 5 + shift, "PER", text="Ada")
    second = region("b", 14 + shift, 18 + shift, "LOC", text="Graz")
    (sentence,), tally, problems = read(
        label_studio, tmp_path, task(first, second, arrow("right", "lives-in"))
    )
    assert names(sentence) == NAMES
    assert facts(sentence) == [("Ada", "lives-in", "Graz")]
    assert tally.repaired.total() == repaired
    assert (sentence.id, problems) == ("5", [])


def test_label_studio_without_stated_texts_counts_utf16(tmp_path: Path) -> None:
    (sentence,), _, _ = read(label_studio, tmp_path, task(region("a", 3, 6, "PER", "HUMAN")))
    assert names(sentence) == [("Ada", "PER"), ("Ada", "HUMAN")]


def test_label_studio_counts_what_it_cannot_take(tmp_path: Path) -> None:
    first, second = region("a", 3, 6, "PER"), region("b", 15, 19)
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    full = task(
        first, second, choice, arrow("left", "home-of", "city-of"), arrow("bi", "knows"), arrow("right")
    )
    full["predictions"] = [{"result": []}]
    truth = {"result": [region("a", 3, 6, "PER")], "ground_truth": True}
    several = task() | {
        "annotations": [{"result": []}, truth, {"result": [], "was_cancelled": True}, {"result": []}]
    }
    skipped = task() | {"annotations": [{"result": [], "was_cancelled": True}]}
    sentences, tally, problems = read(
        label_studio, tmp_path, full, several, skipped, task() | {"annotations": []}
    )
    assert [len(sentence.entities) for sentence in sentences] == [2, 1]
    assert names(sentences[0])[1] == ("Graz", None)
    both = [("Graz", "home-of", "Ada"), ("Graz", "city-of", "Ada"), ("Ada", "knows", "Graz")]
    assert facts(sentences[0]) == both
    assert tally.left_out == {"tasks that were skipped": 1, "tasks that nobody annotated": 1}
    assert tally.lost == {
        "predictions": 1,
        "results of type choices": 1,
        "relations of both directions, read as from the first to the second": 1,
        "relations without a label": 1,
        "further annotations of a task": 2,
    }
    assert not problems


@pytest.mark.parametrize(
    ("module", "row", "message"),
    [
        (doccano, {"text": "Ada.", "label": ["positive"]}, '"label" holds labels of whole texts'),
        (
            doccano,
            {"text": "Ada.", "mood": 1},
            'neither "label" nor "entities" has a list (keys: "text", "mood")',
        ),
        (doccano, {"text": "Ada.", "label": [[0, 9, "PER"]]}, "ends at 9 but the text has 4 characters"),
        (
            doccano,
            {"text": "Ada.", "entities": [{"start": 0}], "relations": []},
            "start_offset and end_offset",
        ),
        (prodigy, {"image": "x.png", "spans": []}, "a task of image; spans in a text were expected"),
        (prodigy, {"text": "Ada.", "label": "GOOD", "answer": "accept"}, "labels of a whole text (no spans)"),
        (prodigy, {"text": "Ada.", "spans": [{"start": 0, "label": "PER"}]}, '"end" is missing'),
        (label_studio, {"text": "Ada."}, 'the key "data" is missing'),
        (label_studio, task(region("a", 3, 99, "PER")), "entity 1 ends at 98 but the text has 19 characters"),
        (
            label_studio,
            task(region("a", 3, 6, "PER", text="Bo")),
            "entity 1 says 'Bo' but the text at 2:5 is 'Ada'",
        ),
        (
            label_studio,
            {
                "data": {"image": "x.png"},
                "annotations": [{"result": [{"type": "rectanglelabels", "value": {}}]}],
            },
            "task 1: the export is of images; spans in a text were expected",
        ),
        (
            label_studio,
            {"data": {"image": "x.png"}, "annotations": [{"result": []}]},
            "the export is of images",
        ),
        (label_studio, task({"type": "hypertextlabels", "value": {}}), "the export is of HTML"),
        (
            label_studio,
            task(title="x") | {"data": {"one": "x", "two": "y"}},
            "which key of its data holds the text",
        ),
    ],
)
def test_other_exports_are_refused(
    tmp_path: Path, module: ModuleType, row: dict[str, Any], message: str
) -> None:
    sentences, _, problems = read(module, tmp_path, row)
    assert sentences == []
    assert message in str(problems[0])


@pytest.mark.parametrize("module", [doccano, prodigy])
def test_a_text_without_language_says_how_to_say_it(tmp_path: Path, module: ModuleType) -> None:
    row = {"text": "Ada.", "label": [], "spans": []}
    (problem,) = read(module, tmp_path, row, lang=None)[2]
    assert "no language is known. Say its language, such as de. Run: mere convert" in str(problem)
    assert str(problem).endswith("--lang de")
    assert read(module, tmp_path, row | {"lang": "nl"}, lang=None)[0][0].lang == "nl"


def test_a_label_studio_export_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "de.export.json"
    path.write_text('[{"data": {"text": "Ad')
    problems: list[Problem] = []
    assert list(label_studio.read(path, problems)) == []
    assert "not JSON that can be read" in str(problems[0])
