"""A request's body: read within limits of size and time, decoded strictly, checked against its schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mere.errors import DataError
from mere.inference.io import check_text
from mere.serving.batching import TextRequest
from mere.serving.problems import ProblemError
from mere.serving.settings import ServingSettings

M = TypeVar("M", bound=BaseModel)
JSON = "application/json"
NDJSON = "application/x-ndjson"


class TextItem(BaseModel):
    """One text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(description="the text; offsets in the answer are code points of it")
    lang: str | None = Field(None, description="its language's code; null: it is identified")


class ExtractRequest(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "oneOf": [
                {
                    "required": [given],
                    "properties": {given: {"type": kind}, other: {"type": "null"}},
                }
                for given, kind, other in (("text", "string", "texts"), ("texts", "array", "text"))
            ]
        },
    )

    text: str | None = Field(None, description="one text; the answer is one document")
    lang: str | None = Field(
        None, description="the language of texts that state none; null: it is identified"
    )
    texts: list[TextItem] | None = Field(None, description="several texts; the answer has as many documents")
    model: str | None = Field(None, description="a name from /v1/models; null: the first")
    min_score: float = Field(0.0, ge=0, le=1, description="triples and entities below it are left out")
    sentences: bool = Field(
        False,
        description="documents say where their sentences are and in which language, "
        "even where all are in one",
    )


def media_type(request: Request) -> str:
    """Return the media type of the body.

    Raises:
        ProblemError: 415, neither JSON nor NDJSON, a charset that is not UTF-8, or compressed.
    """
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise ProblemError(415, f'Content-Encoding is "{encoding[:100]}"; send the body as it is.')
    given = request.headers.get("content-type", JSON)
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    charsets = [p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")]
    if kind not in (JSON, NDJSON) or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise ProblemError(
            415,
            f'Content-Type is "{given[:100]}"; send {JSON} or {NDJSON}, in UTF-8.',
            headers={"Accept": JSON},
        )
    return kind


async def whole_body(request: Request, settings: ServingSettings) -> bytes:
    """Return the body.

    Raises:
        ProblemError: 413, it is too large; 408, it did not arrive in time.
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > settings.max_body_bytes:
        raise _too_large(settings)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > settings.max_body_bytes:
                    raise _too_large(settings)
                chunks.append(chunk)
    except TimeoutError:
        raise ProblemError(
            408,
            f"The body did not arrive within {settings.body_timeout_s:g} s.",
            headers={"Connection": "close"},
        ) from None
    return b"".join(chunks)


def _too_large(settings: ServingSettings) -> ProblemError:
    return ProblemError(
        413,
        f"The body has more than {settings.max_body_bytes:,} bytes. Send less at a time, or stream {NDJSON}.",
        headers={"Connection": "close"},
    )


def parse_json(raw: bytes, where: str) -> Any:
    """Return what a piece of JSON says.

    Raises:
        ProblemError: 400, it is not UTF-8 or not JSON.
    """

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    try:
        return json.loads(raw.decode("utf-8"), parse_constant=refuse, object_pairs_hook=_each_key_once)
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"{where}: byte {error.start} is not UTF-8.") from None
    except RecursionError:
        raise ProblemError(400, f"{where}: nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ProblemError(
            400, f"{where}: not JSON at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except ValueError as error:  # NaN, Infinity, numbers of thousands of digits, a key twice
        raise ProblemError(400, _printable(f"{where}: {error}.")) from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f'"{twice[:100]}" stands in one object twice')
    return found


def parse_request(raw: bytes, settings: ServingSettings) -> ExtractRequest:
    """Return a checked request.

    Raises:
        ProblemError: 400, not JSON; 422, not what the schema says, or a text that is none or too long.
    """
    request = validated(ExtractRequest, parse_json(raw, "body"), "body")
    if (request.text is None) == (request.texts is None):
        raise ProblemError(422, 'body: give either "text" (one text) or "texts" (a list).')
    if request.texts is not None and len(request.texts) > settings.max_texts:
        raise ProblemError(
            422,
            f"body: {len(request.texts):,} texts, at most {settings.max_texts:,} are taken. Or stream {NDJSON}.",
        )
    return request


def text_request(item: TextItem, lang: str | None, where: str, settings: ServingSettings) -> TextRequest:
    """Return a checked text.

    Raises:
        ProblemError: 422, half a character in it, or too long.
    """
    if len(item.text) > settings.max_characters:
        raise ProblemError(
            422,
            f"{where}: {len(item.text):,} characters, at most {settings.max_characters:,} are taken. Split the text.",
        )
    lang = item.lang if item.lang is not None else lang
    try:
        check_text(item.text, where)
        check_text(lang or "", f"{where}, lang")
    except DataError as error:
        raise ProblemError(422, str(error)) from None
    return TextRequest(item.text, lang)


def validated(model: type[M], record: Any, where: str) -> M:
    """Return a record checked against its schema.

    Raises:
        ProblemError: 422, names every key at fault.
    """
    try:
        return model.model_validate(record)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or where}: {e['msg']}" for e in error.errors()[:10]]
        raise ProblemError(422, _printable("; ".join(faults))) from None


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")[:2000]


async def lines_of(request: Request, settings: ServingSettings) -> AsyncIterator[bytes]:
    """Yield the lines of a body as they arrive, without their ends; blank ones are left out.

    Raises:
        ProblemError: 413, a line is too large; 408, nothing arrived for too long.
    """
    rest = b""
    stream = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(settings.body_timeout_s):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise ProblemError(408, f"Nothing arrived for {settings.body_timeout_s:g} s.") from None
        *lines, rest = (rest + (chunk or b"")).split(b"\n")
        if chunk is None:
            lines.append(rest)
        for line in filter(bytes.strip, lines):
            yield line
        if chunk is None:
            return
        if len(rest) > settings.max_body_bytes:
            raise _too_large(settings)
