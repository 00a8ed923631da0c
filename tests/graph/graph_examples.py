"""Documents that graphs are made of: our own sentences in several scripts, and strategies for strange ones."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from mere.graph.settings import Item
from mere.types import Document, Entity, Triple


def mention(
    text: str, form: str, type: str | None = None, score: float | None = None, link: str | None = None
) -> Entity:
    start = text.index(form)
    return Entity(start, start + len(form), form, type, score, link)


def curie() -> Item:
    text = "Ada Byron wurde in London geboren; ADA  BYRON starb in London."
    ada, again = mention(text, "Ada Byron", "PER", 0.9), mention(text, "ADA  BYRON", "PER", 0.8)
    london = mention(text, "London", "LOC", 0.75)
    last = Entity(text.rindex("London"), len(text) - 1, "London", "LOC")
    triples = (Triple(ada, "birth-place", london, 0.8765), Triple(again, "died in", last, 0.5))
    return Item("notes.txt:1", Document(text, "de", (ada, again, london, last), triples))


def scripts() -> Item:
    text = "👩\u200d🚀 “Łódź \\\" 'N'” — ولد بدر في دمشق; 花子は京都で生まれた。\x01\x7f\r\n\tend`s"
    forms = ("👩\u200d🚀", "“Łódź \\\" 'N'”", "بدر", "دمشق", "花子", "京都", "。\x01\x7f\r\n\tend`s")
    found = [mention(text, form, type) for form, type in zip(forms, [None, "a b", *["人"] * 5], strict=True)]
    triples = tuple(Triple(a, "born; in <x>", b, 1.0) for a, b in pairwise(found))
    return Item('a b#c"d', Document(text, None, tuple(found), triples))


def linked() -> Item:
    text = "Bo met Robert in Bonn."
    bo, robert = mention(text, "Bo", "PER", link="Q7"), mention(text, "Robert", "PER", link="Q7")
    bonn = mention(text, "Bonn", "LOC", link="https://kb.example/Bonn am <Rhein>")
    triples = (Triple(bo, "met", robert), Triple(robert, "was-in", bonn))
    return Item("https://texts.example/1#top", Document(text, "en", (bo, robert, bonn), triples))


ITEMS = (curie(), scripts(), linked(), Item("nothing", Document("", None)))

characters = st.characters(exclude_categories=("Cs",))
names = st.text(characters, min_size=1, max_size=8)
ids = names | names.map("https://kb.example/".__add__) | names.map("https://".__add__)


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Any document: mentions anywhere in any text, any names, triples between any two mentions."""
    text = draw(st.text(characters, min_size=1, max_size=30))
    scores = st.none() | st.floats(0, 1)
    entities = []
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        type, link = draw(st.none() | names), draw(st.none() | ids)
        entities.append(Entity(start, end, text[start:end], type, draw(scores), link))
    ends = st.sampled_from(entities)
    triples = draw(st.lists(st.builds(Triple, ends, names, ends, scores), max_size=3))
    return Item(draw(ids), Document(text, draw(st.none() | names), tuple(entities), tuple(triples)))
