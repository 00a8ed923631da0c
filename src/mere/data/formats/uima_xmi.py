"""UIMA CAS as XMI, the export of INCEpTION and WebAnno: a document a file, or a zip archive of such files.

    <ner:NamedEntity xmi:id="3" sofa="1" begin="0" end="3" value="PER"/>
    <custom:Relation xmi:id="5" sofa="1" begin="12" end="16" Governor="3" Dependent="4" label="lives-in"/>
    <cas:Sofa xmi:id="1" sofaID="_InitialView" mimeType="text" sofaString="Ada lebt in Graz."/>

Files are read as a stream: what is not kept takes no memory, and the type system beside them is not needed.
A document type, with which entities could be declared and expanded, is refused, and so are archives that
unpack to more than they can honestly hold. Written by dkpro-cassis, with the type system.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from mere.data.formats import uima_cas, whole
from mere.data.formats.lines import Head, open_binary
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

HOLDS = uima_cas.HOLDS
ENDING = ".xmi"
MAX_BYTES = 1_000_000_000
"""Documents that unpack to more are refused."""
MAX_RATIO = 200  # unpacked to packed; honest XMI stays under 60
CHUNK = 1 << 16
MOST_AT_ONCE = 1 << 26
_XMI = "http://www.omg.org/XMI"


def looks_like(head: Head) -> bool:
    """Whether a file begins as XMI, or is a zip archive of such files."""
    if head.raw.startswith(b"PK") and zipfile.is_zipfile(head.path):
        with zipfile.ZipFile(head.path) as archive:
            return any(name.endswith(ENDING) for name in archive.namelist())
    return _XMI.encode() in head.raw


@reader(is_document=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield the document of an `.xmi` file, or the documents of a `.zip` archive of them in order of their names."""
    if zipfile.is_zipfile(records.path):
        yield from _archive(records.path, records)
        return
    with open_binary(records.path) as stream:
        yield from _document(stream, whole.id_of(records.path), records)


def _archive(path: Path, records: Records) -> Iterator[Sentence]:
    with zipfile.ZipFile(path) as archive:
        inside = sorted((item for item in archive.infolist()), key=lambda item: item.filename)
        inside = [item for item in inside if item.filename.endswith(ENDING)]
        if not inside:
            records.refuse(RecordFault("uima-archive", f"the archive holds no {ENDING} file"))
        for item in inside:
            if item.file_size > MAX_BYTES or item.file_size > MAX_RATIO * max(item.compress_size, CHUNK):
                message = f"{item.filename} unpacks from {item.compress_size:,} to {item.file_size:,} bytes"
                records.refuse(RecordFault("zip-bomb", message, "Unpack it yourself if you trust it."))
                continue
            with archive.open(item) as stream:
                yield from _document(stream, Path(item.filename).stem, records)


def _document(stream: IO[bytes], id: str, records: Records) -> Iterator[Sentence]:
    cas = uima_cas.Cas(records.tally)
    try:
        _parse(stream, cas)
        record = cas.record()
    except RecordFault as fault:
        records.refuse(fault)
        return
    yield from records.sentence(record, None, id)


def _parse(stream: IO[bytes], cas: uima_cas.Cas) -> None:
    """Give the elements of an XMI document to `cas`.

    Raises:
        RecordFault: it is damaged, too large, or no XMI.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1 and name != f"{_XMI} XMI":
            raise RecordFault("not-xmi", f"the root element is {name.rsplit(' ', 1)[-1]}, XMI was expected")
        if depth == 2:
            space, _, short = name.rpartition(" ")
            type_ = space.removeprefix("http:///").removesuffix(".ecore").replace("/", ".") + f".{short}"
            cas.take(type_.removeprefix("uima.noNamespace."), attributes.pop(f"{_XMI} id", ""), attributes)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        message = "a document type (<!DOCTYPE …>), which may declare entities"
        raise RecordFault("xml-doctype", message, "XMI has none: export the document again.")

    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, refuse
    total = 0
    try:
        # A text is one attribute, which expat reads again from its start with every chunk: these get larger.
        while chunk := stream.read(min(max(CHUNK, total), MOST_AT_ONCE)):
            total += len(chunk)
            if total > MAX_BYTES:
                raise RecordFault(
                    "too-large", f"unpacks to more than {MAX_BYTES:,} bytes", "Split the document."
                )
            parser.Parse(chunk)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        message = f"not XML that can be read: {error}"
        raise RecordFault("xml", message, "Export it again: the file may be cut short.") from None
    except (EOFError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise RecordFault(
            "archive-cut", f"the archive is damaged or cut short ({error})", "Copy it again."
        ) from None


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write a file for each sentence into a folder, with `TypeSystem.xml`, as INCEpTION imports them."""
    return uima_cas.write_folder(sentences, Path(path), ENDING)
