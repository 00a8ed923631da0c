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
from mere.data.formats.problems import Problem
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records
from mere.data.formats.tally import Tally, Written
from mere.types import Sentence

HOLDS = uima_cas.HOLDS
ENDING = ".json"
STRUCTURES = "%FEATURE_STRUCTURES"


def looks_like(head: Head) -> bool:
    """Whether a file begins with the types or the feature structures of a CAS."""
    return b'"%TYPES"' in head.raw or f'"{STRUCTURES}"'.encode() in head.raw


def read(
    path: Path | str,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield the document of a `.json` file, plain or gzip.

    Args:
        path: the file.
        problems: where to note what is wrong; None: it is raised.
        reading: what the user says of the file.
        tally: counts what was lost.

    Raises:
        DataError: the file cannot be read or is wrong, and `problems` is None.
    """
    path = Path(path)
    records = Records(path, problems, reading, tally or Tally(), is_document=True)
    text = whole.read_text(path, problems)
    if text is None:
        return
    cas = uima_cas.Cas(records.tally)
    try:
        _take(text, cas)
        record = cas.record()
    except RecordFault as fault:
        records.refuse(fault)
        return
    sentence = records.sentence(record, None, whole.id_of(path))
    if sentence is not None:
        yield sentence


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
    """Write a file for each sentence into a folder.

    Raises:
        UserError: dkpro-cassis is not installed.
        DataError: a file cannot be written.
    """
    return uima_cas.write_folder(sentences, Path(path), ENDING)
