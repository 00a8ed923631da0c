"""docs/picture.svg: three invented sentences, their entities coloured, their triples as arcs.

python docs/picture.py > docs/picture.svg
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

from mere.types import Entity, Sentence, Triple

SENTENCES = (
    (
        "Erika Lohmann, Malerin aus Jena, schrieb „Das Licht im Norden“.",
        {"Erika Lohmann": "PER", "Malerin": "JOB", "Jena": "LOC", "Das Licht im Norden": "WORK"},
        [("has-occupation", "Malerin"), ("birth-place", "Jena"), ("wrote", "Das Licht im Norden")],
    ),
    (
        "Олег Лесной родился в городе Берёзов.",
        {"Олег Лесной": "PER", "Берёзов": "LOC"},
        [("birth-place", "Берёзов")],
    ),
    (
        "山口花子は青葉市で生まれた画家である。",
        {"山口花子": "PER", "青葉市": "LOC", "画家": "JOB"},
        [("birth-place", "青葉市"), ("has-occupation", "画家")],
    ),
)  # the first mention is the subject
UNIT, MARGIN = 9.6, 16  # pixels of a character of 16 px in a monospaced face
STYLE = """text{font:16px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}.r,.t{font-size:12px;fill:#57606a}
path{fill:none;stroke:#8c959f;stroke-width:1.5}.h0{fill:#cfe8ff}.h1{fill:#ffe3b8}.h2{fill:#d5f2d0}.h3{fill:#eadcff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.r,.t{fill:#9198a1}.h0{fill:#123a5e}.h1{fill:#5a3b06}
.h2{fill:#17441d}.h3{fill:#3d2a63}}"""


def picture(sentences: Sequence[Sentence]) -> str:
    """Return sentences as one SVG that shows itself in a light and in a dark page."""
    types = sorted({e.type or "" for s in sentences for e in s.entities})
    parts, y = [], 0.0
    for sentence in sentences:
        y += 26 + 30 * len(sentence.triples)
        parts += _sentence(sentence, y, types)
        y += 36
    width = max(_x(s.text, len(s.text)) for s in sentences) + MARGIN
    told = "; ".join(
        " ".join((t.subject.text, t.relation, t.object.text)) for s in sentences for t in s.triples
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {y:.0f}" width="{width:.0f}" role="img">'
        f"<title>{escape(told)}</title><style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _sentence(sentence: Sentence, y: float, types: Sequence[str]) -> Iterator[str]:
    text = sentence.text
    for entity in sentence.entities:
        left, right = _x(text, entity.start), _x(text, entity.end)
        yield (
            f'<rect class="h{types.index(entity.type or "") % 4}" x="{left - 2:.1f}" y="{y - 17:.1f}" '
            f'width="{right - left + 4:.1f}" height="24" rx="4"/>'
            f'<text class="t" x="{(left + right) / 2:.1f}" y="{y + 21:.1f}" text-anchor="middle">{entity.type}</text>'
        )
    length = _x(text, len(text)) - MARGIN
    yield f'<text x="{MARGIN}" y="{y}" textLength="{length:.1f}" xml:space="preserve">{escape(text)}</text>'
    for height, triple in enumerate(sentence.triples, 1):
        yield _arc(text, triple, y - 19, 30 * height)


def _arc(text: str, triple: Triple, y: float, height: float) -> str:
    a, b = _middle(text, triple.subject), _middle(text, triple.object)
    return (
        f'<path d="M{a:.1f} {y}C{a:.1f} {y - height} {b:.1f} {y - height} {b:.1f} {y}m-4 -6l4 6l4 -6"/>'
        f'<text class="r" x="{a + 0.64 * (b - a):.1f}" y="{y - height * 0.75 - 5:.1f}" text-anchor="middle">'
        f"{triple.relation}</text>"
    )


def _middle(text: str, entity: Entity) -> float:
    return (_x(text, entity.start) + _x(text, entity.end)) / 2


def _x(text: str, offset: int) -> float:
    """Return where a character stands; those of East Asia are two wide."""
    return MARGIN + UNIT * sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text[:offset])


def sentences() -> Iterator[Sentence]:
    """Yield the sentences of the picture."""
    for text, types, facts in SENTENCES:
        found = {m: Entity(text.index(m), text.index(m) + len(m), m, type) for m, type in types.items()}
        subject = next(iter(found.values()))
        triples = tuple(Triple(subject, relation, found[mention]) for relation, mention in facts)
        yield Sentence("", "", text, tuple(found.values()), triples)


if __name__ == "__main__":
    print(picture(list(sentences())), end="")
