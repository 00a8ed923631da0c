"""Examples: what pieces can hold becomes ranges of pieces, and what they cannot hold is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mere.data.examples import AlignmentReport, Annotated, ExampleMaker, refuse_unreadable
from mere.data.features import NUM_FEATURES, Features
from mere.data.pieces import HashedUnits, TextBytes
from mere.data.units import Units
from mere.errors import DataError
from mere.schema import Labels
from mere.types import Entity, Sentence, Span, Triple
from tests import tiny

LABELS = Labels(relations=("birth-place", "wrote"), types=("PER",), languages=("de", "te"))


@pytest.fixture
def maker() -> ExampleMaker:
    return ExampleMaker(HashedUnits(Units(), Features(256)), LABELS)


def sentence(text: str, *facts: tuple[str, str, str], lang: str = "de", **more: object) -> Sentence:
    def entity(mention: str) -> Entity:
        start = text.index(mention)
        return Entity(start, start + len(mention), mention)

    triples = tuple(Triple(entity(s), relation, entity(o)) for s, relation, o in facts)
    entities = {e.span: e for t in triples for e in (t.subject, t.object)}
    return Sentence(text, lang, text, tuple(entities.values()), triples, **more)  # type: ignore[arg-type]


def counts(report: AlignmentReport) -> dict[str, dict[str, int]]:
    """What a report counts more than none of."""
    return {lang: {name: n for name, n in row.items() if n} for lang, row in report.to_json().items()}


def made(maker: ExampleMaker, sentence: Sentence) -> Annotated:
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
    examples, report = tiny.many(maker, [cut, whole, whole])
    assert counts(report) == {"de": {"triples": 2}, "te": {"triples": 1, "lost_triples": 1}}
    assert [example.triples for example in examples] == [(), (((0, 1), 0, (3, 4)),)] * 1 + [
        (((0, 1), 0, (3, 4)),)
    ]
    assert examples[0].relations_stated == (0,), "so it is no negative"
    assert examples[0].mentions == ((0, 1),)
    fitted = ExampleMaker(HashedUnits(Units(frozenset({"లో"})), Features(256)), LABELS)
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
    assert tiny.many(maker, [Sentence("1", "de", text), sentence("Ada kam")])[0][0].pieces.shape[0] == 2
    assert maker.text(text, "de") == ([], None)


def test_a_raw_text_is_encoded_as_the_sentence_is(maker: ExampleMaker) -> None:
    spans, example = maker.text("Ada kam", "te")
    assert spans == [Span(0, 3), Span(4, 7)]
    assert example is not None
    annotated = maker(Sentence("1", "te", "Ada kam"))
    assert annotated is not None
    for name in vars(example):
        np.testing.assert_array_equal(getattr(example, name), getattr(annotated, name))
    assert example.lang_id == 2
    assert maker.text("Ada kam", None)[1].lang_id == 0  # type: ignore[union-attr]


TYPED = Labels(relations=(), types=("LOC", "PER"), languages=("de",))


@pytest.fixture
def typed() -> ExampleMaker:
    return ExampleMaker(HashedUnits(Units(), Features(256)), TYPED)


def entities(text: str, *mentions: tuple[str, str | None], **more: object) -> Sentence:
    found = [Entity(text.index(m), text.index(m) + len(m), m, type_) for m, type_ in mentions]
    return Sentence("1", "de", text, tuple(found), **more)  # type: ignore[arg-type]


def test_typed_entities_by_hand(typed: ExampleMaker) -> None:
    """In order; one without a type, or of a type that the model does not know, is a mention only."""
    row = entities(
        "Ada Byron sah Bo in Bad Ems", ("Bad Ems", "LOC"), ("Ada Byron", "PER"), ("Bo", None), ("sah", "X")
    )
    example = made(typed, row)
    assert example.entities == ((0, 2, 1), (5, 7, 0))
    assert set(example.mentions) == {(0, 2), (5, 7), (3, 4), (2, 3)}
    assert example.begins_word.tolist() == [True] * 7


def test_of_overlapping_entities_the_longest_is_kept_and_the_rest_counted(typed: ExampleMaker) -> None:
    rows = [
        entities("Universität Jena liegt da", ("Universität Jena", "PER"), ("Jena", "LOC"), ("da", "LOC")),
        entities("Hausboot", ("Haus", "LOC")),  # ends inside a piece
        entities("Jena", ("Jena", "PER"), ("Jena", "LOC")),  # two types of one span
    ]
    examples, report = tiny.many(typed, rows)
    assert [example.entities for example in examples] == [((0, 2, 1), (3, 4, 0)), (), ((0, 1, 0),)]
    assert counts(report) == {"de": {"entities": 6, "lost_entities": 3}}
    reordered = [replace(row, entities=row.entities[::-1]) for row in rows]
    assert [example.entities for example in tiny.many(typed, reordered)[0]] == [e.entities for e in examples]


@pytest.mark.parametrize(
    ("covered", "complete", "known"),
    [
        (None, True, [True, True]),
        ({"PER", "X"}, True, [False, True]),
        (set(), True, [False, False]),
        (None, False, [False, False]),  # some of its entities are missing, nobody knows which
        ({"PER"}, False, [False, False]),
    ],
)
def test_which_types_a_sentence_teaches(
    typed: ExampleMaker, covered: set[str] | None, complete: bool, known: list[bool]
) -> None:
    given = None if covered is None else frozenset(covered)
    row = entities("Ada kam", ("Ada", "PER"), types_covered=given, complete=complete)
    assert made(typed, row).is_type_known.tolist() == known


def test_entities_of_bytes_take_every_byte() -> None:
    maker = ExampleMaker(TextBytes(Units()), TYPED)
    example = made(maker, entities("In Köln 👩‍👩‍👧.", ("Köln", "LOC"), ("👩‍👩‍👧", "PER")))
    assert example.entities == ((3, 8, 0), (9, 27, 1))
    assert len(example.pieces) == 28


def test_sentences_too_long_to_read_are_refused() -> None:
    pieces = HashedUnits(Units(), Features(256))
    longest = pieces.longest
    refuse_unreadable([Sentence("1", "de", "a " * longest)], pieces)
    with pytest.raises(
        DataError, match=rf'sentence "2" \(de\) has {longest + 1:,} pieces; .* at most {longest:,} '
    ):
        refuse_unreadable([Sentence("1", "de", "a"), Sentence("2", "de", "a " * (longest + 1))], pieces)
    with pytest.raises(DataError, match="none of 2 sentences has a visible character"):
        refuse_unreadable([Sentence("1", "de", " "), Sentence("2", "de", "")], pieces)


def test_nothing_counted_nothing_said() -> None:
    assert AlignmentReport().to_json() == {}


def test_arguments_that_overlap_in_one_role_of_a_relation_are_counted(maker: ExampleMaker) -> None:
    text = "Ada Lovelace kam"
    report = AlignmentReport()
    maker(sentence(text, ("Ada Lovelace", "wrote", "kam"), ("Ada", "wrote", "kam")), report)
    maker(sentence(text, ("Ada Lovelace", "wrote", "kam"), ("Ada", "birth-place", "kam")), report)
    assert report.overlapping_triples["de"] == 1
    assert (report.triples["de"], report.lost_triples["de"]) == (4, 0)
