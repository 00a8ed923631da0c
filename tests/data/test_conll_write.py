"""CoNLL's columns written: what was read comes back, real files byte for byte, and what is lost is counted."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mere.data.formats import Reading, conll, jsonl
from mere.data.formats.conll_rows import may_be_comment
from mere.data.formats.reading import Offsets
from mere.data.formats.schemes import Scheme, TokenSpan, to_tags
from mere.types import Entity, Sentence, Triple
from tests.data.data_strategies import sentences, token_lists

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@in_one_folder
@given(token_lists, st.data(), st.sampled_from([scheme for scheme in Scheme if scheme is not Scheme.IO]))
def test_round_trip_of_tokens_and_tags(
    tmp_path: Path, tokens: list[str], data: st.DataObject, scheme: Scheme
) -> None:
    assume(
        "-DOCSTART-" not in tokens and not any(token.startswith(("# ", "\ufeff", "\r")) for token in tokens)
    )
    borders = data.draw(st.lists(st.integers(0, len(tokens)), unique=True, max_size=4).map(sorted))
    spans = [TokenSpan(a, b, "LOC") for a, b in zip(borders[::2], borders[1::2], strict=False)]
    tags = to_tags(spans, len(tokens), scheme)
    path = tmp_path / "de.train.conll"
    rows = "".join(f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True))
    path.write_bytes(("\ufeff" + rows + "\n" + rows).encode())
    read = list(conll.read(path, reading=Reading(scheme=scheme)))
    jsonl.write(read, tmp_path / "a.jsonl")
    back = list(jsonl.read(tmp_path / "a.jsonl", reading=Reading(offsets=Offsets.CODEPOINTS)))
    assert back == read
    written = conll.write(back, tmp_path / "de.dev.conll", scheme=scheme)
    assert (written.sentences, written.left_out, written.lost) == (2, Counter(), Counter())
    rewritten = (tmp_path / "de.dev.conll").read_bytes()
    if any(may_be_comment(token) for token in tokens):  # what a reader does not judge the spacing by
        rewritten = re.sub(rb"^# text = .*\n", b"", rewritten, flags=re.M)
    assert rewritten == (rows + "\n" + rows + "\n").encode()


@in_one_folder
@given(sentences())
def test_any_sentence_is_written_and_read_again_or_counted(tmp_path: Path, sentence: Sentence) -> None:
    assume("\ufeff" not in sentence.text)  # at the start of a line readers take it out, and count it
    path = tmp_path / f"{sentence.lang}.train.conll"
    written = conll.write([sentence], path)
    if written.left_out:
        assert written.sentences == 0
        return
    (read,) = conll.read(path)
    flat = {(entity.span, entity.type) for entity in read.entities}
    own = {(entity.span, entity.type) for entity in sentence.entities}
    if "texts with a line break, which becomes a space" in written.lost:
        return
    assert read.text == sentence.text
    assert read.id == sentence.id or "ids with a line break" in written.lost or ":" in sentence.id
    if "entities with white space at their ends" not in written.lost:
        assert flat <= own
    if not any("entities" in kind for kind in written.lost):
        assert flat == own
    assert written.lost["triples"] == len(sentence.triples)


def test_a_character_without_a_sign_is_no_other_encoding(tmp_path: Path) -> None:
    sentence = Sentence("1", "de", "\0")
    conll.write([sentence], tmp_path / "de.dev.conll")
    assert [read.text for read in conll.read(tmp_path / "de.dev.conll")] == ["\0"]


def test_writing_cuts_words_and_counts_what_is_lost(tmp_path: Path) -> None:
    text = "Ada's Grazerin, 東京都."
    ada, graz, tokyo = Entity(0, 3, "Ada", "PER"), Entity(6, 10, "Graz", "LOC"), Entity(16, 18, "東京", "LOC")
    whole = Entity(0, 10, text[:10], None)
    sentence = Sentence("s", "de", text, (ada, graz, tokyo, whole), (Triple(ada, "r", graz),), source="x")
    sentence = replace(sentence, types_covered=frozenset({"PER", "LOC"}))
    written = conll.write([sentence, Sentence("t", "de", " ")], tmp_path / "de.dev.conll")
    assert (tmp_path / "de.dev.conll").read_text() == (
        f"# sent_id = s\n# text = {text}\nAda\tB-PER\n'\tO\ns\tO\nGraz\tB-LOC\nerin\tO\n,\tO\n"
        "東\tB-LOC\n京\tI-LOC\n都\tO\n.\tO\n\n"
    )
    assert (written.sentences, written.left_out) == (1, {"no token": 1})
    assert written.lost == {
        "entities without a type": 1,
        "triples": 1,
        "sources": 1,
        "relations_covered, read again as none": 1,
        "lists of types covered": 1,
        "sentences without token offsets, cut into words": 1,
        "tokens cut at an entity's border": 1,
    }
    assert [entity.text for entity in next(conll.read(tmp_path / "de.dev.conll")).entities] == [
        "Ada",
        "Graz",
        "東京",
    ]


def test_conlls_published_counts(shared_ner: Path) -> None:
    """Training data of CoNLL-2002 and 2003 as published (de without its empty sentences)."""
    files = sorted((shared_ner / "conll").glob("*/train.bio.gz"))
    train = [sentence for file in files for sentence in conll.read(file)]
    entities: Counter[str] = Counter()
    for sentence in train:
        entities[sentence.lang] += len(sentence.entities)
    assert Counter(sentence.lang for sentence in train) == {
        "en": 14_041,
        "es": 8_323,
        "nl": 15_806,
        "de": 12_152,
    }
    assert entities == {"en": 23_499, "es": 18_798, "nl": 13_344, "de": 11_851}


@pytest.mark.parametrize(
    "name", ["open/ko/dev", "open/ja/dev", "open/zh/dev", "masakha/fon/dev", "conll/de/dev"]
)
def test_real_files_come_back_byte_for_byte(shared_ner: Path, tmp_path: Path, name: str) -> None:
    path = shared_ner / f"{name}.bio.gz"
    written = conll.write(conll.read(path), tmp_path / "back.conll")
    assert not written.left_out
    assert not written.lost
    assert (tmp_path / "back.conll").read_bytes().rstrip() == gzip.decompress(path.read_bytes()).rstrip()
