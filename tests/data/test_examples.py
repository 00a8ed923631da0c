"""Examples: what pieces can hold becomes ranges of pieces, and what they cannot hold is counted."""

from __future__ import annotations

import pytest

from mere.data.examples import AlignmentReport, Example, ExampleMaker
from mere.data.features import NUM_FEATURES, Features
from mere.data.units import Units
from mere.schema import Labels
from mere.types import Entity, Sentence, Span, Triple

LABELS = Labels(relations=("birth-place", "wrote"), types=("PER",), languages=("de", "te"))


@pytest.fixture
def maker() -> ExampleMaker:
    return ExampleMaker(Units(), Features(256), LABELS)


def sentence(text: str, *facts: tuple[str, str, str], lang: str = "de", **more: object) -> Sentence:
    def entity(mention: str) -> Entity:
        start = text.index(mention)
        return Entity(start, start + len(mention), mention)

    triples = tuple(Triple(entity(s), relation, entity(o)) for s, relation, o in facts)
    entities = {e.span: e for t in triples for e in (t.subject, t.object)}
    return Sentence(text, lang, text, tuple(entities.values()), triples, **more)  # type: ignore[arg-type]


def made(maker: ExampleMaker, sentence: Sentence) -> Example:
    example = maker(sentence)
    assert example is not None
    return example


def test_a_sentence_by_hand(maker: ExampleMaker) -> None:
    text = "Ada Byron wurde in Jena geboren und schrieb Wind."
    #       0   1     2     3  4    5       6   7       8   9
    facts = [("Ada Byron", "birth-place", "Jena"), ("Ada Byron", "wrote", "Wind")]
    example = made(maker, sentence(text, *facts))
    assert example.pieces.shape == (10, NUM_FEATURES)
    assert (example.pieces == Features(256)(text, Units()(text))).all()
    assert example.lang_id == 1
    assert example.triples == (((0, 2), 0, (4, 5)), ((0, 2), 1, (8, 9)))
    assert example.relations_stated == (0, 1)
    assert example.is_covered.tolist() == [True, True]
    assert example.complete
    assert example.mentions == ((0, 2), (4, 5), (8, 9))


def test_what_ends_inside_a_piece_is_counted_and_still_states_its_relation(maker: ExampleMaker) -> None:
    cut = sentence("రవి నందపురంలో పుట్టాడు", ("రవి", "birth-place", "నందపురం"), lang="te")
    whole = sentence("Ada kam aus Jena", ("Ada", "birth-place", "Jena"))
    examples, report = maker.many([cut, whole, whole])
    assert report.to_json() == {"de": {"triples": 2, "lost": 0}, "te": {"triples": 1, "lost": 1}}
    assert [example.triples for example in examples] == [(), (((0, 1), 0, (3, 4)),)] * 1 + [
        (((0, 1), 0, (3, 4)),)
    ]
    assert examples[0].relations_stated == (0,), "so it is no negative"
    assert examples[0].mentions == ((0, 1),)
    fitted = ExampleMaker(Units(frozenset({"లో"})), Features(256), LABELS)
    assert made(fitted, cut).triples == (((0, 1), 0, (1, 2)),)


def test_coverage_and_completeness_come_along(maker: ExampleMaker) -> None:
    row = sentence("Ada kam", relations_covered=frozenset({"wrote", "eats"}), complete=False)
    example = made(maker, row)
    assert example.is_covered.tolist() == [False, True]
    assert not example.complete
    assert made(maker, sentence("Ada kam", relations_covered=frozenset())).is_covered.tolist() == [False] * 2


def test_a_language_of_no_training_takes_the_universal_path(maker: ExampleMaker) -> None:
    assert made(maker, sentence("Ada kam", lang="sv")).lang_id == 0
    assert made(maker, sentence("Ada kam", lang="te")).lang_id == 2


def test_a_relation_of_no_training_is_no_target(maker: ExampleMaker) -> None:
    example = made(maker, sentence("Ada eats Jena", ("Ada", "eats", "Jena")))
    assert (example.triples, example.relations_stated) == ((), ())
    assert example.mentions == ((0, 1), (2, 3))


def test_a_fact_said_twice_is_one_fact(maker: ExampleMaker) -> None:
    fact = ("Ada", "wrote", "Wind")
    assert made(maker, sentence("Ada schrieb Wind", fact, fact)).triples == (((0, 1), 1, (2, 3)),)


def test_a_subject_that_no_entity_lists_is_found_all_the_same(maker: ExampleMaker) -> None:
    triple = Triple(Entity(0, 3, "Ada"), "wrote", Entity(12, 16, "Wind"))
    example = made(maker, Sentence("1", "de", "Ada schrieb Wind", (), (triple,)))
    assert example.triples == (((0, 1), 1, (2, 3)),)


@pytest.mark.parametrize("text", ["", " ", "\u3000\r\n\t"])
def test_no_visible_character_no_example(maker: ExampleMaker, text: str) -> None:
    assert maker(Sentence("1", "de", text)) is None
    assert maker.many([Sentence("1", "de", text), sentence("Ada kam")])[0][0].pieces.shape[0] == 2
    assert maker.text(text, "de") == ([], None)


def test_a_raw_text_is_an_example_that_teaches_nothing(maker: ExampleMaker) -> None:
    spans, example = maker.text("Ada kam", "te")
    assert spans == [Span(0, 3), Span(4, 7)]
    assert example is not None
    assert (example.lang_id, example.triples, example.relations_stated) == (2, (), ())
    assert not example.is_covered.any()
    assert maker.text("Ada kam", None)[1].lang_id == 0  # type: ignore[union-attr]


def test_nothing_counted_nothing_said() -> None:
    assert AlignmentReport().to_json() == {}
