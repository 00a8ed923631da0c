"""The IRIs of a graph: what mentions denote, and how documents, mentions, types and statements are called.

entity/PER/marie%20curie     a node, of `Merge.normalised`; untyped/… without a type
linked/Q7186                 a node that a linking hook named; an IRI stands as it is
document/notes.txt:12        a document; its own id where that is an IRI
  #char=0,11;PER             a mention in it, in code points (as RFC 5147 and NIF have it)
  #0,11;birth-place;21,29    a statement in it, the model's name before it where there is one
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from mere.graph.iri import is_iri, legal, segment
from mere.graph.settings import GraphSettings, Merge
from mere.types import Document, Entity, Triple

Key = tuple[int, int, str | None, str | None]  # what tells mentions of a document apart
_CACHED = 1 << 16  # names kept at hand: what memory they take is bounded, whatever the corpus


def normalised(form: str) -> str:
    """Return a form as it is compared: NFKC, case folded, white space at the ends dropped and elsewhere one space."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", form).casefold())
    return " ".join(folded.split())


def mentions(document: Document) -> dict[Key, Entity]:
    """Return each mention of a document once: its entities, and subjects and objects that are not among them."""
    found: dict[Key, Entity] = {}
    for entity in document.entities:
        found.setdefault((entity.start, entity.end, entity.type, entity.link), entity)
    for triple in document.triples:
        for entity in (triple.subject, triple.object):
            found.setdefault((entity.start, entity.end, entity.type, entity.link), entity)
    return found


class Names:
    """Gives everything in a graph its IRI; the same thing the same one, in every run and every format."""

    def __init__(self, settings: GraphSettings):
        self.base, self.merge = settings.base, settings.merge
        self.model_name = settings.model
        self.model = None if settings.model is None else self.entitled("model", settings.model)
        self._model_part = "" if settings.model is None else segment(settings.model) + ";"
        self.relation = lru_cache(_CACHED)(lambda relation: f"{self.base}relation/{segment(relation)}")
        self.type = lru_cache(_CACHED)(lambda type: f"{self.base}type/{segment(type)}")
        self._segment = lru_cache(_CACHED)(segment)
        self._of_type = lru_cache(_CACHED)(lambda type: "" if type is None else f";{segment(type)}")
        self._shared = lru_cache(_CACHED)(self.shared)

    def entitled(self, kind: str, id: str) -> str:
        """Return the IRI of something with an id of its own: the id where it is an IRI, else under `kind`."""
        return legal(id) if is_iri(id) else f"{self.base}{kind}/{segment(id)}"

    def document(self, id: str) -> str:
        return self.entitled("document", id).replace("#", "%23")  # its parts are named by the fragment

    def node(self, entity: Entity, document: str) -> str:
        """Return the IRI of what a mention in `document`, an IRI, denotes."""
        if entity.link is not None:
            return self.entitled("linked", entity.link)
        if self.merge is Merge.none:
            return f"{document}#entity={entity.start},{entity.end}{self._of_type(entity.type)}"
        return self._shared(entity.text, entity.type)

    def mention(self, entity: Entity, document: str) -> str:
        return f"{document}#char={entity.start},{entity.end}{self._of_type(entity.type)}"

    def statement(self, triple: Triple, document: str) -> str:
        subject, object = triple.subject, triple.object
        return (
            f"{document}#{self._model_part}{subject.start},{subject.end};{self._segment(triple.relation)};"
            f"{object.start},{object.end}"
        )

    def shared(self, text: str, type: str | None) -> str:
        """Return the IRI of a node that mentions share, for `Merge.exact` and `Merge.normalised`."""
        form = segment(normalised(text) if self.merge is Merge.normalised else text)
        return (
            f"{self.base}untyped/{form}"
            if type is None
            else f"{self.base}entity/{self._segment(type)}/{form}"
        )
