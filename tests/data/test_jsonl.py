"""The JSON-lines format: what is written is read again, and every fault is named with its file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mere.data.formats import Problem, Reading, conll, jsonl
from mere.data.formats.reading import Offsets
from mere.errors import DataError
from mere.types import Entity, Sentence, Triple
from tests.data.data_strategies import sentences, texts

TEXT = "Ada lebt in Wien."
GOOD = {"id": "1", "lang": "de", "text": TEXT}

CHARACTERS = Reading(offsets=Offsets.CODEPOINTS)  # mentions drawn at random cut words, as wrong offsets do

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(path: Path, *lines: Any) -> Path:
    raw = [
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines
    ]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return path


@in_one_folder
@given(corpus=st.lists(sentences(), max_size=4), zipped=st.booleans())
def test_round_trip(tmp_path: Path, corpus: list[Sentence], zipped: bool) -> None:
    path = tmp_path / ("s.jsonl.gz" if zipped else "s.jsonl")
    assert jsonl.write(corpus, path).sentences == len(corpus)
    assert list(jsonl.read(path, reading=CHARACTERS)) == corpus


@in_one_folder
@given(text=texts(), data=st.data())
def test_offsets_are_code_points(tmp_path: Path, text: str, data: st.DataObject) -> None:
    """The slice is checked against UTF-32, where a code point is four bytes and nothing else."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    record = {"lang": "de", "text": text, "entities": [{"start": start, "end": end}]}
    escaped = json.dumps(record).encode()  # as \uXXXX pairs, the way other programs write them
    (sentence,) = jsonl.read(write(tmp_path / "s.jsonl", escaped))
    assert sentence.text == text
    assert sentence.entities[0].text == text.encode("utf-32-le")[4 * start : 4 * end].decode("utf-32-le")


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    record = {
        **GOOD,
        "entities": [{"start": 0, "end": 3, "type": "PER"}, {"start": 12, "end": 16}],
        "triples": [
            {"subject": {"start": 0, "end": 3}, "relation": "lives-in", "object": {"start": 12, "end": 16}}
        ],
        "relations_covered": ["birth-place", "lives-in"],
        "complete": False,
        "types_covered": ["PER"],
        "source": "own",
        "main_entity": "Ada",
        "numbers": [1, 2.5, None, {"deep": True}],
    }
    (sentence,) = jsonl.read(write(tmp_path / "s.jsonl", record))
    assert sentence.extra == {"main_entity": "Ada", "numbers": [1, 2.5, None, {"deep": True}]}
    jsonl.write([sentence], tmp_path / "again.jsonl")
    assert json.loads((tmp_path / "again.jsonl").read_text("utf-8")) == record


def test_only_lang_and_text_are_required(tmp_path: Path) -> None:
    path = write(
        tmp_path / "de.train.jsonl", {"lang": "de", "text": ""}, {"lang": "de", "text": TEXT, "id": 17}
    )
    assert list(jsonl.read(path)) == [Sentence("de.train:1", "de", ""), Sentence("17", "de", TEXT)]


def test_a_triples_mentions_are_the_entities_at_their_spans(tmp_path: Path) -> None:
    triple = {"subject": {"start": 0, "end": 3}, "relation": "lives-in", "object": {"start": 12, "end": 16}}
    record = {**GOOD, "entities": [{"start": 0, "end": 3, "type": "PER"}], "triples": [triple]}
    (sentence,) = jsonl.read(write(tmp_path / "s.jsonl", record))
    ada, wien = Entity(0, 3, "Ada", "PER"), Entity(12, 16, "Wien")
    assert sentence.triples == (Triple(ada, "lives-in", wien),)
    assert sentence.entities == (ada, wien), "the mention that nobody listed has joined the entities"


