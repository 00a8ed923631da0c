"""Long sentences: overlapping windows over the units of the model, and one answer out of several.

A window is a slice of the sentence that starts and ends at unit borders. Windows overlap, so that a mention
which one of them cuts stands whole in its neighbour; `merge` puts the whole one in the cut one's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from mere.data.windows import overlapping_windows
from mere.types import Entity, Prediction, Span, Triple

Key = tuple[Span, str, Span]
K = TypeVar("K")
F = TypeVar("F", Entity, Triple)


def cut_windows(units: Sequence[Span], max_pieces: int) -> list[Span]:
    """Return the slices of a sentence that hold at most `max_pieces` units each and together hold all of them.

    Neighbours share about a quarter of a window. The last one reaches back to be as long as the others.

    Args:
        units: spans of the sentence's units, in order.
        max_pieces: at least 1.
    """
    if len(units) <= max_pieces:
        return [Span(units[0].start, units[-1].end)] if units else []
    firsts = overlapping_windows(len(units), max_pieces)
    return [Span(units[first].start, units[first + max_pieces - 1].end) for first in firsts]


def merge(text: str, parts: Iterable[tuple[Span, Prediction]], whole: Span) -> Prediction:
    """Join what was predicted for the windows of one sentence, `whole`; offsets then point into `text`.

    A mention that touches a cut edge of its window is replaced by a longer one around it, if a neighbour saw
    one. Of mentions with the same span, and of triples with the same key, the best score stays. Every subject
    and object is among the entities. Entities come by position, triples best first.
    """
    shifted = [(window, _shift(text, prediction, window.start)) for window, prediction in parts]
    if len(shifted) == 1 and not shifted[0][1].triples:
        return shifted[0][1]
    entities: dict[Span, Entity] = {}
    triples: dict[Key, Triple] = {}
    mended: dict[Key, Triple] = {}
    for index, (_, prediction) in enumerate(shifted):
        wholes = _whole_mentions(shifted, index, whole) if len(shifted) > 1 else {}
        for entity in prediction.entities:
            mention = wholes.get(entity.span, entity)
            _keep_best(entities, mention.span, mention)
        for triple in prediction.triples:
            subject = wholes.get(triple.subject.span, triple.subject)
            object_ = wholes.get(triple.object.span, triple.object)
            is_whole = subject is triple.subject and object_ is triple.object
            joined = Triple(subject, triple.relation, object_, triple.score)
            _keep_best(triples if is_whole else mended, joined.key, joined)
    triples = mended | triples  # a score given to half a mention counts only where no window saw it whole
    for triple in triples.values():
        for mention in (triple.subject, triple.object):
            entities.setdefault(mention.span, mention)
    agreed = (
        Triple(entities[triple.subject.span], triple.relation, entities[triple.object.span], triple.score)
        for triple in triples.values()
    )
    return Prediction(
        entities=tuple(sorted(entities.values(), key=lambda entity: entity.span)),
        triples=tuple(sorted(agreed, key=lambda triple: (-(triple.score or 0.0), triple.key))),
    )


def _shift(text: str, prediction: Prediction, by: int) -> Prediction:
    if not by or prediction == Prediction():
        return prediction

    def moved(entity: Entity) -> Entity:
        start, end = entity.start + by, entity.end + by
        return Entity(start, end, text[start:end], entity.type, entity.score, entity.link)

    triples = [Triple(moved(t.subject), t.relation, moved(t.object), t.score) for t in prediction.triples]
    return Prediction(tuple(map(moved, prediction.entities)), tuple(triples))


def _mentions(prediction: Prediction) -> Iterable[Entity]:
    yield from prediction.entities
    for triple in prediction.triples:
        yield triple.subject
        yield triple.object


def _whole_mentions(parts: Sequence[tuple[Span, Prediction]], index: int, whole: Span) -> dict[Span, Entity]:
    """Return, for each mention that an edge of window `index` cut, the longer mention that its neighbour saw.

    What the neighbour saw just so is not cut: it stays, also inside a longer mention.
    """
    window, prediction = parts[index]
    wholes: dict[Span, Entity] = {}
    for cut in _mentions(prediction):
        neighbours: list[Prediction] = []
        if cut.start == window.start > whole.start and index > 0:
            neighbours.append(parts[index - 1][1])
        if cut.end == window.end < whole.end and index + 1 < len(parts):
            neighbours.append(parts[index + 1][1])
        seen = [mention for neighbour in neighbours for mention in _mentions(neighbour)]
        around = [mention for mention in seen if mention.start <= cut.start and cut.end <= mention.end]
        if around and not any(mention.span == cut.span for mention in around):
            wholes[cut.span] = max(around, key=lambda it: (it.end - it.start, it.score or 0.0))
    return wholes


def _keep_best(found: dict[K, F], key: K, fact: F) -> None:
    kept = found.get(key)
    if kept is None or (fact.score or 0.0) > (kept.score or 0.0):
        found[key] = fact
