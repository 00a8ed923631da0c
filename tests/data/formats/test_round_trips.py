"""Every format, written and read again, keeps what its row of the table says, and counts the rest."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings

from mere.data.formats import (
    brat,
    doccano,
    hf_jsonl,
    hf_parquet,
    label_studio,
    plain_text,
    prodigy,
    spacy_docbin,
    table_csv,
    uima_json,
    uima_xmi,
    webanno,
)
from mere.data.formats.cut import without_overlaps
from mere.types import Sentence
from tests.data.data_strategies import sentences
from tests.data.formats.projection import lost, ordered, projected, there_and_back

MODULES = [
    brat,
    doccano,
    hf_jsonl,
    hf_parquet,
    label_studio,
    plain_text,
    prodigy,
    spacy_docbin,
    table_csv,
    uima_json,
    uima_xmi,
    webanno,
]

NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[1])
@given(sentence=sentences())
@settings(max_examples=60, deadline=None)
def test_a_format_keeps_what_its_row_says(module, sentence: Sentence) -> None:
    if module is spacy_docbin:
        pytest.importorskip("spacy")
    if module in (brat, plain_text, webanno):  # a short file with zero bytes is taken for UTF-16
        assume("\0" not in sentence.text)
    if module is plain_text:
        assume(sentence.text.strip() and not {"\r", "\n"} & {*sentence.text})
    if not module.HOLDS.overlaps:
        apart = tuple(without_overlaps(sentence.entities))
        sentence = replace(
            sentence,
            entities=apart,
            triples=tuple(t for t in sentence.triples if {t.subject, t.object} <= {*apart}),
        )
    with tempfile.TemporaryDirectory() as folder:
        written, back = there_and_back(module, sentence, Path(folder), "xx")
    if written.left_out:
        assert module is uima_xmi
        said = [sentence.id, sentence.text, *(triple.relation for triple in sentence.triples)]
        assert re.search(NOT_XML, "".join(said))
        return
    assert len(back) == written.sentences == 1
    again = ordered(back[0]) if module.HOLDS.ids else replace(ordered(back[0]), id="")
    assert again == projected(sentence, module.HOLDS, "xx")
    assert +written.lost == lost(sentence, module.HOLDS)
    assert not written.left_out