def test_a_mention_may_say_which_entity_of_its_span_it_is(tmp_path: Path) -> None:
    ada = {"start": 0, "end": 3}
    types = ["PER", None, "ORG"]
    for stated, expected in (
        ({}, "PER"),
        ({"type": None}, None),
        ({"type": "ORG"}, "ORG"),
        ({"type": "LOC"}, "LOC"),
    ):
        triples = [{"subject": {**ada, **stated}, "relation": "lives-in", "object": {"start": 12, "end": 16}}]
        record = {**GOOD, "entities": [{**ada, "type": type_} for type_ in types], "triples": triples}
        (sentence,) = jsonl.read(write(tmp_path / "s.jsonl", record))
        assert sentence.triples[0].subject.type == expected
        jsonl.write([sentence], tmp_path / "again.jsonl")
        assert list(jsonl.read(tmp_path / "again.jsonl")) == [sentence]


def test_bom_crlf_and_blank_lines_are_accepted(tmp_path: Path) -> None:
    line = json.dumps(GOOD).encode()
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n  \n" + line)
    assert [sentence.text for sentence in jsonl.read(path)] == [TEXT, TEXT]


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\x0bd\r\ne\x00f"
    jsonl.write([Sentence("1", "de", text)], tmp_path / "s.jsonl")
    assert next(jsonl.read(tmp_path / "s.jsonl")).text == text


def entity(start: Any, end: Any, **more: Any) -> dict[str, Any]:
    return {**GOOD, "entities": [{"start": start, "end": end, **more}]}


def triple(**changed: Any) -> dict[str, Any]:
    whole = {
        "subject": {"start": 0, "end": 3},
        "relation": "r",
        "object": {"start": 12, "end": 16},
        **changed,
    }
    return {**GOOD, "triples": [{key: value for key, value in whole.items() if value is not None}]}


BAD: list[tuple[Any, str, str]] = [
    (b'{"lang": "de", "te', "json-cut", "the JSON ends too early, after 18 characters"),
    (b'{"lang": "de",', "json-cut", "the JSON ends too early"),
    (b"lang: de", "json", "not JSON: Expecting value at column 1, near 'lang: de'"),
    (b"[" * 200_000, "json", "not JSON that can be read"),
    (b'["de"]', "not-an-object", "a JSON array, not an object. One JSON object a line is expected."),
    ({"lang": "de"}, "no-text", 'the key "text" is missing. Keys found: "lang".'),
    ({"text": 5, "lang": "de"}, "no-text", '"text" is a JSON number, a string was expected'),
    (entity(0, 58), "offset-beyond-end", "entity 1 ends at 58 but the text has 17 characters"),
    (entity(5, 2), "offset-inverted", "entity 1 starts at 5, after its end at 2"),
    (entity(-3, 2), "offset-negative", "entity 1 has the offsets -3:2; offsets count from 0"),
    (entity(2, 2), "offset-empty", "entity 1 is empty: it starts and ends at 2"),
    (entity("0", 2), "offset-not-a-number", "entity 1: \"start\" is '0', a whole number was expected"),
    (entity(True, 2), "offset-not-a-number", '"start" is True'),
    (entity(0.0, 2), "offset-not-a-number", '"start" is 0.0'),
    (entity(0, 3, text="Ida"), "offset-text", "entity 1 says 'Ida' but the text at 0:3 is 'Ada'"),
    (entity(0, 3, type=4), "bad-type", 'entity 1: "type" is 4, a name was expected'),
    (entity(0, 3, score=1.5), "bad-score", "score 1.5 is not a number from 0 to 1"),
    ({**GOOD, "entities": {}}, "entities-not-a-list", '"entities" is a JSON object, a list was expected'),
    ({**GOOD, "entities": [3]}, "not-an-object", "entity 1 is a JSON number, not an object"),
    (triple(object={"start": 12, "end": 99}), "offset-beyond-end", "triple 1, object ends at 99"),
    (triple(subject=None), "no-subject", 'triple 1: the key "subject" is missing'),
    (triple(relation=None), "no-relation", 'triple 1: the key "relation" is missing'),
    ({**GOOD, "complete": "yes"}, "bad-complete", "true or false was expected"),
    (
        {**GOOD, "relations_covered": "all"},
        "bad-relations-covered",
        "a list of relation names, or null for all",
    ),
    (
        {**GOOD, "types_covered": ["PER", 4]},
        "bad-types-covered",
        '"types_covered" must be a list of type names, or null for all',
    ),
    (b'{"lang": "de", "text": "a\\ud83d b"}', "surrogate", "a lone surrogate, U+D83D"),
    (
        b'{"lang": "de", "text": "gr\xfcn"}',
        "not-utf8",
        "(0xFC) is not UTF-8. It may be WINDOWS-1252",
    ),
    (b'{"lang": "de", "text": "\xed\xa0\xbd"}', "half-character", "half a character (U+D83D, a surrogate)"),
]


