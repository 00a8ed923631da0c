"""What a UIMA CAS says, however it is serialised: its feature structures, taken one by one, to one document.

INCEpTION and WebAnno write the same types: DKPro's `NamedEntity` with its `value`, layers of their users
(`webanno.custom.…`, `custom.Span`), relations with a `Governor` and a `Dependent`. A mention's type is its feature
`value` or `label`, else its sole string feature, else the layer's name. Tokens are kept as offsets; every other
layer is counted. Only the text and what is kept stay in memory. Offsets count UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mere.data.formats import whole
from mere.data.formats.extras import library
from mere.data.formats.holds import TOKENS, Holds
from mere.data.formats.record import RecordFault
from mere.data.formats.records import linked, mention, relation
from mere.data.formats.tally import Tally, Written
from mere.data.formats.utf16 import Utf16
from mere.types import Sentence

EXTRA = "uima"
HOLDS = Holds(one="a file", offsets="UTF-16 units", scores=False, keys=False, needs=EXTRA)

_NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type."
_NAMED_ENTITY = _NER + "NamedEntity"
_RELATION = "webanno.custom.Relation"
_METADATA = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
_TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
_LAYERS = (_NER, "webanno.custom.", "custom.")
_NOT_LABELS = {"begin", "end", "sofa", "Governor", "Dependent", "identifier", "order", "uiOrder"}
_LABELS = ("value", "label")
_NO_LANGUAGE = "x-unspecified"


@dataclass
class Cas:
    """The feature structures of one document, taken in any order.

    Args:
        tally: counts the layers that are not kept.
    """

    tally: Tally
    texts: dict[str, str] = field(default_factory=dict)  # of each view's sofa, by its id
    initial: str | None = None
    title: str | None = None
    language: str | None = None
    mentions: dict[str, tuple[str, int, int, str | None]] = field(
        default_factory=dict
    )  # id: sofa, begin, end, type
    relations: list[tuple[str, str, str]] = field(default_factory=list)  # Governor, its label, Dependent
    tokens: list[tuple[str, int, int]] = field(default_factory=list)

    def take(self, type: str, id: str, features: Mapping[str, Any]) -> None:
        """Take one feature structure: its full type, its id, and its features, references as ids.

        Raises:
            RecordFault: its offsets are no numbers.
        """
        short = type.rsplit(".", 1)[-1]
        if type == "uima.cas.Sofa":
            if features.get("sofaString") is not None:
                self.texts[id] = features["sofaString"]
                if features.get("sofaID") == "_InitialView":
                    self.initial = id
        elif type in (_METADATA, "uima.tcas.DocumentAnnotation"):
            self.title = features.get("documentTitle") or self.title
            language = features.get("language")
            self.language = language if language and language != _NO_LANGUAGE else self.language
        elif type == _TOKEN:
            self.tokens.append(_place(features, short))
        elif "Governor" in features and "Dependent" in features and layer_is_read(type):
            ends = str(features["Governor"]), str(features["Dependent"])
            self.relations.append((ends[0], label_of(features) or short, ends[1]))
        elif "begin" in features and layer_is_read(type):
            label = label_of(features)
            self.mentions[id] = (*_place(features, short), label if type == _NAMED_ENTITY else label or short)
        elif "begin" in features:
            self.tally.lost[f"annotations of the layer {short}"] += 1
        elif short.endswith("Link"):
            self.tally.lost["slots of events"] += 1

    def record(self) -> dict[str, Any]:
        """Return the document with mere's keys.

        Raises:
            RecordFault: it has no text.
        """
        sofa = self.initial if self.initial is not None else next(iter(self.texts), None)
        if sofa is None:
            cure = "Export the document as UIMA CAS XMI or JSON, with its text."
            raise RecordFault("uima-no-text", "no text (a Sofa with its sofaString) in this document", cure)
        text = self.texts[sofa]
        unit = Utf16(text)
        lost = self.tally.lost
        entities = {
            id_: mention(unit.to_code_points(begin), unit.to_code_points(end), label)
            for id_, (where, begin, end, label) in self.mentions.items()
            if where == sofa and begin < end
        }
        lost["mentions of other views"] += sum(where != sofa for where, *_ in self.mentions.values())
        lost["mentions of no character"] += sum(
            where == sofa and begin == end for where, begin, end, _ in self.mentions.values()
        )
        triples = []
        for governor, label, dependent in self.relations:
            if governor in entities and dependent in entities:
                triples.append(relation(entities[governor], label, entities[dependent]))
            else:
                lost["relations of what is not kept"] += 1
        record: dict[str, Any] = {"text": text, "entities": list(entities.values()), "triples": triples}
        tokens = [
            [unit.to_code_points(begin), unit.to_code_points(end)]
            for where, begin, end in sorted(self.tokens, key=lambda token: token[1])
            if where == sofa and begin < end
        ]
        record |= {TOKENS: tokens} if tokens else {}
        record |= {"lang": self.language} if self.language else {}
        return record | ({"id": self.title} if self.title else {})


def layer_is_read(type: str) -> bool:
    """Whether a layer's annotations are mentions or relations: named entities and the layers of users."""
    return type.startswith(_LAYERS)


