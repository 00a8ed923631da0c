"""Hugging Face rows as JSON lines and Parquet: names of numbered tags, columns, other types, damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mere.data.formats import hf_jsonl, hf_parquet
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Reading
from mere.data.formats.schemes import Scheme
from mere.data.formats.tally import Tally
from mere.types import Entity, Sentence

NAMES = ["O", "B-PER", "I-PER", "B-LOC"]
TOKENS = ["Ada", "", "Lang", "lebt", "in", "Graz", "."]
ROW = {"id": "7", "tokens": TOKENS, "ner_tags": [1, 2, 2, 0, 0, 3, 0], "pos_tags": [3, 0, 3, 5, 6, 3, 9]}
FOUND = [("Ada Lang", "PER"), ("Graz", "LOC")]


def names(sentence: Sentence) -> list[tuple[str, str | None]]:
    return [(entity.text, entity.type) for entity in sentence.entities]


def jsonl(folder: Path, *rows: Any) -> Path:
    path = folder / "de.train.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def parquet(folder: Path, metadata: dict[str, Any] | None = None, **columns: Any) -> Path:
    path = folder / "de.train.parquet"
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    pq.write_table(table, path, row_group_size=2)
    return path


def test_numbers_with_names_from_the_option_or_the_description_beside_it(tmp_path: Path) -> None:
    path = jsonl(tmp_path, ROW)
    problems: list[Problem] = []
    assert list(hf_jsonl.read(path, problems)) == []
    assert '"ner_tags" holds numbers, and the names that they stand for are not known' in str(problems[0])
    assert "--tag-names O,B-PER" in str(problems[0])
    tally = Tally()
    (sentence,) = hf_jsonl.read(path, None, Reading(tag_names=tuple(NAMES)), tally)
    assert (sentence.text, names(sentence)) == ("Ada Lang lebt in Graz .", FOUND)
    assert sentence.extra == {
        "tokens": [[0, 3], [4, 8], [9, 13], [14, 16], [17, 21], [22, 23]],
        "pos_tags": ROW["pos_tags"],
    }
    assert (sentence.id, sentence.relations_covered) == ("7", frozenset())
    assert +tally.repaired == {"empty tokens left out": 1}
    info = {"features": {"ner_tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "List"}}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    assert names(next(hf_jsonl.read(path))) == FOUND


def test_other_columns_schemes_and_texts(tmp_path: Path) -> None:
    row = {
        "text": "Ada Lang, Graz.",
        "words": ["Ada", "Lang", ",", "Graz", "."],
        "labels": ["I-PER", "I-PER", "-", "I-LOC", "O"],
    }
    path = jsonl(
        tmp_path, row, {"words": ["Ada"], "labels": ["B-PER", "O"]}, {"words": ["Ada"], "labels": ["Z"]}
    )
    problems: list[Problem] = []
    reading = Reading(scheme=Scheme.IOB1, outside=("-",))
    (sentence,) = hf_jsonl.read(path, problems, reading)
    assert (sentence.text, names(sentence)) == ("Ada Lang, Graz.", FOUND)
    assert "2 tags, 1 tokens" in str(problems[0])
    assert '"Z" is no tag of IOB1' in str(problems[1])
    with pytest.raises(
        Exception, match=r"I-PER of token 1 cannot stand there in IOB2\. Say .*: --scheme iob1"
    ):
        list(hf_jsonl.read(path, None, Reading(outside=("-",))))


def test_parquet_names_its_tags(tmp_path: Path) -> None:
    features = {"ner_tags": {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}}
    columns = {key: [value] * 5 for key, value in ROW.items()}
    path = parquet(tmp_path, {"info": {"features": features}}, **columns)
    sentences = list(hf_parquet.read(path))
    assert [names(sentence) for sentence in sentences] == [FOUND] * 5
    assert sentences[0].extra["pos_tags"] == ROW["pos_tags"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"tokens": ["Ada lebt"], "ner_tags": [[0]]},
            'the column "tokens" is of the type string; a list of strings',
        ),
        (
            {"tokens": [["Ada"]], "ner_tags": [[0.5]]},
            "of the type list<element: double>; a list of strings or whole",
        ),
        ({"tokens": [[3]], "ner_tags": [[0]]}, 'the column "tokens" is of the type list<element: int64>'),
        ({"text": ["Ada"]}, 'no column "tokens" (columns: "text"). Name it: --token-column NAME'),
        (
            {"tokens": [["Ada"]], "x": [[0]]},
            'no column "ner_tags" (columns: "tokens", "x"). Name it: --column NAME',
        ),
        ({"tokens": [None], "ner_tags": [["O"]]}, 'row 1: "tokens" is no list of strings: null'),
        ({"tokens": [["Ada"]], "ner_tags": [[9]]}, "the names that they stand for are not known"),
    ],
)
def test_parquet_of_other_types_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    problems: list[Problem] = []
    if columns.get("tokens") == [None]:
        columns = {"tokens": pa.array([None], pa.list_(pa.string())), "ner_tags": columns["ner_tags"]}
    assert list(hf_parquet.read(parquet(tmp_path, **columns), problems)) == []
    assert message in str(problems[0])


@pytest.mark.parametrize("cut", ["end", "start", "middle"])
def test_damaged_parquet_is_told(tmp_path: Path, cut: str) -> None:
    path = parquet(tmp_path, tokens=[["Ada", "lebt"]] * 999, ner_tags=[["B-PER", "O"]] * 999)
    data = path.read_bytes()
    damaged = {"end": data[:-9], "start": b"PAR1", "middle": data[:400] + bytes(9000) + data[9400:]}
    path.write_bytes(damaged[cut])
    problems: list[Problem] = []
    list(hf_parquet.read(path, problems))
    assert "Parquet that is damaged or cut short" in str(problems[-1])


def test_datasets_reads_what_is_written(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    sentence = Sentence(
        "7", "de", "Ada Lang, Graz", (Entity(0, 8, "Ada Lang", "PER"), Entity(10, 14, "Graz", "LOC"))
    )
    hf_parquet.write([sentence], tmp_path / "x.parquet")
    hf_jsonl.write([sentence], tmp_path / "x.jsonl")
    (row,) = data = datasets.Dataset.from_parquet(str(tmp_path / "x.parquet"), cache_dir=str(tmp_path / "c"))
    tags = data.features["ner_tags"].feature
    assert row["tokens"] == ["Ada", "Lang", ",", "Graz"]
    assert [tags.int2str(number) for number in row["ner_tags"]] == ["B-PER", "I-PER", "O", "B-LOC"]
    (line,) = datasets.Dataset.from_json(str(tmp_path / "x.jsonl"), cache_dir=str(tmp_path / "c"))
    assert line["ner_tags"] == ["B-PER", "I-PER", "O", "B-LOC"]
    data.to_parquet(tmp_path / "back.parquet")
    (back,) = hf_parquet.read(tmp_path / "back.parquet")
    assert (back.text, names(back)) == ("Ada Lang, Graz", [("Ada Lang", "PER"), ("Graz", "LOC")])