@pytest.mark.parametrize(("line", "code", "message"), BAD, ids=[f"{i}-{bad[1]}" for i, bad in enumerate(BAD)])
def test_every_fault_is_named_with_file_and_line(tmp_path: Path, line: Any, code: str, message: str) -> None:
    path = write(tmp_path / "de.train.jsonl", GOOD, line, GOOD)
    with pytest.raises(DataError) as raised:
        list(jsonl.read(path))
    assert str(raised.value).startswith(f"{path}:2: ")
    assert message in str(raised.value)
    problems: list[Problem] = []
    assert len(list(jsonl.read(path, problems))) == 2, "reading goes on after the fault"
    assert [(problem.line, problem.code, problem.severity) for problem in problems] == [(2, code, "error")]


def test_the_message_of_the_house_style(tmp_path: Path) -> None:
    path = write(tmp_path / "train.es.jsonl", entity(0, 58))
    with pytest.raises(DataError) as raised:
        list(jsonl.read(path))
    expected = f"{path}:1: entity 1 ends at 58 but the text has 17 characters. Run: mere check {path}"
    assert str(raised.value) == expected


@pytest.mark.parametrize(("unit", "start", "end"), [("bytes of UTF-8", 5, 9), ("UTF-16 units", 3, 7)])
def test_offsets_in_another_unit_are_recognised(tmp_path: Path, unit: str, start: int, end: int) -> None:
    record = {"lang": "de", "text": "😀 Wien", "entities": [{"start": start, "end": end, "text": "Wien"}]}
    with pytest.raises(
        DataError,
        match=f"the offsets count {unit}; mere counts code points. Run: mere convert .* --offsets (utf16|bytes)",
    ):
        list(jsonl.read(write(tmp_path / "s.jsonl", record)))


def test_a_byte_that_is_not_utf8_is_found_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    first = b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\r\n"
    path.write_bytes(first + b'{"text": "\xff"}\n')
    with pytest.raises(DataError, match=r"s\.jsonl:2: byte 11 of the line \(0xFF\)"):
        list(jsonl.read(path))


def test_utf16_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes((json.dumps(GOOD) + "\n").encode("utf-16") * 50)
    problems: list[Problem] = []
    assert list(jsonl.read(path, problems)) == []
    assert [str(problem) for problem in problems] == [
        f"{path}:1: the file is UTF-16, UTF-8 was expected. "
        f"Run: iconv -f UTF-16 -t UTF-8 {path} > {tmp_path}/s.utf8.jsonl"
    ]


def test_a_gzip_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl.gz"
    lines = [Sentence(str(i), "de", f"{i * 7919}") for i in range(2_000)]
    jsonl.write(lines, path)
    path.write_bytes(path.read_bytes()[:-2_000])
    problems: list[Problem] = []
    read = list(jsonl.read(path, problems))
    assert read == lines[: len(read)]
    assert 0 < len(read) < 2_000
    assert [problem.code for problem in problems] == ["gzip-cut"]
    assert "cut short after line" in str(problems[0])
    with pytest.raises(DataError, match="gzip stream is damaged or cut short"):
        list(jsonl.read(path))


