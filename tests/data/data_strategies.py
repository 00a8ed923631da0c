"""Hypothesis strategies: texts with every awkward character, sentences with right offsets."""

from __future__ import annotations

from hypothesis import strategies as st

from mere.types import Entity, Sentence, Span, Triple

AWKWARD = [
    "👩‍👩‍👧‍👦",  # one emoji of seven code points
    "🏳️‍🌈",
    "e\u0301",  # a letter and its accent apart
    "é",
    "क्षि",
    "తెలుగు",
    "مرحبا",
    "שלום",
    "\u202babc\u202c",
    "東京都",
    "\r\n",
    "\x00",
    "\u2028",
    "\x85",
    "\x0c",
    "\ufeff",
    "\U0010ffff",
    "İstanbul",
    "ſ",
    " ",
    '"',
    "\\",
    "&",
    "<",
]


def texts(forbidden: str = "") -> st.SearchStrategy[str]:
    """Texts of at least one character, without lone surrogates and without the characters `forbidden`."""
    chars = st.characters(exclude_categories=("Cs",), exclude_characters=forbidden)
    pieces = [piece for piece in AWKWARD if not set(piece) & set(forbidden)]
    return st.lists(st.one_of(st.sampled_from(pieces), chars), min_size=1, max_size=12).map("".join)


token_lists = st.lists(texts(forbidden="\t\n"), min_size=1, max_size=6)


@st.composite
def spans(draw: st.DrawFn, text: str) -> Span:
    start = draw(st.integers(0, len(text) - 1))
    return Span(start, draw(st.integers(start + 1, len(text))))


names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs")), min_size=1, max_size=8)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """Any sentence that a corpus file can hold."""
    text = draw(texts())
    entities = []
    for span in draw(st.lists(spans(text), max_size=4)):
        type_ = draw(st.none() | st.sampled_from(["PER", "LOC", "ORG"]))
        score = draw(st.none() | st.floats(0, 1))
        entities.append(Entity(span.start, span.end, text[span.start : span.end], type_, score))
    unique = {(entity.span, entity.type): entity for entity in entities}
    entities = list(unique.values())
    triples: list[Triple] = []
    if entities:
        mention = st.sampled_from(entities)
        triples = draw(
            st.lists(st.builds(Triple, mention, names, mention, st.none() | st.floats(0, 1)), max_size=3)
        )
    return Sentence(
        id=draw(names),
        lang=draw(st.sampled_from(["de", "te", "ar", "zh"])),
        text=text,
        entities=tuple(entities),
        triples=tuple(triples),
        relations_covered=draw(st.none() | st.frozensets(names, max_size=3)),
        types_covered=draw(st.none() | st.frozensets(names, max_size=3)),
        complete=draw(st.booleans()),
        source=draw(st.none() | names),
        extra=draw(
            st.dictionaries(
                names.map(lambda name: "x-" + name),
                st.none() | st.booleans() | st.integers() | names | st.lists(names, max_size=2),
                max_size=2,
            )
        ),
    )


@st.composite
def pair_rows(draw: st.DrawFn) -> Sentence:
    """Any sentence that one SMiLER row can hold without loss."""
    text = draw(texts(forbidden="\t\r\n").filter(lambda text: text.strip() and "&nbsp" not in text))
    first, second = draw(spans(text)), draw(spans(text))
    subject = Entity(*first, text[first.start : first.end])
    object_ = Entity(*second, text[second.start : second.end])
    related = draw(st.booleans())
    return Sentence(
        id=draw(names),
        lang=draw(st.sampled_from(["ru", "en"])),
        text=text,
        entities=(subject, object_),
        triples=(Triple(subject, "has-occupation", object_),) if related else (),
        complete=False,
        source="smiler",
    )
