"""A client that keeps a service under load, and says of every answer what it is. Standard library alone.

It stands on the same cores as the service, so it must cost little: requests are prepared bytes, an answer is cut from
what arrives without a parser, and no task, timer or stream belongs to a single request.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

PER_CONNECTION = 50
"""Requests after which a connection is closed, so that new ones are opened all the time."""
KEPT_S = 5.0
"""Seconds after which a connection is not used again, as in most clients."""
PATIENCE_S = 60.0
"""Seconds after the last request of a run, when what has no answer yet counts as lost."""


@dataclass(slots=True)
class Answer:
    """What became of a request; times are of `time.monotonic`.

    Args:
        due: when the request should have been sent.
        sent: when the client turned to it: wrote it, or began to open a connection for it.
        done: when its answer was complete, or its connection lost.
        port: of the connection, on the client's side; 0: there was none.
        kind: `identical`, `last digit`, `refused`, `wrong`, `status N`; or `lost`: no answer came.
        why: of what is lost.
    """

    due: float
    sent: float
    done: float = 0.0
    port: int = 0
    kind: str = "lost"
    why: str = "no answer"


class Connection(asyncio.Protocol):
    """A connection with one request on its way at a time."""

    def __init__(self, client: Client):
        self.client = client
        self.answered = 0
        self.idle_since = 0.0
        self._found = b""
        self._now: tuple[Answer, int, Callable[[Answer], None]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def ask(self, answer: Answer, index: int, then: Callable[[Answer], None]) -> None:
        """Send a request; `then` is told what became of it."""
        answer.port = self.port
        self._now = answer, index, then
        self.transport.write(self.client.requests[index])

    def data_received(self, data: bytes) -> None:
        self._found += data
        end = self._found.find(b"\r\n\r\n") + 4
        if end < 4 or self._now is None:
            return
        head = self._found[:end].lower()
        size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._found) < end + size:
            return
        body, self._found = self._found[end:], b""
        (answer, index, then), self._now = self._now, None
        answer.done = self.idle_since = time.monotonic()
        answer.kind = kind_of(int(head[9:12]), head, body, self.client.expected[index])
        self.answered += 1
        if self.answered < PER_CONNECTION and b"\r\nconnection: close" not in head:
            self.client.idle.append(self)
        else:
            self.transport.close()
        then(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._now is None:
            return
        (answer, _, then), self._now = self._now, None
        answer.done = time.monotonic()
        answer.why = type(error).__name__ if error else "closed"
        then(answer)


@dataclass
class Client:
    """Asks for the texts in turn over connections that it keeps."""

    port: int
    texts: Sequence[str]
    expected: Sequence[bytes]
    requests: list[bytes] = field(init=False)
    idle: list[Connection] = field(default_factory=list)
    _asked: int = 0
    _opening: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.requests = [
            request("/v1/extract", json.dumps({"text": text}, ensure_ascii=False).encode())
            for text in self.texts
        ]

    def ask(self, answer: Answer, then: Callable[[Answer], None]) -> None:
        """Ask for the next text."""
        index = self._asked % len(self.texts)
        self._asked += 1
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing() and answer.sent - connection.idle_since < KEPT_S:
                connection.ask(answer, index, then)
                return
            connection.transport.close()
        opening = asyncio.get_running_loop().create_task(self._on_a_new_connection(answer, index, then))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _on_a_new_connection(self, answer: Answer, index: int, then: Callable[[Answer], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.port)
        except OSError as error:
            answer.done = time.monotonic()
            answer.why = f"not connected: {type(error).__name__}"
            then(answer)
        else:
            connection.ask(answer, index, then)

    async def arriving(self, rate: float, requests: int) -> list[Answer]:
        """Ask `rate` times a second, whatever is answered."""
        draw = random.Random(0)
        answers: list[Answer] = []
        missing = requests
        all_done = asyncio.Event()

        def done(answer: Answer) -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                all_done.set()

        due = time.monotonic()
        for _ in range(requests):
            due += draw.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            answers.append(answer := Answer(due, time.monotonic()))
            self.ask(answer, done)
        try:
            await asyncio.wait_for(all_done.wait(), PATIENCE_S)
        except TimeoutError:
            for answer in answers:
                answer.done = answer.done or time.monotonic()
        return answers

    async def saturating(self, at_once: int, seconds: float) -> float:
        """Return the answers a second when each is followed by a request."""
        began = time.monotonic()
        good = running = 0
        ended = asyncio.Event()

        def next_one(answer: Answer | None = None) -> None:
            nonlocal good, running
            now = time.monotonic()
            if answer is not None:
                good += answer.kind in ("identical", "last digit")
                running -= 1
            if now < began + seconds:
                running += 1
                self.ask(Answer(now, now), next_one)
            elif not running:
                ended.set()

        for _ in range(at_once):
            next_one()
        await ended.wait()
        return good / (time.monotonic() - began)


def request(path: str, body: bytes | None = None) -> bytes:
    """Return the bytes of a request."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body is not None else ""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n"
    return head.encode() + (body or b"")


def kind_of(status: int, head: bytes, found: bytes, expected: bytes) -> str:
    """Say what an answer is."""
    if status == 429:
        return "refused" if b"\r\nretry-after:" in head else "refused without Retry-After"
    if status != 200:
        return f"status {status}"
    if found == expected:
        return "identical"
    (one, scores), (other, known) = (without_scores(json.loads(body)) for body in (found, expected))
    near = len(scores) == len(known) and all(
        abs(a - b) < 0.000_11 for a, b in zip(scores, known, strict=True)
    )
    return "last digit" if one == other and near else "wrong"


def without_scores(record: Any) -> tuple[Any, list[float]]:
    """Return a record without its scores, and those."""
    if isinstance(record, dict):
        parts = {key: without_scores(value) for key, value in record.items() if key != "score"}
        scores = [record["score"]] if "score" in record else []
        return {k: v for k, (v, _) in parts.items()}, scores + [s for _, more in parts.values() for s in more]
    if isinstance(record, list):
        made = [without_scores(item) for item in record]
        return [item for item, _ in made], [score for _, more in made for score in more]
    return record, []
