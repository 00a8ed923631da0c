"""spaCy's DocBin, the `.spacy` files that it trains from: documents of tokens, entities and spans.

Entities are `doc.ents`; those that overlap one stand in the span group "sc", spaCy's for overlapping spans. spaCy
has no relations. What else mere knows of a sentence is a string of JSON in `doc.user_data["mere"]`, which spaCy
carries along. Categories, parses, custom attributes and other span groups are counted.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mere.data.formats import whole
from mere.data.formats.cut import fitting_tokens, without_overlaps
from mere.data.formats.extras import library
from mere.data.formats.holds import ENTITY, NO_RELATIONS, TOKENS, Holds
from mere.data.formats.lines import Head
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, counted, keys_of, mention, reader
from mere.data.formats.tally import Tally, Written
from mere.types import Sentence, Span

EXTRA = "spacy"
HOLDS = Holds(
    one="a document of a file", offsets="tokens", untyped=False, relations=False, scores=False, needs=EXTRA
)
ENDING = ".spacy"
GROUP = "sc"
OWN = "mere"
_ANNOTATIONS = ("TAG", "LEMMA", "DEP")


def looks_like(head: Head) -> bool:
    """Whether a file is named `.spacy` and holds a zlib stream."""
    return head.path.suffix == ENDING and head.raw[:1] == b"\x78"


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the documents of a `.spacy` file; the offsets of their tokens are in `extra["tokens"]`.

    Raises:
        UserError: spaCy is not installed.
    """
    docbin, vocab = library("spacy.tokens", EXTRA).DocBin, library("spacy.vocab", EXTRA).Vocab()
    data = whole.read_bytes(records.path, records.problems)
    if data is None:
        return
    try:
        _refuse_bomb(data)
        docs = enumerate(docbin().from_bytes(data).get_docs(vocab), 1)
        for number, doc in docs:
            record = _record(doc, records.tally)
            yield from records.sentence(record, None, f"{records.stem}:{number}")
    except RecordFault as fault:
        records.refuse(fault)
    except (zlib.error, ValueError, KeyError, TypeError, IndexError) as error:
        message = f"no DocBin that can be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        records.refuse(
            RecordFault("docbin", message, "Write it again with DocBin.to_disk: it may be cut short.")
        )


def _refuse_bomb(data: bytes) -> None:
    stream = zlib.decompressobj()
    size = len(stream.decompress(data, whole.MAX_BYTES))
    if stream.unconsumed_tail and size >= whole.MAX_BYTES:
        raise RecordFault(
            "too-large", f"unpacks to more than {whole.MAX_BYTES:,} bytes", "Split it into several."
        )


def _record(doc: Any, tally: Tally) -> dict[str, Any]:
    """Return a document with mere's keys."""
    own = doc.user_data.get(OWN)
    record: dict[str, Any] = json.loads(own) if isinstance(own, str) else {}
    spans = dict.fromkeys(
        (span.start_char, span.end_char, span.label_) for span in [*doc.ents, *doc.spans.get(GROUP, [])]
    )
    record["text"] = doc.text
    record["entities"] = [mention(start, end, label or None) for start, end, label in spans]
    record[TOKENS] = [[token.idx, token.idx + len(token)] for token in doc]
    record.setdefault("relations_covered", sorted(NO_RELATIONS))
    if own is None and len(doc) and GROUP not in doc.spans and not doc.has_annotation("ENT_IOB"):
        record["types_covered"] = []  # nobody looked for entities
    for name in doc.spans:
        tally.lost[f'spans of the group "{name}"'] += 0 if name == GROUP else len(doc.spans[name])
    tally.lost["categories of texts"] += len(doc.cats)
    tally.lost["custom attributes"] += len(doc.user_data) - (own is not None)
    tally.lost["ids of entities in a knowledge base"] += sum(bool(entity.kb_id_) for entity in doc.ents)
    for name in _ANNOTATIONS:
        tally.lost[f"texts whose tokens have {name}"] += doc.has_annotation(name) if len(doc) else 0
    return record


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write sentences as the documents of one file; tokens as `fitting_tokens` has them."""
    docbin = library("spacy.tokens", EXTRA).DocBin(store_user_data=True)
    vocab = library("spacy.vocab", EXTRA).Vocab()
    written = Written()
    for sentence in counted(sentences, written, HOLDS):
        docbin.add(_doc(sentence, vocab, written))
    whole.write_bytes(docbin.to_bytes(), Path(path))
    return written


def _doc(sentence: Sentence, vocab: Any, written: Written) -> Any:
    tokens, spaces = _with_spaces(sentence)
    doc = library("spacy.tokens", EXTRA).Doc(
        vocab, words=[sentence.text[a:b] for a, b in tokens], spaces=spaces
    )
    first = {token.start: place for place, token in enumerate(tokens)}
    last = {token.end: place + 1 for place, token in enumerate(tokens)}
    span = library("spacy.tokens", EXTRA).Span
    apart = set(without_overlaps(sentence.entities))
    spans = [
        (e in apart, span(doc, first[e.start], last[e.end], label=e.type or ENTITY))
        for e in sentence.entities
    ]
    doc.set_ents([made for is_apart, made in spans if is_apart], default="outside")
    if len(apart) < len(spans):
        doc.spans[GROUP] = [made for is_apart, made in spans if not is_apart]
    keys = keys_of(sentence, (), written)
    keys.pop("relations_covered", None)
    keys.pop(TOKENS, None)
    doc.user_data[OWN] = json.dumps(keys, ensure_ascii=False)
    return doc


def _with_spaces(sentence: Sentence) -> tuple[list[Span], list[bool]]:
    """Return tokens that make the whole text, and whether a space follows each: other white space is a token."""
    tokens: list[Span] = []
    spaces: list[bool] = []
    at, text = 0, sentence.text
    end = Span(len(text), len(text))
    for token in [*fitting_tokens(sentence, [entity.span for entity in sentence.entities]), end]:
        if at < token.start and tokens and text[at] == " ":
            spaces[-1] = True
            at += 1
        if at < token.start:
            tokens.append(Span(at, token.start))
            spaces.append(False)
        if token.start < token.end:
            tokens.append(token)
            spaces.append(False)
        at = token.end
    return tokens, spaces
