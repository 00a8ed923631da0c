"""`check`: each fault, planted alone in a clean corpus, is found with its count, its place and its weight."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mere.data.check import CheckReport, check
from mere.data.check.catalogue import CATALOGUE
from mere.data.surface import inside_character, inside_word
from mere.errors import DataError

Write = Callable[[dict[str, list[Any]]], Path]


def sentence(
    lang: str, subject: str, verb: str, object_: str, relation: str | None = "r1", **more: Any
) -> dict[str, Any]:
    """A sentence "subject verb object." with its two mentions, and a triple unless `relation` is None."""
    text = f"{subject} {verb} {object_}."
    end = len(text) - 1
    spans = {
        "subject": {"start": 0, "end": len(subject)},
        "object": {"start": end - len(object_), "end": end},
    }
    triples = [{**spans, "relation": relation}] if relation else []
    return {"lang": lang, "text": text, "entities": list(spans.values()), "triples": triples, **more}


def training(lang: str, count: int = 6, relation: str = "r1") -> list[dict[str, Any]]:
    return [sentence(lang, f"Ada{i}{lang}", "kennt", f"Wien{i}{lang}", relation) for i in range(count)]


def report_of(write: Write, files: dict[str, list[Any]], **options: Any) -> CheckReport:
    return check([write(files)], **options)


def rendered(report: CheckReport, width: int = 100) -> str:
    out = StringIO()
    report.render(Console(file=out, width=width))
    return out.getvalue()


def test_a_clean_corpus_has_nothing_to_complain_of(corpus_dir: Write) -> None:
    files = {"de.train.jsonl": training("de"), "de.test.jsonl": [sentence("de", "Jan", "sah", "Graz")]}
    report = report_of(corpus_dir, files)
    assert report.findings == ()
    assert report.exit_status == 0
    assert report.sizes == {"test": {"de": 1}, "train": {"de": 6}}
    assert report.relations == {"r1": {"test": {"de": 1}, "train": {"de": 6}}}
    assert "7 sentences, 1 language, 2 files: nothing to complain of" in rendered(report)


ONE = {"start": 0, "end": 3}
HINDI = "किताब अच्छी है"
PLANTED: list[tuple[str, str, int, list[Any]]] = [
    ("relation-not-covered", "error", 1, [sentence("de", "Jan", "sah", "Graz", relations_covered=["other"])]),
    ("empty-text", "warning", 2, [{"lang": "de", "text": ""}, {"lang": "de", "text": " \n"}]),
    ("repeated-id", "warning", 1, [sentence("de", x, "sah", "Graz", id="7") for x in ("Jan", "Eva")]),
    ("other-language", "warning", 1, [sentence("pl", "Jan", "zna", "Gdynię")]),
    (
        "mention-white-space",
        "warning",
        1,
        [{"lang": "de", "text": "Ada ist da", "entities": [{"start": 0, "end": 4}]}],
    ),
    (
        "self-relation",
        "warning",
        1,
        [
            {
                "lang": "de",
                "text": "Ada ist da",
                "triples": [{"subject": ONE, "relation": "r1", "object": ONE}],
            }
        ],
    ),
    (
        "repeated-triple",
        "warning",
        1,
        [{**(row := sentence("de", "Jan", "sah", "Graz")), "triples": row["triples"] * 2}],
    ),
    ("bad-characters", "warning", 1, [sentence("de", "J\ufffdn", "sah", "Graz")]),
    (
        "markup",
        "warning",
        2,
        [sentence("de", "Jan", "&amp;", "Graz"), sentence("de", "Eva", "<br/>", "Graz")],
    ),
    (
        "type-is-mention",
        "warning",
        1,
        [{"lang": "de", "text": "Ada ist da", "entities": [{**ONE, "type": "Ada"}]}],
    ),
    ("cut-character", "warning", 1, [{"lang": "de", "text": HINDI, "entities": [{"start": 0, "end": 1}]}]),
    ("rare-relation", "warning", 1, [sentence("de", "Jan", "sah", "Graz", "r2")]),
    ("near-labels", "warning", 1, training("de", 5, "R_1")),
    (
        "incomplete-several",
        "warning",
        1,
        [{**row, "triples": [row["triples"][0], {**row["triples"][0], "relation": "r3"}], "complete": False}],
    ),
    ("no-relation-rows", "note", 1, [sentence("de", "Jan", "sah", "Graz", None, complete=False)]),
    ("inside-word", "note", 1, [{"lang": "de", "text": "Adas Haus", "entities": [ONE]}]),
    (
        "inside-word-triples",
        "note",
        1,
        [
            {
                "lang": "de",
                "text": "Adas Haus",
                "triples": [{"subject": ONE, "relation": "r1", "object": {"start": 5, "end": 9}}],
            }
        ],
    ),
    (
        "same-span",
        "note",
        1,
        [{"lang": "de", "text": "Ada ist da", "entities": [{**ONE, "type": "A"}, {**ONE, "type": "B"}]}],
    ),
    ("control-characters", "note", 1, [sentence("de", "Jan", "sah\x00", "Graz")]),
    ("long", "note", 1, [sentence("de", "Jan", "sah " * 300, "Graz")]),
    (
        "partial-coverage",
        "note",
        1,
        [
            sentence("de", "Jan", "sah", "Graz", "r1", relations_covered=["r1"], source="half"),
            sentence("de", "Eva", "sah", "Graz", "r2"),
        ],
    ),
    (
        "mixed-sources",
        "note",
        3,
        [sentence("de", "Jan", "sah", "Graz", source="a"), sentence("de", "Eva", "sah", "Graz", source="b")],
    ),
    (
        "duplicate",
        "warning",
        2,
        [
            sentence("de", "Jan", "sah", "Graz"),
            sentence("de", "JAN", "sah ", "Graz"),
            sentence("de", "Jan", "sah", "Graz"),
        ],
    ),
    (
        "contradiction",
        "warning",
        2,
        [sentence("de", "Jan", "sah", "Graz"), sentence("de", "Jan", "sah", "Graz", None)],
    ),
    (
        "one-pair-rows",
        "note",
        2,
        [sentence("de", "Jan", "sah", "Graz", relation, complete=False) for relation in ("r1", None)],
    ),
    (
        "keys-not-kept",
        "warning",
        1,
        [{"lang": "de", "text": "Ada ist da", "entities": [{**ONE, "kb": "Q1"}]}],
    ),
    ("offset-beyond-end", "error", 1, [{"lang": "de", "text": "Ada", "entities": [{"start": 0, "end": 4}]}]),
    ("json-cut", "error", 1, ['{"lang": "de", ']),
    ("not-utf8", "error", 0, []),
]


@pytest.mark.parametrize(("code", "weight", "count", "planted"), PLANTED, ids=[case[0] for case in PLANTED])
def test_a_planted_fault_is_found(
    corpus_dir: Write, code: str, weight: str, count: int, planted: list[Any]
) -> None:
    folder = corpus_dir({"de.train.jsonl": [*training("de"), *planted]})
    if code == "not-utf8":
        count = 1
        with (folder / "de.train.jsonl").open("ab") as out:
            out.write(b'{"lang": "de", "text": "\xff"}\n')
    report = check([folder])
    finding = report.finding(code)
    assert finding is not None
    assert (finding.weight, finding.count) == (weight, count)
    assert sum(finding.by.values()) == count
    assert report.exit_status == (1 if weight == "error" else 0)
    assert finding.meaning
    assert f"[{code}]" in rendered(report)
    if weight == "error":
        assert "de.train.jsonl" in finding.examples[0]


def test_reading_errors_are_shown_with_file_line_and_cure(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": [*training("de"), '{"lang": "de"}']})
    shown = rendered(check([folder]), width=250)
    assert 'de.train.jsonl:7: the key "text" is missing. Keys found: "lang".' in shown
    assert "Errors must be mended before training." in shown


def test_labels_that_cannot_be_learnt_or_tested(corpus_dir: Write) -> None:
    files = {
        "de.train.jsonl": [*training("de"), *training("de", 5, "only-train")[:5]],
        "pl.train.jsonl": [sentence("pl", "Jan", "zna", "Gdynię", "r1")],
        "de.test.jsonl": [
            sentence("de", "Jan", "sah", "Graz", "r1"),
            sentence("de", "Jan", "war", "Graz", "new"),
        ],
        "pl.dev.jsonl": [
            sentence("pl", "Ewa", "ma", "Łódź", "only-train-de"),
            sentence("pl", "Ola", "ma", "Hel"),
        ],
    }
    files["de.train.jsonl"] += [
        sentence("de", f"Ute{i}", "mag", f"Ulm{i}", "only-train-de") for i in range(5)
    ]
    report = report_of(corpus_dir, files)
    assert dict(report.finding("unlearnable-relation").by) == {"new": 1}
    assert dict(report.finding("never-tested").by) == {"only-train": 1}
    assert dict(report.finding("zero-shot").by) == {"pl": 1}
    assert report.finding("rare-in-language").examples == ("pl: r1 1",)


def test_mixed_normalisation_is_a_matter_of_the_language(corpus_dir: Write) -> None:
    nfd = [sentence("de", unicodedata.normalize("NFD", f"Zoë{i}"), "mag", "Ulm") for i in range(3)]
    alone = report_of(corpus_dir, {"a/de.train.jsonl": nfd})
    assert alone.finding("mixed-normalisation") is None, "all are alike"
    mixed = check(
        [
            corpus_dir({"b/de.train.jsonl": nfd, "b/de.test.jsonl": [sentence("de", "Zoë", "sah", "Graz")]})
            / "b"
        ]
    )
    assert dict(mixed.finding("mixed-normalisation").by) == {"de.train.jsonl": 3}


def test_tokenised_sources(corpus_dir: Write) -> None:
    spaced = [{"lang": "de", "text": f"Ada{i} , sagt er , ist da .", "source": "old"} for i in range(4)]
    plain = [{"lang": "de", "text": f"Jan{i}, sagt er, ist da.", "source": "new"} for i in range(4)]
    report = report_of(corpus_dir, {"de.train.jsonl": spaced + plain})
    assert dict(report.finding("tokenised").by) == {"de old": 4}
    assert {row.source: row.tokenised for row in report.sources} == {"new": 0.0, "old": 1.0}


def test_sources_are_counted(corpus_dir: Write) -> None:
    rows = [
        sentence("de", "Jan", "sah", "Graz", source="a", relations_covered=["r1", "r2"]),
        sentence("de", "Eva", "sah", "Graz", None, source="a", complete=False, relations_covered=["r1"]),
    ]
    (row,) = report_of(corpus_dir, {"de.dev.jsonl": rows}).sources
    assert (row.sentences, row.triples, row.relations, row.covered) == ({"dev": 2}, 1, 1, 2)
    assert (row.complete, row.without_triple) == (0.5, 0.5)


def test_smiler_repairs_and_refusals_are_reported(corpus_dir: Write) -> None:
    rows = ["1\tAda\tWien\tr1\t<e1>Ada</e1> mag <e2>Wien", "2\tAda\tRom\tr1\tAda mag Wien", "3\tAda"]
    report = report_of(corpus_dir, {"de_corpora_train.tsv": rows})
    assert dict(report.finding("repaired").by) == {"close tag added": 1}
    assert report.finding("smiler-not-in-text").weight == "warning"
    assert report.finding("columns").weight == "error"


def test_languages_and_user_mistakes(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": training("de"), "pl.train.jsonl": training("pl")})
    assert check([folder], languages=["pl"]).sizes == {"train": {"pl": 6}}
    with pytest.raises(DataError, match=r'no sentence in the language "pll".* Did you mean "pl"'):
        check([folder], languages=["pll"])
    with pytest.raises(DataError, match="no such file"):
        check([folder / "fr.train.jsonl"])


def test_an_empty_corpus_is_an_error(corpus_dir: Write) -> None:
    report = report_of(corpus_dir, {"de.train.jsonl": []})
    assert [finding.code for finding in report.errors] == ["empty-file"]
    assert rendered(report)


def test_the_json_holds_everything(corpus_dir: Write) -> None:
    files = {
        "de.train.jsonl": [*training("de"), '{"', sentence("de", "Jan", "&amp;", "Graz", "r2", source="a")]
    }
    report = report_of(corpus_dir, files)
    record = json.loads(json.dumps(report.to_json()))
    found = {finding["code"] for weight in ("errors", "warnings", "notes") for finding in record[weight]}
    assert found == {finding.code for finding in report.findings} >= {"json-cut", "markup", "rare-relation"}
    assert record["relations"]["r1"]["train"] == {"de": 6}
    assert {row["source"] for row in record["sources"]} == {"–", "a"}


def test_weightiest_first(corpus_dir: Write) -> None:
    report = report_of(corpus_dir, {"de.train.jsonl": [sentence("de", "Jans", "&amp;", "Graz", "r2"), "{"]})
    weights = [finding.weight for finding in report.findings]
    assert weights == sorted(weights, key=["error", "warning", "note"].index)
    known = [list(CATALOGUE).index(f.code) for f in report.findings if f.code in CATALOGUE]
    assert known == sorted(known)


@pytest.mark.parametrize(
    ("text", "position", "word", "character"),
    [
        ("блогер", 4, True, False),
        ("Ada mag", 3, False, False),
        ("Ada", 0, False, False),
        ("Ada", 3, False, False),
        ("東京都", 2, False, False),  # no spaces between words: nothing to be inside of
        ("ภาษาไทย", 4, False, False),
        ("서울에", 2, True, False),
        ("e\u0301t", 1, True, True),
        ("कि", 1, True, True),
        ("👩\u200d👧", 1, False, True),
    ],
)
def test_borders(text: str, position: int, word: bool, character: bool) -> None:
    assert inside_word(text, position) is word
    assert inside_character(text, position) is character