def test_gzip_is_seen_whatever_the_name(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    (tmp_path / "s.jsonl.gz").write_bytes(json.dumps(GOOD).encode())
    assert [s.text for s in jsonl.read(tmp_path / "s.jsonl")] == [TEXT]
    assert [s.text for s in jsonl.read(tmp_path / "s.jsonl.gz")] == [TEXT]


def test_missing_files_name_what_is_near(tmp_path: Path) -> None:
    write(tmp_path / "de.train.jsonl", GOOD)
    with pytest.raises(DataError, match=r'de\.trian\.jsonl: no such file.*Did you mean "de\.train\.jsonl"\?'):
        list(jsonl.read(tmp_path / "de.trian.jsonl"))
    with pytest.raises(DataError, match=rf'The nearest folder that exists is "{tmp_path}"'):
        list(jsonl.read(tmp_path / "no" / "such" / "de.train.jsonl"))
    with pytest.raises(DataError, match="is a folder, a file was expected"):
        list(jsonl.read(tmp_path))


def test_keys_that_are_not_kept_are_told(tmp_path: Path) -> None:
    problems: list[Problem] = []
    path = write(tmp_path / "s.jsonl", entity(0, 3, wikidata="Q7259"))
    assert len(list(jsonl.read(path, problems))) == 1
    assert [(problem.severity, problem.message) for problem in problems] == [
        ("warning", 'entity 1 has keys that are not kept: "wikidata"')
    ]


def test_writing_refuses_a_lone_surrogate_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl", GOOD)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"sentence 'x': a lone surrogate, U\+D800"):
        jsonl.write([Sentence("w", "de", "gut"), Sentence("x", "de", "\ud800")], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path], "nothing half-written is left behind"
    with pytest.raises(DataError, match="no such file or folder"):
        jsonl.write([], tmp_path / "none" / "s.jsonl")


def test_the_same_sentences_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        jsonl.write([Sentence("1", "de", TEXT)], tmp_path / name)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_mentions_that_state_their_text_count_characters(tmp_path: Path) -> None:
    """Spans that cut words as UTF-16 offsets do are taken at their word where they state what they cut."""
    text = "\N{GRINNING FACE}" * 2 + " Wien und Ulm am See"
    spans = [(5, 9), (14, 17), (21, 24)]  # Wien, Ulm and See in UTF-16 units
    bare = [{"start": start, "end": end} for start, end in spans[:2]]
    with pytest.raises(DataError, match="seem to count UTF-16 units"):
        list(jsonl.read(write(tmp_path / "bare.jsonl", {**GOOD, "text": text, "entities": bare})))
    stated = [{**item, "text": text[item["start"] : item["end"]]} for item in bare]
    (sentence,) = jsonl.read(write(tmp_path / "stated.jsonl", {**GOOD, "text": text, "entities": stated}))
    assert [entity.span for entity in sentence.entities] == spans[:2]


def test_a_link_is_kept_and_counted_where_it_is_lost(tmp_path: Path) -> None:
    link = "https://example.org/Q7"
    sentence = Sentence("a", "de", "Ada lebt.", (Entity(0, 3, "Ada", "PER", link=link),))
    jsonl.write([sentence], tmp_path / "de.train.jsonl")
    assert list(jsonl.read(tmp_path / "de.train.jsonl")) == [sentence]
    assert conll.write([sentence], tmp_path / "de.train.conll").lost["links of entities"] == 1
    (tmp_path / "de.dev.jsonl").write_text(
        '{"text": "Ada", "entities": [{"start": 0, "end": 3, "link": 7}]}\n'
    )
    with pytest.raises(DataError, match='entity 1: "link" is 7, an id or an IRI was expected'):
        list(jsonl.read(tmp_path / "de.dev.jsonl"))


def test_a_key_that_stands_twice_is_no_silent_choice(tmp_path: Path) -> None:
    path = tmp_path / "de.train.jsonl"
    path.write_text(
        '{"text": "Ida", "entities": [{"start": 0, "end": 3}], "entities": []}\n', encoding="utf-8"
    )
    with pytest.raises(DataError, match='the key "entities" stands twice'):
        list(jsonl.read(path))
    path.write_text('{"text": "Ida", "note": {"entities": 1}, "entities": []}\n', encoding="utf-8")
    assert next(jsonl.read(path)).extra == {"note": {"entities": 1}}
