"""A corpus from files: names, languages, sizes, labels, the fingerprint, all errors at once."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mere.data.corpus import Corpus
from mere.data.formats import Format, sniff
from mere.errors import DataError
from mere.schema import Labels

Write = Callable[[dict[str, list[Any]]], Path]


def record(lang: str, text: str, relation: str | None = None, **more: Any) -> dict[str, Any]:
    """A sentence whose first and last word are its entities."""
    first, last = text.split()[0], text.split()[-1]
    subject = {"start": 0, "end": len(first), "type": "PER"}
    object_ = {"start": len(text) - len(last), "end": len(text)}
    triples = [{"subject": subject, "relation": relation, "object": object_}] if relation else []
    return {"lang": lang, "text": text, "entities": [subject, object_], "triples": triples, **more}


DE = [record("de", "Ada wohnt in Wien", "lives-in"), record("de", "Jan mag Graz")]
PL = [record("pl", "Ola mieszka w Gdyni", "lives-in"), record("pl", "Jan zna Olę", "knows")]


@pytest.mark.parametrize(
    "names",
    [
        ("de.train.jsonl", "pl.train.jsonl", "pl.test.jsonl"),
        ("de.train.jsonl.gz", "pl.train.jsonl", "pl.validation.jsonl.gz"),
        ("de/train.jsonl", "pl/train.jsonl.gz", "pl/dev.jsonl"),
    ],
)
def test_files_and_folders(corpus_dir: Write, names: tuple[str, str, str]) -> None:
    folder = corpus_dir({names[0]: DE, names[1]: PL, names[2]: PL[:1], "README.md": ["# not a corpus"]})
    corpus = Corpus.load(folder)
    last = "test" if "test" in names[2] else "dev"
    assert corpus.sizes() == {"train": {"de": 2, "pl": 2}, last: {"pl": 1}}
    assert corpus.languages() == ("de", "pl")
    assert corpus.languages(last) == ("pl",)
    assert [s.text for s in corpus.sentences("train", "pl")] == [r["text"] for r in PL]
    assert corpus.sentences(last, "de") == ()
    assert len(corpus.sentences("train")) == 4
    assert corpus.labels() == Labels(("knows", "lives-in"), ("PER",), ("de", "pl"))


def test_labels_are_those_of_training(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": DE, "pl.test.jsonl": PL})
    assert Corpus.load(folder).labels() == Labels(("lives-in",), ("PER",), ("de",))


def test_a_single_file_is_training_unless_its_name_says_otherwise(corpus_dir: Write) -> None:
    folder = corpus_dir({"mine.jsonl": DE, "de.dev.jsonl": DE, "rows": [json.dumps(DE[0])]})
    assert list(Corpus.load(folder / "mine.jsonl").splits) == ["train"]
    assert list(Corpus.load(folder / "de.dev.jsonl").splits) == ["dev"]
    assert Corpus.load(folder / "rows").sizes() == {"train": {"de": 1}}, "told by its first line"


def test_some_languages_and_an_unknown_one(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": DE, "pl.train.jsonl": PL})
    assert Corpus.load(folder, languages=["pl"]).sizes() == {"train": {"pl": 2}}
    with pytest.raises(DataError) as raised:
        Corpus.load(folder, languages=["de", "dee"])
    assert (
        str(raised.value) == 'no sentence in the language "dee". Did you mean "de"? The corpus has: de, pl.'
    )
    with pytest.raises(DataError, match='"fr"'):
        Corpus.load(folder).sentences("train", "fr")
    with pytest.raises(DataError, match=r'no split "dev".*Splits found: train'):
        Corpus.load(folder).sentences("dev")


def test_one_language_is_a_corpus(corpus_dir: Write) -> None:
    assert Corpus.load(corpus_dir({"de.train.jsonl": DE})).languages() == ("de",)


def test_the_fingerprint_is_of_what_is_said(corpus_dir: Write, tmp_path: Path) -> None:
    both = Corpus.load(corpus_dir({"a/de.train.jsonl": DE, "a/pl.train.jsonl": PL}) / "a").fingerprint()
    assert len(both) == 64
    swapped = corpus_dir({"b/train.jsonl.gz": [PL[0], DE[0], PL[1], DE[1]]}) / "b"
    assert Corpus.load(swapped).fingerprint() == both, "spread over files otherwise, compressed, interleaved"
    renamed = [{"id": f"x{i}", "note": "n", **r} for i, r in enumerate(DE)]
    assert Corpus.load(corpus_dir({"c/1.jsonl": renamed, "c/2.jsonl": PL}) / "c").fingerprint() == both
    for changed in (
        [DE[1], DE[0]],
        [DE[0]],
        [{**DE[0], "complete": False}, DE[1]],
        [{**DE[0], "relations_covered": ["lives-in"]}, DE[1]],
        [{**DE[0], "types_covered": ["PER"]}, DE[1]],
        [{**DE[0], "text": DE[0]["text"] + "!"}, DE[1]],
        [{**DE[0], "triples": []}, DE[1]],
    ):
        folder = corpus_dir({"d/de.train.jsonl": changed, "d/pl.train.jsonl": PL}) / "d"
        assert Corpus.load(folder).fingerprint() != both
    moved = corpus_dir({"e/de.dev.jsonl": DE, "e/pl.train.jsonl": PL}) / "e"
    assert Corpus.load(moved).fingerprint() != both


def test_the_fingerprint_stays_the_same_between_versions(corpus_dir: Write) -> None:
    """A changed value means that runs of an earlier version no longer resume: log the change."""
    corpus = Corpus.load(corpus_dir({"de.train.jsonl": DE}))
    assert corpus.fingerprint() == "caf54b91b82ff4026a8615cf00afecec762d7963a10b7a9591a8303aa57a434f"


def test_a_corpus_goes_to_another_process(corpus_dir: Write) -> None:
    corpus = Corpus.load(corpus_dir({"de.train.jsonl": DE}))
    assert pickle.loads(pickle.dumps(corpus)) == corpus


def test_all_errors_in_one_message(corpus_dir: Write) -> None:
    bad = {**DE[0], "entities": [{"start": 0, "end": 99}]}
    folder = corpus_dir(
        {"de.train.jsonl": [DE[0], *[bad] * 13], "pl.train.jsonl": ['{"lang'], "pl.test.jsonl": []}
    )
    with pytest.raises(DataError) as raised:
        Corpus.load(folder)
    lines = str(raised.value).splitlines()
    assert lines[0] == "15 problems:"
    assert lines[1] == (
        f"  {folder / 'de.train.jsonl'}:2: entity 1 ends at 99 but the text has 17 characters."
    )
    assert len(lines) == 1 + 10 + 2
    assert lines[-2:] == ["  … and 5 more", f"Run: mere check {folder}"]


def test_an_empty_file_is_an_error(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": DE, "de.test.jsonl": [""]})
    with pytest.raises(DataError, match=r"de\.test\.jsonl: the file holds no sentence"):
        Corpus.load(folder)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no corpus files in this folder\. Expected <lang>\.<split>\.jsonl"):
        Corpus.load(tmp_path)
    with pytest.raises(
        DataError, match=rf'no such file or folder. The nearest folder that exists is "{tmp_path}"'
    ):
        Corpus.load(tmp_path / "a" / "b")
    (tmp_path / "triples").mkdir()
    with pytest.raises(DataError, match='Did you mean "triples"'):
        Corpus.load(tmp_path / "tripels")


def test_smiler_files_load_with_a_word_about_repairs(corpus_dir: Write) -> None:
    rows = [
        "1\tAda\tWien\tlives-in\t<e1>Ada</e1> wohnt in <e2>Wien",
        "2\tAda\tRom\tlives-in\tAda wohnt in Wien",
    ]
    folder = corpus_dir({"de_corpora_train.tsv": rows, "pl.train.jsonl": PL})
    with pytest.warns(UserWarning, match=r"repaired: close tag added: 1; left out: .*not-in-text: 1"):
        corpus = Corpus.load(folder)
    assert corpus.sizes() == {"train": {"de": 1, "pl": 2}}
    assert Corpus.load(folder, format=Format.JSONL).languages() == ("pl",)
    refused = corpus_dir({"x/de.train.tsv": rows[1:]}) / "x"
    with pytest.raises(DataError, match="not one of its rows could be used, for 1 reasons: row refused"):
        Corpus.load(refused)


def test_formats_are_told_by_ending_or_first_line(corpus_dir: Write) -> None:
    folder = corpus_dir(
        {"a": [DE[0]], "b": ["1\tA\tB\tr\t<e1>A</e1> <e2>B</e2>"], "c": ["[{}]"], "d": ["Hello"]}
    )
    assert sniff(folder / "a") is Format.JSONL
    assert sniff(folder / "b") is Format.SMILER
    with pytest.raises(DataError, match=r"c:1: a JSON array; .* Run: jq -c '\.\[\]' .*c > .*c\.jsonl"):
        sniff(folder / "c")
    with pytest.raises(DataError, match=r"d: not a format that mere reads \(jsonl, conll, smiler, "):
        sniff(folder / "d")
