"""Every request that can't be answered gets a declared 4xx as problem+json: never a 5xx, never a traceback."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

import mere
from mere.serving.app import create_app
from mere.serving.gate import Gate
from tests.serving.conftest import serving

OK = '{"text": "Ada"}'
BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "cut": (b'{"text": "Ad', 400),
    "no JSON": (b"text=Ada", 400),
    "a list": (b'["Ada"]', 422),
    "a number": (b"5", 422),
    "null": (b"null", 422),
    "NaN": (b'{"text": "Ada", "min_score": NaN}', 400),
    "a number of 5,000 digits": (b'{"min_score": ' + b"1" * 5000 + b"}", 400),
    "1e308": (b'{"text": "Ada", "min_score": 1e308}', 422),
    "a number beyond all": (b'{"text": "Ada", "min_score": 1e999}', 422),
    "a key twice": (b'{"text": "Ada", "text": "Bob"}', 400),
    "half a character as a key twice": (b'{"\\ud800": 1, "\\ud800": 2}', 400),
    "a byte-order mark": (b'\xef\xbb\xbf{"text": "Ada"}', 400),
    "NUL": (b'{"text": "A\0da"}', 400),
    "two objects": (b'{"text": "Ada"} {"text": "Ada"}', 400),
    "single quotes": (b"{'text': 'Ada'}", 400),
    "an array of objects": (b'[{"text": "Ada"}]', 422),
    "a text that is true": (b'{"text": true}', 422),
    "texts that are an object": (b'{"texts": {"text": "a"}}', 422),
    "a score that is a word": (b'{"text": "a", "min_score": "0.5"}', 422),
    "deep lists": (b"[" * 90_000, 400),
    "deep objects": (b'{"text":' * 10_000, 400),
    "not UTF-8": (b'{"text": "\xff"}', 400),
    "UTF-16": ('{"text": "Ada"}'.encode("utf-16"), 400),
    "half a character": (b'{"text": "\\ud800"}', 422),
    "half a character in the language": (b'{"text": "a", "lang": "\\ud800"}', 422),
    "half a character as a key": (b'{"\\ud800": "a"}', 422),
    "half a character as a model": (b'{"text": "a", "model": "\\ud800"}', 404),
    "no text": (b"{}", 422),
    "both": (b'{"text": "a", "texts": []}', 422),
    "a text that is a number": (b'{"text": 5}', 422),
    "a text that is a list": (b'{"text": ["a"]}', 422),
    "texts that are strings": (b'{"texts": ["a"]}', 422),
    "texts of another shape": (b'{"texts": [{"txt": "a"}]}', 422),
    "an unknown key": (b'{"text": "a", "treshold": 1}', 422),
    "a score beyond 1": (b'{"text": "a", "min_score": 2}', 422),
    "a language that is a number": (b'{"text": "a", "lang": 1}', 422),
    "too many texts": (b'{"texts": [' + b",".join([b'{"text": "a"}'] * 51) + b"]}", 422),
    "too many characters": (b'{"text": "' + b"a" * 5_001 + b'"}', 422),
    "too large": (b'{"text": "' + b"a" * 100_001 + b'"}', 413),
    "an unknown model": (b'{"text": "a", "model": "tini"}', 404),
    "a path as a model": (b'{"text": "a", "model": "../../etc/passwd"}', 404),
    "a path with NUL as a model": (b'{"text": "a", "model": "/etc\\u0000"}', 404),
}
HEADERS: dict[str, tuple[dict[str, str], int]] = {
    "another charset": ({"content-type": "application/json; charset=latin-1"}, 415),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, 415),
    "XML": ({"content-type": "text/xml"}, 415),
    "nonsense": ({"content-type": ";;;"}, 415),
    "compressed": ({"content-encoding": "gzip"}, 415),
    "an encoding of nobody": ({"content-encoding": "x" * 9_000}, 415),
}
POST = b"POST /v1/extract HTTP/1.1\r\nHost: x\r\n"
RAW: dict[str, tuple[bytes, int]] = {
    "a gigabyte in a megabyte": (
        POST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n" + gzip.compress(b"")[:3],
        415,
    ),
    "100 MB announced": (POST + b"Content-Length: 104857600\r\n\r\n{", 413),
    "100 MB in one chunk": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n6400000\r\n" + b"x" * 150_000,
        413,
    ),
    "dots in a path": (b"GET /page/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "encoded dots in a path": (b"GET /page/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "NUL in a path": (b"GET /page/app.js%00.svg HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "no UTF-8 in a path": (b"GET /page/%ff HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a path from the root": (b"GET //etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "PROPFIND": (b"PROPFIND /v1/extract HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "TRACE": (b"TRACE /v1/extract HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "DELETE": (b"DELETE /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", 405),
}
NO_HTTP: dict[str, tuple[bytes, int]] = {
    "a length that is a word": (POST + b"Content-Length: ten\r\n\r\n{}", 400),
    "a length below nothing": (POST + b"Content-Length: -5\r\n\r\n{}", 400),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a chunk that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a header without end": (POST + b"X: " + b"a" * 100_000, 431),
    "headers without end": (POST + b"X: a\r\n" * 20_000, 431),
    "a method of nobody": (b"BREW /v1/extract HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a greeting": (b"hello\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}


def is_problem(answer: httpx.Response, status: int, client: httpx.Client) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert "Traceback" not in answer.text
    declared = client.get("/openapi.json").json()["paths"]["/v1/extract"]["post"]["responses"]
    assert str(status) in declared


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies(client: httpx.Client, name: str) -> None:
    body, status = BODIES[name]
    answer = client.post("/v1/extract", content=body, headers={"content-type": "application/json"})
    is_problem(answer, status, client)


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers(client: httpx.Client, name: str) -> None:
    headers, status = HEADERS[name]
    is_problem(client.post("/v1/extract", content=OK, headers=headers), status, client)


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\x7f", "‮abc", "\ufeff", "﷽" * 300, "🏴" * 900, "\u0301" * 999]
)
def test_hostile_texts_are_texts(client: httpx.Client, extractor: mere.Extractor, text: str) -> None:
    answer = client.post("/v1/extract", json={"text": text})
    assert answer.json() == extractor(text).to_json()


@pytest.fixture
def faults(client: httpx.Client) -> Iterator[list[str]]:
    """What the server logs as faults of its own."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("uvicorn.error").addHandler(handler)
    yield found
    logging.getLogger("uvicorn.error").removeHandler(handler)


