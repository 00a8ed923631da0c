"""UIMA CAS: dkpro-cassis reads what mere writes and mere what it writes; bombs and entities are refused."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import cassis
import pytest
from hypothesis import given, settings

from mere.data.formats import uima_json, uima_xmi
from mere.data.formats.problems import Problem
from mere.data.formats.tally import Tally
from mere.data.formats.uima_cas import to_cas, type_system
from mere.errors import DataError
from mere.types import Entity, Sentence, Triple
from tests.data.data_strategies import sentences

TEXT = "🚒 Ada lebt in Graz."
ADA, GRAZ = Entity(2, 5, "Ada", "PER"), Entity(14, 18, "Graz", "LOC")
SENTENCE = Sentence("de.one", "de", TEXT, (ADA, GRAZ), (Triple(ADA, "lives-in", GRAZ),))
NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore"'
    ' xmlns:t="http:///de/tudarmstadt/ukp/dkpro/core/api/ner/type.ecore" xmlns:c="http:///webanno/custom.ecore"'
    ' xmlns:s="http:///de/tudarmstadt/ukp/dkpro/core/api/segmentation/type.ecore" xmi:version="2.0">\n'
)
SOFA = '<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{}"/>\n'


def xmi(folder: Path, body: str, text: str = TEXT, name: str = "de.one.xmi") -> Path:
    folder = folder / "de"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(HEAD + body + SOFA.format(text) + "</xmi:XMI>\n", encoding="utf-8")
    return path


def spans(cas: cassis.Cas, type: str) -> list[tuple[int, int]]:
    return sorted((item.begin, item.end) for item in cas.select(type))


@given(sentences())
@settings(max_examples=40, deadline=None)
def test_cassis_reads_what_mere_writes(tmp_path_factory: pytest.TempPathFactory, sentence: Sentence) -> None:
    folder = tmp_path_factory.mktemp("json")
    uima_json.write([sentence], folder)
    (path,) = folder.glob("*.json")
    with path.open("rb") as stream:
        cas = cassis.load_cas_from_json(stream)
    assert cas.sofa_string == sentence.text
    assert spans(cas, NER) == sorted((entity.start, entity.end) for entity in sentence.entities)
    arrows = cas.select("webanno.custom.Relation")
    said = [(r.Governor.begin, r.Governor.value, r.label, r.Dependent.end) for r in arrows]
    triples = [(t.subject.start, t.subject.type, t.relation, t.object.end) for t in sentence.triples]
    assert sorted(said, key=repr) == sorted(triples, key=repr)


def test_the_folder_of_xmi_is_what_inception_imports(tmp_path: Path) -> None:
    written = uima_xmi.write([SENTENCE], tmp_path)
    assert (written.sentences, +written.lost) == (1, {})
    with (tmp_path / "TypeSystem.xml").open("rb") as types, (tmp_path / "de.one.xmi").open("rb") as stream:
        cas = cassis.load_cas_from_xmi(stream, typesystem=cassis.load_typesystem(types))
    assert [item.get_covered_text() for item in cas.select(NER)] == ["Ada", "Graz"]
    assert cas.document_language == "de"


@pytest.mark.parametrize("module", [uima_xmi, uima_json], ids=["xmi", "json"])
def test_layers_of_any_name_and_what_is_not_kept(tmp_path: Path, module: ModuleType) -> None:
    types = type_system()
    custom = types.create_type("webanno.custom.Ship", "uima.tcas.Annotation")
    types.create_feature(custom, "flag", "uima.cas.String")
    token = types.create_type(
        "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token", "uima.tcas.Annotation"
    )
    lemma = types.create_type(
        "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Lemma", "uima.tcas.Annotation"
    )
    types.create_feature(lemma, "value", "uima.cas.String")
    cas = to_cas(SENTENCE, types)
    cas.add_all(
        [custom(begin=0, end=1, flag="red"), custom(begin=6, end=10), lemma(begin=2, end=5, value="Ada")]
    )
    cas.add_all([token(begin=0, end=1), token(begin=2, end=5), custom(begin=3, end=3)])
    ending = module.ENDING
    path = tmp_path / f"x{ending}"
    path.write_text(cas.to_xmi() if ending == ".xmi" else cas.to_json(), encoding="utf-8")
    tally = Tally()
    (sentence,) = module.read(path, tally=tally)
    found = sorted((entity.text, entity.type) for entity in sentence.entities)
    assert found == [("Ada", "PER"), ("Graz", "LOC"), ("lebt", "Ship"), ("🚒", "red")]
    assert [(t.subject, t.relation, t.object) for t in sentence.triples] == [(ADA, "lives-in", GRAZ)]
    assert (sentence.id, sentence.lang, sentence.extra) == ("de.one", "de", {"tokens": [[0, 1], [2, 5]]})
    assert +tally.lost == {"annotations of the layer Lemma": 1, "mentions of no character": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + HEAD + "</xmi:XMI>", "a document type (<!DOCTYPE …>)"),
        (
            ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>').encode(
                "utf-16"
            ),
            "a document type",
        ),
        (HEAD + SOFA.format("Ada"), "not XML that can be read: no element found"),
        ("<html/>", "the root element is html, XMI was expected"),
        (HEAD + "</xmi:XMI>", "no text (a Sofa with its sofaString)"),
        (
            HEAD + '<t:NamedEntity xmi:id="3" sofa="1" begin="0"/>' + "</xmi:XMI>",
            "a NamedEntity without the numbers",
        ),
        (
            HEAD
            + '<t:NamedEntity xmi:id="3" sofa="1" begin="0" end="9"/>'
            + SOFA.format("Ada")
            + "</xmi:XMI>",
            "entity 1 ends at 9 but the text has 3 characters",
        ),
    ],
)
def test_what_is_no_honest_document_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "de" / "one.xmi"
    path.parent.mkdir()
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    problems: list[Problem] = []
    assert list(uima_xmi.read(path, problems)) == []
    assert message in str(problems[0])


def test_an_archive_of_documents(tmp_path: Path) -> None:
    mention = '<t:NamedEntity xmi:id="3" sofa="1" begin="3" end="6" value="PER"/>\n'
    document = xmi(tmp_path, mention).read_bytes()
    path = tmp_path / "de/all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("TypeSystem.xml", "<x/>")
        archive.writestr("b.xmi", document)
        archive.writestr("a.xmi", document)
        archive.writestr("bomb.xmi", HEAD + SOFA.format(" " * 20_000_000))
    problems: list[Problem] = []
    sentences = list(uima_xmi.read(path, problems))
    assert [(s.id, s.entities[0].text) for s in sentences] == [("a", "Ada"), ("b", "Ada")]
    assert [problem.code for problem in problems] == ["zip-bomb"]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="not XML that can be read"):
        list(uima_xmi.read(path))
    damaged = io.BytesIO()
    with zipfile.ZipFile(damaged, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xmi", document)
    data = bytearray(damaged.getvalue())
    data[60:70] = b"\0" * 10
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="the archive is damaged or cut short"):
        list(uima_xmi.read(path))


def test_what_is_not_kept_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "de" / "big.xmi"
    path.parent.mkdir()
    row = '<s:Lemma xmi:id="{}" sofa="1" begin="2" end="5" value="a lemma that nobody asked for, at some length"/>\n'
    with path.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        out.writelines(row.format(number) for number in range(100_000))
        out.write('<t:NamedEntity xmi:id="0" sofa="1" begin="3" end="6" value="PER"/>\n')
        out.write(SOFA.format(TEXT) + "</xmi:XMI>\n")
    program = (
        "import resource, sys; from mere.data.formats import uima_xmi\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "(sentence,) = uima_xmi.read(sys.argv[1])\n"
        "print(len(sentence.entities), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    entities, kilobytes = map(int, done.stdout.split())
    assert path.stat().st_size > 10_000_000
    assert (entities, kilobytes < 4_000) == (1, True)
