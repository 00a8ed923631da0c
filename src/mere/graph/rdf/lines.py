"""N-Triples and N-Quads: one statement a line, so that files can be cut, sorted and joined.

N-Quads put what a document says, and its mentions, into a graph that the document names; what is said of entities
holds beyond one document and stands in the default graph. In RDF 1.1 each triple has a named graph to itself, and
what is known of that graph stands in the default graph; N-Triples, which have no graphs, reify it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mere.graph.names import Key, Names, mentions
from mere.graph.rdf import vocabulary as v
from mere.graph.rdf.literals import quoted
from mere.graph.settings import GraphSettings, Item, Merge, Rdf
from mere.types import Entity

_DECLARED = (
    1 << 16
)  # nodes known to be declared; at that many they are forgotten, and declared once more when met


_IDENTIFIER, _LANGUAGE = f" <{v.IDENTIFIER}> ", f" <{v.LANGUAGE}> "
_CONTEXT, _ANCHOR, _DENOTES = f" <{v.CONTEXT}> ", f" <{v.ANCHOR}> ", f" <{v.DENOTES}> "
_BEGIN, _END, _INTEGER = f' <{v.BEGIN}> "', f' <{v.END}> "', f'"^^<{v.INTEGER}>'
_SCORE, _DECIMAL = f' <{v.SCORE}> "', f'"^^<{v.DECIMAL}>'
_SUBJECT, _OBJECT, _SOURCE = f" <{v.SUBJECT_MENTION}> ", f" <{v.OBJECT_MENTION}> ", f" <{v.SOURCE}> "
_REIFIES = f" <{v.REIFIES}> <<( "


def ntriples(items: Iterable[Item], settings: GraphSettings) -> Iterator[str]:
    """Yield a document's lines at a time."""
    return _Lines(settings, in_graphs=False).of(items)


def nquads(items: Iterable[Item], settings: GraphSettings) -> Iterator[str]:
    """Yield a document's lines at a time."""
    return _Lines(settings, in_graphs=True).of(items)


class _Lines:
    """Writes documents one after the other; repeats what it said of an entity rather than remember all of them."""

    def __init__(self, settings: GraphSettings, *, in_graphs: bool):
        self.names = Names(settings)
        self.in_document_graph = in_graphs and settings.rdf is not Rdf.v1_1
        self.asserted: Callable[[str, str, str, str, str], str]
        if settings.rdf is not Rdf.v1_1:
            self.asserted = _with_triple_term
        else:
            self.asserted = _in_named_graph if in_graphs else _reified
        model = self.names.model
        self.attributed = "" if model is None else f" <{v.AGENT}> <{model}>"
        self.forms: dict[tuple[str, str | None], tuple[str, str]] = {}

    def of(self, items: Iterable[Item]) -> Iterator[str]:
        for item in items:
            parts: list[str] = []
            self._write(item, parts)
            yield "".join(parts)

    def _write(self, item: Item, parts: list[str]) -> None:
        document = self.names.document(item.id)
        end = f" <{document}> .\n" if self.in_document_graph else " .\n"
        parts.append(f"<{document}>{_IDENTIFIER}{quoted(item.id)} .\n")
        if item.document.lang is not None:
            parts.append(f"<{document}>{_LANGUAGE}{quoted(item.document.lang)} .\n")
        nodes: dict[Key, tuple[str, str]] = {}
        for key, entity in mentions(item.document).items():
            node, form = self._form(entity, document, parts)
            mention = f"<{self.names.mention(entity, document)}>"
            nodes[key] = node, mention
            parts.append(
                f"{mention}{_CONTEXT}<{document}>{end}{mention}{_BEGIN}{entity.start}{_INTEGER}{end}"
                f"{mention}{_END}{entity.end}{_INTEGER}{end}{mention}{_ANCHOR}{form}{end}"
                f"{mention}{_DENOTES}{node}{end}"
            )
            if entity.score is not None:
                parts.append(f"{mention}{_SCORE}{entity.score:.4f}{_DECIMAL}{end}")
        for triple in item.document.triples:
            subject, object = triple.subject, triple.object
            s, subject_mention = nodes[subject.start, subject.end, subject.type, subject.link]
            o, object_mention = nodes[object.start, object.end, object.type, object.link]
            statement = f"<{self.names.statement(triple, document)}>"
            parts.append(
                f"{self.asserted(s, self.names.relation(triple.relation), o, statement, end)}"
                f"{statement}{_SUBJECT}{subject_mention}{end}{statement}{_OBJECT}{object_mention}{end}"
                f"{statement}{_SOURCE}<{document}>{end}"
            )
            if triple.score is not None:
                parts.append(f"{statement}{_SCORE}{triple.score:.4f}{_DECIMAL}{end}")
            if self.attributed:
                parts.append(f"{statement}{self.attributed}{end}")

    def _form(self, entity: Entity, document: str, parts: list[str]) -> tuple[str, str]:
        """Return a mention's node and its form as terms; says what there is to say of the node, unless it just did."""
        shared = entity.link is None and self.names.merge is not Merge.none
        key = (entity.text, entity.type)
        if shared and key in self.forms:
            return self.forms[key]
        node = self.names.shared(*key) if shared else self.names.node(entity, document)
        form = quoted(entity.text)
        if entity.type is not None:
            parts.append(f"<{node}> <{v.TYPE}> <{self.names.type(entity.type)}> .\n")
        parts.append(f"<{node}> <{v.LABEL}> {form} .\n")
        if shared:
            if len(self.forms) == _DECLARED:
                self.forms.clear()
            self.forms[key] = f"<{node}>", form
        return f"<{node}>", form


def _with_triple_term(s: str, p: str, o: str, statement: str, end: str) -> str:
    return f"{s} <{p}> {o}{end}{statement}{_REIFIES}{s} <{p}> {o} )>>{end}"


def _in_named_graph(s: str, p: str, o: str, statement: str, end: str) -> str:
    return f"{s} <{p}> {o} {statement} .\n"


def _reified(s: str, p: str, o: str, statement: str, end: str) -> str:
    return (
        f"{s} <{p}> {o}{end}{statement} <{v.TYPE}> <{v.STATEMENT}>{end}{statement} <{v.SUBJECT}> {s}{end}"
        f"{statement} <{v.PREDICATE}> <{p}>{end}{statement} <{v.OBJECT}> {o}{end}"
    )
