"""Every bad text and corpus that we promise to meet, end to end: it works, or ends in one message with file and line.

One mistake of the user's, one message, exit status 2, no traceback, nothing lost. What tests/cli asserts is not
repeated here: bad lines and bad bytes given to `mere extract`, a byte order mark, CRLF (cli/test_extract.py); usage,
--debug (cli/test_start.py); unknown languages and relations, a missing corpus, a missing split for `mere evaluate`
(cli/test_verbs.py); `mere check` on what is missing or broken (data/test_check_cli.py). Each fault of a corpus line
has its words in data/test_jsonl.py; recipes, runs, models and full disks are in test_bad_runs.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mere.data.pieces import HashedUnits
from tests.command import BORN, GOOD, SEEN, mere, refused, row, short_recipe, train, worked, write


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return short_recipe(tmp_path)


MEGABYTE = "Donaudampfschifffahrtsgesellschaft " * 30_000

STRANGE = {
    "nothing": "",
    "white-space": " \t\u3000\u2028\r\n",
    "NUL and control characters": "Ada\x00\x01\x1f\x1b[31m kam\x7f aus Wien\x0c.",
    "emoji with ZWJ": "👩‍👩‍👧‍👦 Ada 🏳️‍🌈 kam aus 👋🏽Wien.",
    "combining marks": "A\u0301da kam aus Wi\u0308e\u0301n\u0323.",
    "marks without a letter": "\u0301\u0301 Ada \u0301 Wien",
    "right to left with Latin": "وُلد Ada في Wien \u202bشلום\u202c 1984.",
    "CRLF": "Ada kam.\r\nAus Wien.\r\n",
    "a BOM": "\ufeffAda kam aus \ufeffWien.",
    "zero width": "A\u200bd\u200ca \u2060kam\u00adaus Wien",
    "the last code point": "Ada \U0010ffff\ue000\ufffe Wien",
    "one long word": "Wien" * 2_000,
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strange_texts_are_read(tiny_model: Path, text: str) -> None:
    line = json.dumps({"text": text}).encode()
    done = worked(mere("extract", tiny_model, "--input", "jsonl", "--threshold", 0, stdin=line))
    record = json.loads(done.stdout_bytes)
    assert record["text"] == text
    mentions = [*record["entities"], *(t[role] for t in record["triples"] for role in ("subject", "object"))]
    assert all(text[m["start"] : m["end"]] == m["text"] for m in mentions)


def test_a_megabyte_in_one_line_is_read_to_its_end(tiny_model: Path) -> None:
    text = MEGABYTE + "kam an. Hans Reinhold wurde in Rostock geboren."
    assert len(text) > 2**20
    done = worked(mere("extract", tiny_model, "--lang", "de", stdin=text.encode()))
    record = json.loads(done.stdout_bytes)
    assert record["text"] == text
    assert "30003 units, read in" in record["notes"][0]
    assert record["triples"][-1]["object"] == {
        "start": len(text) - 16,
        "end": len(text) - 9,
        "text": "Rostock",
    }


def test_strange_texts_are_trained_on_and_scored(recipe: Path, tmp_path: Path) -> None:
    rows = [row(text) for text in STRANGE.values()]
    facts = [("Ada", "birth-place", "Wien")]
    rows += [row(text, *facts) for text in STRANGE.values() if "Ada" in text and "Wien" in text]
    for split in ("train", "dev", "test"):
        write(tmp_path / "corpus" / f"de.{split}.jsonl", *rows)
    worked(train(recipe, tmp_path / "corpus"))
    done = worked(
        mere("evaluate", tmp_path / "run" / "model", tmp_path / "corpus", "--json", "--no-intervals")
    )
    assert json.loads(done.stdout)["sentences"] == {"de": len(rows)}


# What a corpus file holds, what is said of it after its name, and whether that is one of its lines.
BAD_CORPORA: dict[str, tuple[list[dict[str, Any] | bytes], str]] = {
    "invalid UTF-8": ([GOOD[0], b'{"lang": "de", "text": "gr\xfcn"}'], ":2: byte 27"),
    "JSON cut in half": ([GOOD[0], b'{"lang": "de", "te'], ":2: the JSON ends too early"),
    "a lone surrogate": ([GOOD[0], b'{"lang": "de", "text": "a\\ud83d"}'], ":2: a lone surrogate, U+D83D"),
    "an offset beyond the end": (
        [GOOD[0], GOOD[1], row(entities=[{"start": 0, "end": 58}])],
        ":3: entity 1 ends at 58 but the text has 17 characters",
    ),
    "an inverted offset": (
        [row(entities=[{"start": 5, "end": 2}])],
        ":1: entity 1 starts at 5, after its end at 2",
    ),
    "an empty file": ([], ": the file holds no sentence"),
    "blank lines only": ([b"", b"  "], ": the file holds no sentence"),
}


@pytest.mark.parametrize(("lines", "said"), BAD_CORPORA.values(), ids=BAD_CORPORA.keys())
def test_a_bad_corpus_is_refused_by_every_verb(
    recipe: Path, tiny_model: Path, tmp_path: Path, lines: list[Any], said: str
) -> None:
    corpus = tmp_path / "corpus"
    bad = write(corpus / "de.train.jsonl", *lines)
    write(corpus / "pl.train.jsonl", row("Ada w Wien", BORN, lang="pl"))
    message = refused(train(recipe, corpus), f"Error: {bad}{said}")
    assert f"Run: mere check {corpus}" in message
    assert message.splitlines()[-1].startswith(("Error: ", "Run: mere "))
    assert not (tmp_path / "run").exists()
    refused(mere("evaluate", tiny_model, corpus, "--split", "train"), f"Error: {bad}{said}")
    checked = mere("check", corpus)
    assert checked.exit_code == 1
    assert said.removeprefix(":").split(":")[-1].strip()[:20] in " ".join(checked.stdout.split())


def test_an_empty_corpus(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(
        train(recipe, tmp_path / "empty"), "empty: no corpus files in this folder. Expected <lang>.<split>"
    )
    refused(train(recipe, tmp_path / "nowhere"), "nowhere: no such file or folder.")
    write(tmp_path / "silent" / "de.train.jsonl", row("Nichts."), row("Wieder nichts."))
    refused(train(recipe, tmp_path / "silent"), "no triple in the split train", "Run: mere check")
    blank = row(
        "  ", triples=[{"subject": {"start": 0, "end": 1}, "relation": "r", "object": {"start": 1, "end": 2}}]
    )
    write(tmp_path / "blank" / "de.train.jsonl", blank)
    refused(train(recipe, tmp_path / "blank"), "none of 1 sentences has a visible character")
    write(tmp_path / "dev" / "de.dev.jsonl", *GOOD)
    refused(train(recipe, tmp_path / "dev"), 'the corpus has no split "train".', "Splits found: dev")
    assert not (tmp_path / "run").exists()


def test_a_megabyte_in_one_sentence_is_no_sentence(recipe: Path, tiny_model: Path, tmp_path: Path) -> None:
    for split in ("train", "dev"):
        folder = tmp_path / split
        write(folder / "de.train.jsonl", *GOOD)
        long = write(
            folder / f"pl.{split}.jsonl", row("Ada w Wien", BORN, lang="pl"), row(MEGABYTE, lang="pl")
        )
        said = f'sentence "pl.{split}:2" (pl) has 30,000 pieces; this encoder reads at most {HashedUnits.longest:,}'
        refused(train(recipe, folder), said, "Split it into sentences.")
        said = "text 2 ('Donaudampfschifffahrtsgesellschaft Donau' …) has 30,000 pieces"
        refused(mere("evaluate", tiny_model, long, "--split", split), said)


SMALL_CORPORA: dict[str, dict[str, list[dict[str, Any]]]] = {
    "one language": {"de.train.jsonl": GOOD, "de.dev.jsonl": GOOD},
    "one sentence": {"de.train.jsonl": GOOD[:1]},
    "a label seen once": {"de.train.jsonl": [GOOD[0]] * 9 + [GOOD[1]], "de.dev.jsonl": GOOD},
    "no dev split": {"de.train.jsonl": GOOD, "pl.train.jsonl": [row("Ada w Wien", BORN, lang="pl")]},
    "a language without triples": {"de.train.jsonl": GOOD, "pl.train.jsonl": [row("Nic.", lang="pl")]},
    "dev has a language and a relation of its own": {
        "de.train.jsonl": GOOD,
        "pl.dev.jsonl": [row("Ada je Wien", ("Ada", "eats", "Wien"), lang="pl")],
    },
    "dev states nothing": {"de.train.jsonl": GOOD, "de.dev.jsonl": [row("Nichts.")]},
    "dev is white space": {"de.train.jsonl": GOOD, "de.dev.jsonl": [row("Nichts."), row(" ")]},
    "nothing is covered": {"de.train.jsonl": [{**GOOD[0], "relations_covered": []}, *GOOD]},
    "nothing is complete": {"de.train.jsonl": [{**one, "complete": False} for one in GOOD]},
    "subject and object are one mention": {"de.train.jsonl": [row(SEEN, ("Ada", "knows", "Ada"))]},
}


@pytest.mark.parametrize("files", SMALL_CORPORA.values(), ids=SMALL_CORPORA.keys())
def test_small_and_lopsided_corpora_are_trained_on(
    recipe: Path, tmp_path: Path, files: dict[str, list[dict[str, Any]]]
) -> None:
    for name, rows in files.items():
        write(tmp_path / "corpus" / name, *rows)
    model = tmp_path / "run" / "model"
    assert worked(train(recipe, tmp_path / "corpus")).stdout == f"{model}\n"
    done = worked(mere("extract", model, "--threshold", 0, stdin=f"{SEEN}\n".encode()))
    assert json.loads(done.stdout)["text"] == SEEN


def test_entities_without_types_are_nothing_to_learn_for_the_task_entities(
    recipe: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    ada, wien = ({"start": SEEN.index(m), "end": SEEN.index(m) + len(m)} for m in ("Ada", "Wien"))
    write(corpus / "de.train.jsonl", row(entities=[{**ada, "type": "PER"}, wien]))
    entities = ("--set", "task=entities")
    message = refused(train(recipe, corpus, *entities), f"{corpus}: no source whose entities all have types")
    assert "Map mentions without a type: data.types={'*': ENTITY}" in message
    wrong = train(recipe, corpus, *entities, "--set", "data.types={PERS: PERSON}")
    refused(wrong, 'data.types: no entity has the type "PERS". Did you mean "PER"? There are: PER.')
    assert not (tmp_path / "run").exists()
    worked(train(recipe, corpus, *entities, "--set", "data.types={'*': ENTITY}"))
    labels = json.loads((tmp_path / "run" / "model" / "labels.json").read_text(encoding="utf-8"))
    assert labels["types"] == ["ENTITY"]