def _place(features: Mapping[str, Any], short: str) -> tuple[str, int, int]:
    try:
        return str(features.get("sofa")), int(features["begin"]), int(features["end"])
    except (KeyError, TypeError, ValueError):
        raise RecordFault("uima-offsets", f"a {short} without the numbers begin and end") from None


def label_of(features: Mapping[str, Any]) -> str | None:
    """Return what names a mention or a relation: its `value`, its `label`, or its sole string feature."""
    for key in _LABELS:
        if features.get(key):
            return str(features[key])
    strings = [
        value
        for key, value in features.items()
        if key not in _NOT_LABELS and isinstance(value, str) and value
    ]
    return strings[0] if len(strings) == 1 else None


def type_system() -> Any:
    """Return the types that mere writes, for dkpro-cassis.

    Raises:
        UserError: it is not installed.
    """
    types = library("cassis", EXTRA).TypeSystem()
    annotation = "uima.tcas.Annotation"
    entity = types.create_type(_NAMED_ENTITY, annotation)
    types.create_feature(entity, "value", "uima.cas.String")
    arrow = types.create_type(_RELATION, annotation)
    types.create_feature(arrow, "label", "uima.cas.String")
    for end in ("Governor", "Dependent"):
        types.create_feature(arrow, end, annotation)
    document = types.create_type(_METADATA, "uima.tcas.DocumentAnnotation")
    for name in ("documentId", "documentTitle"):
        types.create_feature(document, name, "uima.cas.String")
    return types


def to_cas(sentence: Sentence, types: Any) -> Any:
    """Return a sentence as a Cas of dkpro-cassis, with `types` as its type system."""
    cas = library("cassis", EXTRA).Cas(types)
    cas.sofa_string, cas.sofa_mime = sentence.text, "text/plain"
    document = types.get_type(_METADATA)
    about = {"language": sentence.lang, "documentId": sentence.id, "documentTitle": sentence.id}
    cas.add(document(begin=0, end=len(sentence.text), **about))
    entities, links = linked(sentence)
    named, arrow = types.get_type(_NAMED_ENTITY), types.get_type(_RELATION)
    mentions = [named(begin=entity.start, end=entity.end, value=entity.type) for entity in entities]
    cas.add_all(mentions)
    for link in links:
        ends = {"Governor": mentions[link.subject], "Dependent": mentions[link.object]}
        there = entities[link.object]
        cas.add(arrow(begin=there.start, end=there.end, label=link.triple.relation, **ends))
    return cas


def write_folder(sentences: Any, folder: Path, ending: str) -> Written:
    """Write a file for each sentence, `TypeSystem.xml` beside those of XMI, and count what they do not hold."""
    types = type_system()
    whole.make_folder(folder)
    written = Written()
    names = whole.Names(written.lost)
    for sentence in sentences:
        whole.encoded(sentence.text, sentence)
        cas = to_cas(sentence, types)
        try:
            data = cas.to_xmi() if ending == ".xmi" else cas.to_json()
        except ValueError:
            written.left_out["characters that XML cannot hold"] += 1
            continue
        whole.write_bytes(data.encode(), folder / f"{names(sentence.id)}{ending}")
        HOLDS.count_lost(sentence, written.lost)
        written.sentences += 1
    if ending == ".xmi":
        whole.write_bytes(types.to_xml().encode(), folder / "TypeSystem.xml")
    return written
