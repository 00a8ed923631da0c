"""WebAnno TSV 3 by its documentation: numbers, stacking, relations, escapes, UTF-16 offsets, other layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.data.formats import webanno
from mere.data.formats.lines import head_of
from mere.data.formats.problems import Problem
from mere.data.formats.tally import Tally
from mere.types import Entity, Sentence, Triple

NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
FILE = (
    "#FORMAT=WebAnno TSV 3.2\n"
    "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue\n"
    f"#T_SP={NER}|identifier|value\n"
    "#T_SP=webanno.custom.Ship|\n"
    "#T_CH=de.tudarmstadt.ukp.dkpro.core.api.coref.type.CoreferenceLink|referenceRelation|referenceType\n"
    f"#T_RL=webanno.custom.Rel|kind|BT_{NER}\n\n\n"
    "#Text=🚒 Ada Lang lebt in Graz\\\\Ulm .\n"
    "1-1\t0-2\t🚒\tSYM\t_\t_\t*\t_\t_\t_\t_\t\n"
    "1-2\t3-6\tAda\tNN\thttp://x/Q1[1]\tPER[1]\t_\t*->1-1\tnam[1]\t_\t_\t\n"
    "1-3\t7-11\tLang\tNN\thttp://x/Q1[1]|*[2]\tPER[1]|sur\\_name[2]\t_\t_\t_\t_\t_\t\n"
    "1-4\t12-16\tlebt\tVV\t_\t_\t_\t_\t_\t_\t_\t\n"
    "1-5\t17-19\tin\tAP\t_\t_\t_\t_\t_\t_\t_\t\n"
    "1-6\t20-28\tGraz\\\\Ulm\tNE\t_\t_\t_\t_\t_\t_\t_\t\n"
    "1-6.1\t20-24\tGraz\t_\t*\tLOC\t_\t_\t_\tlives-in|far->x\t1-2[1_0]|1-3[2_0]\t\n"
    "1-7\t29-30\t.\tPU\t*[3]\tEND[3]\t_\t_\t_\t_\t_\t\n\n"
    "#Text=Zwei\n#Text=Zeilen\n"
    "2-1\t31-35\tZwei\tNU\t*[3]|*[4]\tEND[3]|*[4]\t_\t_\t_\t_\t_\t\n"
    "2-2\t36-42\tZeilen\tNN\t*[4]\t*[4]\t_\t_\t_\tto\t1-2[1_4]\t\n"
)


def test_a_file_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "de.one.tsv"
    path.write_text(FILE, encoding="utf-8")
    assert webanno.looks_like(head_of(path))
    tally = Tally()
    first, second = webanno.read(path, tally=tally)
    assert first.text == "🚒 Ada Lang lebt in Graz\\Ulm ."
    assert second.text == "Zwei\nZeilen"
    found = [(entity.text, entity.type) for entity in first.entities]
    assert found == [("🚒", "Ship"), ("Ada Lang", "PER"), ("Lang", "sur_name"), ("Graz", "LOC")]
    said = [(triple.subject.text, triple.relation, triple.object.text) for triple in first.triples]
    assert said == [("Ada Lang", "lives-in", "Graz"), ("Lang", "far->x", "Graz")]
    assert [(entity.text, entity.type) for entity in second.entities] == [("Zwei\nZeilen", None)]
    assert first.extra["tokens"][-2:] == [[19, 27], [28, 29]]
    assert (first.id, second.id, second.lang) == ("de.one:1", "de.one:2", "de")
    assert +tally.lost == {
        "annotations of the layer POS, in rows": 9,
        "annotations of the layer CoreferenceLink, in rows": 1,
        "mentions over several sentences": 1,
        "relations over several sentences": 1,
    }


def test_what_is_written_is_what_webanno_writes(tmp_path: Path) -> None:
    text = "🚒 Ada Lang lebt in [Graz]."
    ada, lang, graz = Entity(2, 10, "Ada Lang", "PER"), Entity(6, 10, "Lang"), Entity(20, 24, "Graz", "LOC*")
    sentence = Sentence("s_1", "de", text, (ada, lang, graz), (Triple(ada, "lives_in", graz),))
    alone = Sentence("s2", "de", "Ulm", (Entity(0, 3, "Ulm", "LOC"),))
    written = webanno.write([sentence, alone], tmp_path / "de.x.tsv")
    assert written.sentences == 2
    assert (tmp_path / "de.x.tsv").read_text(encoding="utf-8").splitlines() == [
        "#FORMAT=WebAnno TSV 3.3",
        f"#T_SP={NER}|value",
        f"#T_RL=webanno.custom.Relation|label|BT_{NER}",
        "",
        "",
        "#Sentence.id=s_1",
        f"#Text={text}",
        "1-1\t0-2\t🚒\t_\t_\t_\t",
        "1-2\t3-6\tAda\tPER[1]\t_\t_\t",
        "1-3\t7-11\tLang\tPER[1]|*[2]\t_\t_\t",
        "1-4\t12-16\tlebt\t_\t_\t_\t",
        "1-5\t17-19\tin\t_\t_\t_\t",
        "1-6\t20-21\t[\t_\t_\t_\t",
        "1-7\t21-25\tGraz\tLOC\\*\tlives\\_in\t1-2[1_0]\t",
        "1-8\t25-26\t]\t_\t_\t_\t",
        "1-9\t26-27\t.\t_\t_\t_\t",
        "",
        "#Sentence.id=s2",
        "#Text=Ulm",
        "2-1\t28-31\tUlm\tLOC\t_\t_\t",
        "",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1-4\t12-16", "1-4\t13-16", "the token 'lebt' of row 1-4 is not at its offsets"),
        (
            "1-4\t12-16\tlebt\tVV\t_",
            "1-4\t12-16\tlebt\tVV",
            ":13: row 1-4 has 10 columns, its layers need 11",
        ),
        ("1-4\t12-16\t", "lebt\t", "no row: number, offsets and token"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "de.one.tsv"
    path.write_text(FILE.replace(old, new).replace("\t_\t\n", "\t_\n"), encoding="utf-8")
    problems: list[Problem] = []
    assert list(webanno.read(path, problems)) == []
    assert message in str(problems[0])
