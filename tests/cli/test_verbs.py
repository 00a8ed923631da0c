"""`mere evaluate` and `mere quickstart`: tables or JSON on stdout, talk on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mere.cli import app


def row(text: str, subject: str, relation: str, object_: str, lang: str) -> dict[str, Any]:
    def span(mention: str) -> dict[str, int]:
        return {"start": text.index(mention), "end": text.index(mention) + len(mention)}

    triple = {"subject": span(subject), "relation": relation, "object": span(object_)}
    return {
        "id": text,
        "lang": lang,
        "text": text,
        "entities": [span(subject), span(object_)],
        "triples": [triple],
    }


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows = [
        row("Ada Byron wurde in London geboren.", "Ada Byron", "birth-place", "London", "de"),
        row("Bo kam in Ulm zur Welt.", "Bo", "birth-place", "Ulm", "de"),
    ]
    for split in ("train", "test"):
        (tmp_path / f"de.{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    odd = row("Eva jag Ove.", "Eva", "eats", "Ove", "sv")
    (tmp_path / "sv.test.jsonl").write_text(json.dumps(odd) + "\n")
    return tmp_path


def test_evaluate_prints_json(untrained_model: Path, corpus: Path) -> None:
    done = CliRunner().invoke(
        app, ["evaluate", str(untrained_model), str(corpus), "--json", "--no-intervals"]
    )
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["split"] == "test"
    assert record["sentences"] == {"de": 2, "sv": 1}
    assert {"triple_f1/strict", "entity_f1/strict", "relation_f1"} <= set(record["metrics"])
    assert "languages the model was not trained on, scored on its universal path: sv" in done.stderr
    assert "relations the model does not know, counted as missed: eats" in done.stderr


def test_evaluate_prints_tables(untrained_model: Path, corpus: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(untrained_model), str(corpus)])
    assert done.exit_code == 0, done.stderr
    assert "de" in done.stdout
    assert "3 sentences in" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--split", "tset"], 'no split "tset". Did you mean "test"?'),
        (["nowhere"], "nowhere: no such file or folder"),
    ],
)
def test_evaluate_names_what_is_wrong(
    untrained_model: Path, corpus: Path, args: list[str], message: str
) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(untrained_model), str(corpus), *args])
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_quickstart_writes_the_corpus_that_check_reads(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path / "corpus")])
    assert done.exit_code == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert all(path.is_file() for path in written)
    assert {path.name for path in written} >= {"de.train.jsonl", "en.test.jsonl"}
    assert "Next: mere check" in done.stderr


def test_the_written_corpus_is_the_one_that_recipes_train_on(tmp_path: Path) -> None:
    from mere.data.corpora import quickstart_corpus
    from mere.data.corpus import Corpus

    assert CliRunner().invoke(app, ["quickstart", "--out", str(tmp_path)]).exit_code == 0
    assert Corpus.load(tmp_path).sizes() == quickstart_corpus().sizes()


@pytest.mark.parametrize("verb", ["compare", "analyze", "add-language"])
def test_a_verb_of_one_process_refuses_several(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    given = [str(tmp_path), str(tmp_path), "--lang", "uk"] if verb == "add-language" else [str(tmp_path)]
    result = CliRunner().invoke(app, [verb, *given, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert f"mere {verb} runs in one process" in result.stderr
