"""A stream is answered while it goes on: lines come whole, and a pause is told."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from mere.inference.arriving import Arriving
from mere.inference.extractor import Extractor
from tests.bulk import by_rule


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"bc\nd", "ö".encode()[:1]]), max_size=12))
def test_lines_are_those_of_a_file(pieces: list[bytes]) -> None:
    out, into = os.pipe()
    os.write(into, b"".join(pieces))
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        lines = list(Arriving(stream.fileno()))
    assert [line for line in lines if line is not None] == list(io.BytesIO(b"".join(pieces)))


def test_a_pause_is_told_once_and_the_stream_goes_on() -> None:
    out, into = os.pipe()
    lines = iter(Arriving(out))
    os.write(into, b"a\nb\nc")
    assert [next(lines) for _ in range(3)] == [b"a\n", b"b\n", None]
    threading.Timer(0.1, os.write, (into, b"d\n")).start()
    assert [next(lines) for _ in range(2)] == [b"cd\n", None]
    os.close(into)
    assert list(lines) == []
    os.close(out)


def test_a_pause_among_texts_has_those_before_it_answered() -> None:
    read = []

    def texts() -> Iterator[tuple[str, str] | None]:
        for item in ("Ada kam.", "Bo ging.", None, "Cy blieb."):
            read.append(item)
            yield item and (item, "de")

    found = Extractor(by_rule.ByRule()).extract_pairs(texts())
    assert next(found).text == "Ada kam."
    assert read == ["Ada kam.", "Bo ging.", None]
    assert [document.text for document in found] == ["Bo ging.", "Cy blieb."]
