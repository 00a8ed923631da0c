"""IRIs: legal for other people's parsers, different for different names, the same in every run."""

from __future__ import annotations

from urllib.parse import unquote

import pyoxigraph
import pytest
from hypothesis import given

from mere.errors import UserError
from mere.graph.iri import is_iri, legal, segment
from mere.graph.names import Names, mentions, normalised
from mere.graph.settings import GraphSettings, Merge
from mere.types import Entity
from tests.graph.graph_examples import curie, linked, names

STRANGE = [
    "a b", '"quoted" <x>', "👩\u200d🚀", "🏴\U000e0067\U000e007f", "دمشق", "\u202eevil\u202c", "..", ".", "a/b?c#d",
    "50%",
    "50%25", "\x00\x1f\x7f", "\ufffe", "\ue000", "\u3000", "`'\\", "{|}^[]", "\U0010ffff", "\ufeff",
]  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_a_name_is_one_segment_and_can_be_had_back(name: str) -> None:
    iri = f"https://kg.example/entity/{segment(name)}"
    assert pyoxigraph.NamedNode(iri).value == iri  # validates
    assert set(segment(name)).isdisjoint('/#?<>" \n;,=')
    assert unquote(segment(name)) == name


@given(names)
def test_any_name_can_be_had_back(name: str) -> None:
    pyoxigraph.NamedNode(f"urn:mere:{segment(name)}")
    assert unquote(segment(name)) == name


@given(names)
def test_any_iri_is_made_legal(name: str) -> None:
    for part in ("https://kb.example/", "https://kb.example:80/p?q=", "urn:kb:", "https://kb.example/#"):
        assert pyoxigraph.NamedNode(legal(part + name))


def test_letters_stand_as_they_are() -> None:
    assert segment("Łódź-京都_日本.دمشق") == "Łódź-京都_日本.دمشق"
    assert segment("Marie Curie") == "Marie%20Curie"


def test_what_is_an_iri() -> None:
    assert all(
        map(is_iri, ("https://x.example/1", "http://x.example", "https://x.example:80?q", "urn:isbn:1"))
    )
    assert not any(map(is_iri, ("notes.txt:12", "Q7", "http://", "urn:", "https://a:b/", "https://[x]/")))


def test_forms_that_are_one_when_normalised() -> None:
    assert {
        normalised(form) for form in ("Ada  Byron", "ＡＤＡ byron", "\tada\u3000byron\n", "ADA\xa0BYRON")
    } == {"ada byron"}
    assert normalised("STRASSE") == normalised("Straße")
    assert normalised("ﬁ") == "fi"


def test_which_mentions_are_one_node() -> None:
    def nodes(merge: Merge) -> int:
        names = Names(GraphSettings(merge=merge))
        return len({names.node(entity, "urn:x:d") for entity in mentions(curie().document).values()})

    assert [nodes(merge) for merge in (Merge.normalised, Merge.exact, Merge.none)] == [2, 3, 4]


@pytest.mark.parametrize("merge", Merge)
def test_a_linked_id_goes_before(merge: Merge) -> None:
    names = Names(GraphSettings(merge=merge))
    found = [names.node(entity, "urn:x:d") for entity in linked().document.entities]
    assert found == ["urn:mere:linked/Q7", "urn:mere:linked/Q7", "https://kb.example/Bonn%20am%20%3CRhein%3E"]


def test_types_keep_forms_apart_and_so_does_having_none() -> None:
    names = Names(GraphSettings())
    types = ["PER", "LOC", None, "untyped", "a/b"]
    assert len({names.node(Entity(0, 3, "Ada", type), "urn:x:d") for type in types}) == len(types)


@pytest.mark.parametrize(
    "base", ["kg", "https://kg.example", "https://kg.example/a b/", "https://kg.example/x#"]
)
def test_a_base_that_is_none(base: str) -> None:
    with pytest.raises(UserError, match=r"no beginning of IRIs.*--base https://example\.org/kg/"):
        GraphSettings(base=base)
