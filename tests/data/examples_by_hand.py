"""Examples written down by hand."""

from __future__ import annotations

import numpy as np

from mere.data.examples import Annotated, PieceEntity, PieceSpan, PieceTriple

NUM_FEATURES = 2


def make(
    length: int,
    triples: tuple[tuple[tuple[int, int], int, tuple[int, int]], ...] = (),
    *,
    covered: tuple[bool, ...] = (True, True, True),
    complete: bool = True,
    lang_id: int = 1,
    stated: tuple[int, ...] | None = None,
    entities: tuple[tuple[int, int, int], ...] = (),
    known: tuple[bool, ...] = (),
    begins: tuple[bool, ...] | None = None,
) -> Annotated:
    return Annotated(
        pieces=np.arange(1, 1 + length * NUM_FEATURES, dtype=np.int32).reshape(length, NUM_FEATURES),
        lang_id=lang_id,
        triples=tuple(PieceTriple(PieceSpan(*s), r, PieceSpan(*o)) for s, r, o in triples),
        relations_stated=stated if stated is not None else tuple(sorted({t[1] for t in triples})),
        is_covered=np.array(covered),
        complete=complete,
        mentions=tuple(dict.fromkeys(PieceSpan(*span) for s, _, o in triples for span in (s, o))),
        entities=tuple(PieceEntity(*entity) for entity in entities),
        is_type_known=np.array(known, dtype=bool),
        begins_word=np.ones(length, dtype=bool) if begins is None else np.array(begins),
    )