def sent(client: httpx.Client, data: bytes) -> bytes:
    """Send bytes and return the answer, which begins before the server closes."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.settimeout(20)
        connection.sendall(data)
        found = connection.recv(65536)
        while b"\r\n\r\n" not in found or not found.partition(b"\r\n\r\n")[2]:
            found += connection.recv(65536)
        return found


@pytest.mark.parametrize("name", RAW | NO_HTTP)
def test_hostile_requests(client: httpx.Client, faults: list[str], name: str) -> None:
    data, status = (RAW | NO_HTTP)[name]
    head, _, body = sent(client, data).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert [fault for fault in faults if not fault.startswith("Invalid HTTP")] == []


def test_a_client_that_leaves(client: httpx.Client, faults: list[str]) -> None:
    def num_left() -> float:
        counts = re.findall(r'^mere_requests_total{.*status="499"} (.*)$', client.get("/metrics").text, re.M)
        return sum(map(float, counts))

    before = num_left()
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n{"
    for path, kind in [
        (b"/v1/extract", b"application/x-ndjson"),  # its answer has begun, so it counts as one
        (b"/v1/extract", b"application/json"),
        (b"/v1/graph?format=csv", b"application/x-ndjson"),
    ]:
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
            connection.sendall(head % (path, kind))
    while num_left() < before + 2:
        pass
    assert faults == []


def test_other_paths_and_methods_are_problems_too(client: httpx.Client) -> None:
    for method, path, status in [
        ("GET", "/v1/extract", 405),
        ("GET", "/../etc/passwd", 404),
        ("PUT", "/x", 404),
    ]:
        answer = client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_does_not_arrive(extractor: mere.Extractor) -> None:
    with (
        serving(extractor, body_timeout_s=0.2) as client,
        socket.create_connection((client.base_url.host, client.base_url.port or 0)) as slow,
    ):
        slow.sendall(b"POST /v1/extract HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def received(connection: socket.socket, end: bytes = b"") -> bytes:
    """Return what arrives until it ends so, or until the connection is closed."""
    found = b""
    while more := connection.recv(65536):
        found += more
        if end and found.endswith(end):
            break
    return found


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("before", [b"", HEALTH])
def test_a_head_that_does_not_end(extractor: mere.Extractor, before: bytes) -> None:
    """A line now and then keeps no connection open, neither a new one nor one that was answered on before."""
    with (
        serving(extractor, body_timeout_s=0.3) as client,
        socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=20) as slow,
    ):
        if before:
            slow.sendall(before)
            assert received(slow, end=b"}").startswith(b"HTTP/1.1 200")
        slow.sendall(POST)
        time.sleep(0.1)
        slow.sendall(b"X: a\r\n")
        head, _, body = received(slow).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["status"] == 408


def test_a_connection_that_says_nothing_is_closed_but_not_one_that_is_kept(extractor: mere.Extractor) -> None:
    with serving(extractor, body_timeout_s=0.2) as client:
        address = (client.base_url.host, client.base_url.port or 0)
        with (
            socket.create_connection(address, timeout=20) as silent,
            socket.create_connection(address, timeout=20) as kept,
        ):
            kept.sendall(HEALTH)
            assert received(kept, end=b"}").startswith(b"HTTP/1.1 200")
            assert silent.recv(1) == b""
            time.sleep(0.3)
            kept.sendall(HEALTH)
            assert received(kept, end=b"}").startswith(b"HTTP/1.1 200")


def test_what_waits_is_limited(extractor: mere.Extractor) -> None:
    """A request that finds the queue full is told when to come again; what was taken is answered."""
    texts = [{"text": f"Ada {i}"} for i in range(200)]
    with serving(extractor, max_wait_s=0.001, batch_characters=200, deadline_s=60) as client:

        def ask(_: int) -> httpx.Response:
            return client.post("/v1/extract", json={"texts": texts})

        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, range(4)))
    assert sorted({answer.status_code for answer in answers}) == [200, 429]
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
        else:
            assert [d["text"] for d in answer.json()["documents"]] == [t["text"] for t in texts]


def test_while_the_queue_is_full_only_what_would_join_it_is_refused(extractor: mere.Extractor) -> None:
    app = Gate(create_app({"tiny": extractor}), retry_after_s=lambda: 3, timeout_s=10)
    with TestClient(app) as client:
        answer = client.post("/v1/extract", content=b"not even JSON")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
        assert answer.json()["detail"] == "Too many texts wait. Try again in 3 s."
        document = extractor("Ada kam.").to_json()
        named = client.post("/v1/extract", json={"text": "Ada kam.", "model": "tiny"})
        kind = {"content-type": "application/x-ndjson"}
        lines = client.post("/v1/extract", content=b'{"text": "Ada kam."}', headers=kind)
        assert named.json() == lines.json() == document
        assert client.get("/readyz").status_code == 200


def test_a_full_queue_does_not_wait_for_a_body_that_does_not_come() -> None:
    async def behind(*_: object) -> None:
        raise AssertionError("it is not asked")

    async def never() -> None:
        await asyncio.Event().wait()

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    gate = Gate(behind, retry_after_s=lambda: 1, timeout_s=0.01)
    asyncio.run(gate({"type": "http", "path": "/v1/extract", "headers": []}, never, send))
    assert sent[0]["status"] == 429


def test_a_deadline(extractor: mere.Extractor) -> None:
    with serving(extractor, deadline_s=0.001) as client:
        answer = client.post("/v1/extract", json={"texts": [{"text": "Ada kam."}] * 500})
        is_problem(answer, 504, client)


def test_keys(extractor: mere.Extractor, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# who: key\nada:{hashlib.sha256(b'opensesame').hexdigest()}\n")
    with serving(extractor, keys_file=str(file)) as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic opensesame"}):
            is_problem(client.post("/v1/extract", json={"text": "a"}, headers=headers), 401, client)
        known = {"authorization": "Bearer opensesame"}
        assert client.post("/v1/extract", json={"text": "a"}, headers=known).status_code == 200
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("content", "fault"), [("", "holds no key"), ("ada:abc", "keys:1: expected name:sha256")]
)
def test_a_file_of_keys_that_is_none(tmp_path: Path, content: str, fault: str) -> None:
    from mere.serving.keys import Keys

    file = tmp_path / "keys"
    file.write_text(content)
    with pytest.raises(mere.ConfigError, match=fault):
        Keys.read(file)


def test_no_origin_is_allowed_unless_named(client: httpx.Client, extractor: mere.Extractor) -> None:
    asked: dict[str, Any] = {"headers": {"origin": "https://example.org"}, "json": {"text": "a"}}
    assert "access-control-allow-origin" not in client.post("/v1/extract", **asked).headers
    with serving(extractor, allow_origins=["https://example.org"]) as other:
        allowed = other.post("/v1/extract", **asked).headers["access-control-allow-origin"]
        assert allowed == "https://example.org"
