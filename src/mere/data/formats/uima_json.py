"""UIMA CAS as JSON, the other export of INCEpTION: a document a file, with its types.

{"%TYPES": {…}, "%FEATURE_STRUCTURES": [
  {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaID": "_InitialView", "sofaString": "Ada lebt in Graz."},
  {"%ID": 3, "%TYPE": "….NamedEntity", "@sofa": 1, "begin": 0, "end": 3, "value": "PER"}], "%VIEWS": {…}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from mere.data.formats import uima_cas, whole
from mere.data.formats.lines import Head
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

HOLDS = uima_cas.HOLDS
ENDING = ".json"
STRUCTURES = "%FEATURE_STRUCTURES"


def looks_like(head: Head) -> bool:
    """Whether a file begins with the types or the feature structures of a CAS."""
    return b'"%TYPES"' in head.raw or f'"{STRUCTURES}"'.encode() in head.raw


@reader(is_document=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield the document of a `.json` file."""
    text = whole.read_text(records.path, records.problems)
    if text is None:
        return
    cas = uima_cas.Cas(records.tally)
    try:
        _take(text, cas)
        record = cas.record()
    except RecordFault as fault:
        records.refuse(fault)
        return
    yield from records.sentence(record, None, whole.id_of(records.path))


def _take(text: str, cas: uima_cas.Cas) -> None:
    """Give the feature structures of a document to `cas`.

    Raises:
        RecordFault: it is no JSON, or no CAS.
    """
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        cure = "Export it again: the file may be cut short."
        raise RecordFault("json", f"not JSON that can be read: {error}", cure) from None
    structures = document.get(STRUCTURES) if isinstance(document, dict) else None
    if isinstance(structures, dict):  # the other way to write them: by id
        structures = [{"%ID": id_, **item} for id_, item in structures.items()]
    if not isinstance(structures, list) or not all(isinstance(item, dict) for item in structures):
        raise RecordFault("not-cas", f'no UIMA CAS: the list "{STRUCTURES}" is missing')
    for item in structures:
        features = {key.removeprefix("@"): value for key, value in item.items() if key[:1] != "%"}
        cas.take(str(item.get("%TYPE")), str(item.get("%ID")), features)


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write a file for each sentence into a folder."""
    return uima_cas.write_folder(sentences, Path(path), ENDING)
