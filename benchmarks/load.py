"""A client that keeps a service under load, and says of every answer what it is. Standard library alone."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PER_CONNECTION = 50
"""Requests after which a connection is closed, so that new ones are opened all the time."""
KEPT_S = 5.0
"""Seconds after which a connection is not used again, as in most clients."""


@dataclass
class Answer:
    due: float
    sent: float = 0.0
    done: float = 0.0
    port: int = 0  # of the connection, on the client's side
    kind: str = "lost"

    @property
    def ms(self) -> float:
        return 1000 * (self.done - self.due)


@dataclass
class Client:
    """Asks for the texts in turn over connections that it keeps."""

    port: int
    texts: Sequence[str]
    expected: Sequence[bytes]
    asked: int = 0
    _idle: list[list[Any]] = field(default_factory=list)

    async def ask(self, due: float, patience_s: float = 60.0) -> Answer:
        """Ask for the next text."""
        index = self.asked % len(self.texts)
        self.asked += 1
        answer = Answer(due)
        body = json.dumps({"text": self.texts[index]}).encode()
        try:
            async with asyncio.timeout(patience_s):
                connection = await self._connection()
                answer.port = connection[1].get_extra_info("sockname")[1]
                answer.sent = time.monotonic()
                status, headers, found = await exchange(connection[0], connection[1], "/v1/extract", body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            answer.done = time.monotonic()
            return answer
        answer.done = time.monotonic()
        answer.kind = kind_of(status, headers, found, self.expected[index])
        connection[2] += 1
        connection[3] = answer.done
        if connection[2] < PER_CONNECTION:
            self._idle.append(connection)
        else:
            connection[1].close()
        return answer

    async def _connection(self) -> list[Any]:
        while self._idle:
            connection = self._idle.pop()
            if not connection[0].at_eof() and time.monotonic() - connection[3] < KEPT_S:
                return connection
            connection[1].close()
        return [*await asyncio.open_connection("127.0.0.1", self.port), 0, 0.0]

    async def arriving(self, rate: float, requests: int) -> list[Answer]:
        """Ask `rate` times a second, whatever is answered."""
        draw = random.Random(0)
        due = time.monotonic()
        asking = []
        for _ in range(requests):
            due += draw.expovariate(rate)
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            asking.append(asyncio.create_task(self.ask(due)))
        return list(await asyncio.gather(*asking))

    async def saturating(self, at_once: int, seconds: float) -> float:
        """Return the answers a second when each is followed by a request."""
        began = time.monotonic()

        async def one() -> int:
            number = 0
            while time.monotonic() < began + seconds:
                answer = await self.ask(time.monotonic())
                number += answer.kind in ("identical", "last digit")
            return number

        total = sum(await asyncio.gather(*(one() for _ in range(at_once))))
        return total / (time.monotonic() - began)


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: bytes | None = None
) -> tuple[int, str, bytes]:
    """Send a request and return status, headers and body of its answer."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body is not None else ""
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n"
    writer.write(head.encode() + (body or b""))
    headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = int(headers.partition("content-length:")[2].split("\r\n", 1)[0])
    return int(headers.split(" ", 2)[1]), headers, await reader.readexactly(size)


def kind_of(status: int, headers: str, found: bytes, expected: bytes) -> str:
    """Say what an answer is."""
    if status == 429:
        return "refused" if "\r\nretry-after:" in headers else "refused without Retry-After"
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
