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
        self.asserted: Callable[[str, str, str], str]
        if settings.rdf is not Rdf.v1_1:
            self.asserted = _with_triple_term
        else:
            self.asserted = _in_named_graph if in_graphs else _reified
        model = self.names.model
        self.attributed = "" if model is None else f"<{v.AGENT}> <{model}>"
        self.forms: dict[tuple[str, str | None], tuple[str, str]] = {}

    def of(self, items: Iterable[Item]) -> Iterator[str]:
        for item in items:
            parts: list[str] = []
            self._write(item, parts)
            yield "".join(parts)

    def _write(self, item: Item, parts: list[str]) -> None:
        document = self.names.document(item.id)
        end = f" <{document}> .\n" if self.in_document_graph else " .\n"
        parts.append(f"<{document}> <{v.IDENTIFIER}> {quoted(item.id)} .\n")
        if item.document.lang is not None:
            parts.append(f"<{document}> <{v.LANGUAGE}> {quoted(item.document.lang)} .\n")
        nodes: dict[Key, tuple[str, str]] = {}
        for entity in mentions(item.document):
            node, form = self._form(entity, document, parts)
            mention = f"<{self.names.mention(entity, document)}>"
            nodes[entity.start, entity.end, entity.type, entity.link] = node, mention
            parts.append(
                f"{mention} <{v.CONTEXT}> <{document}>{end}"
                f'{mention} <{v.BEGIN}> "{entity.start}"^^<{v.INTEGER}>{end}'
                f'{mention} <{v.END}> "{entity.end}"^^<{v.INTEGER}>{end}'
                f"{mention} <{v.ANCHOR}> {form}{end}"
                f"{mention} <{v.DENOTES}> {node}{end}"
            )
            if entity.score is not None:
                parts.append(f'{mention} <{v.SCORE}> "{entity.score:.4f}"^^<{v.DECIMAL}>{end}')
        for triple in item.document.triples:
            subject, object = triple.subject, triple.object
            subject_node, subject_mention = nodes[subject.start, subject.end, subject.type, subject.link]
            object_node, object_mention = nodes[object.start, object.end, object.type, object.link]
            statement = f"<{self.names.statement(triple, document)}>"
            fact = f"{subject_node} <{self.names.relation(triple.relation)}> {object_node}"
            parts.append(
                f"{self.asserted(fact, statement, end)}"
                f"{statement} <{v.SUBJECT_MENTION}> {subject_mention}{end}"
                f"{statement} <{v.OBJECT_MENTION}> {object_mention}{end}"
                f"{statement} <{v.SOURCE}> <{document}>{end}"
            )
            if triple.score is not None:
                parts.append(f'{statement} <{v.SCORE}> "{triple.score:.4f}"^^<{v.DECIMAL}>{end}')
            if self.attributed:
                parts.append(f"{statement} {self.attributed}{end}")

    def _form(self, entity: Entity, document: str, parts: list[str]) -> tuple[str, str]:
        """Return a mention's node and its form as terms; says what there is to say of the node, unless it just did."""
        shared = entity.link is None and self.names.merge is not Merge.none
        key = (entity.text, entity.type)
        if shared and key in self.forms:
            return self.forms[key]
        node, form = f"<{self.names.node(entity, document)}>", quoted(entity.text)
        if entity.type is not None:
            parts.append(f"{node} <{v.TYPE}> <{self.names.type(entity.type)}> .\n")
        parts.append(f"{node} <{v.LABEL}> {form} .\n")
        if shared:
            if len(self.forms) == _DECLARED:
                self.forms.clear()
            self.forms[key] = node, form
        return node, form


def _with_triple_term(fact: str, statement: str, end: str) -> str:
    return f"{fact}{end}{statement} <{v.REIFIES}> <<( {fact} )>>{end}"


def _in_named_graph(fact: str, statement: str, end: str) -> str:
    return f"{fact} {statement} .\n"


def _reified(fact: str, statement: str, end: str) -> str:
    subject, predicate, object = fact.split(" ")  # IRIs hold no space
    return (
        f"{fact}{end}{statement} <{v.TYPE}> <{v.STATEMENT}>{end}{statement} <{v.SUBJECT}> {subject}{end}"
        f"{statement} <{v.PREDICATE}> {predicate}{end}{statement} <{v.OBJECT}> {object}{end}"
    )
