"""How far decoding looks: what is less probable, or longer, than these limits is not named."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of decoding; a recipe sets them (mere.config.DecodingSettings).

    Args:
        relations: most probable relations of a sentence whose subjects and objects are looked for.
        min_relation: least probability of such a relation.
        spans_per_role: most probable subjects, and objects, of a relation that are joined to pairs.
        min_span: least probability of a subject or an object.
        longest_span: pieces of a subject or an object.
    """

    relations: int = 6
    min_relation: float = 0.02
    spans_per_role: int = 3
    min_span: float = 0.03
    longest_span: int = 48
