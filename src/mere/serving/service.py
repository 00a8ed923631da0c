"""The models behind their queues, and the checks in front of them.

body ─ limits ─► texts ─ queue ─► batches ─► extractor ─► documents ─► JSON, as `Document.to_json` has it
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from starlette.requests import ClientDisconnect

from mere.errors import nearest
from mere.inference.extractor import Extractor
from mere.serving import observing
from mere.serving.batching import Batcher, OverloadedError, TextRequest
from mere.serving.connection import HEAD_TIMEOUT
from mere.serving.keys import Keys
from mere.serving.problems import ProblemError, overloaded
from mere.serving.requests import TextItem, lines_of, parse_json, text_request, validated
from mere.serving.settings import ServingSettings
from mere.types import Document

_AHEAD = 64  # lines of a stream that are extracted from while earlier ones are written


class Service:
    """The models behind their queues, and the checks in front of them."""

    def __init__(self, models: Mapping[str, Extractor], settings: ServingSettings):
        self.settings = settings
        self.models = dict(models)
        self.keys = Keys.read(settings.keys_file) if settings.keys_file else None
        self.batchers: dict[str, Batcher] = {}
        self.ready = False

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        """Serve between the start and the end of the application; what was taken is answered before it ends.

        It gives the server what `mere.serving.connection` wants to know.
        """
        for name, extractor in self.models.items():
            self.batchers[name] = batcher = Batcher(
                extractor,
                batch_characters=self.settings.batch_characters,
                batch_wait_s=self.settings.batch_wait_ms / 1000,
                max_wait_s=min(self.settings.max_wait_s, self.settings.deadline_s),
                observe=observing.observe_batch,
                queued=observing.QUEUED.inc,
            )
            batcher.start()
            await batcher.warm_up()
        self.ready = True
        yield {HEAD_TIMEOUT: self.settings.body_timeout_s}
        self.ready = False
        for batcher in self.batchers.values():
            await batcher.stop()

    def check_key(self, request: Request) -> None:
        """Let a request pass that has a key, where keys are asked for.

        Raises:
            ProblemError: 401, it has none, or one that is not known.
        """
        if self.keys is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        name = self.keys.name_of(key.strip()) if scheme.lower() == "bearer" else None
        if name is None:
            raise ProblemError(
                401,
                "Send a key that is known: Authorization: Bearer KEY.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request.state.log["key"] = name

    def batcher(self, name: str | None) -> Batcher:
        """Return the queue of a model; None: of the first.

        Raises:
            ProblemError: 404, no such model.
        """
        if name is None:
            return next(iter(self.batchers.values()))
        if name not in self.batchers:
            known = ", ".join(self.batchers)
            shown = name.encode("utf-8", "backslashreplace").decode()[:100]
            raise ProblemError(404, f'no model "{shown}".{nearest(shown, self.batchers)} There are: {known}.')
        return self.batchers[name]

    def retry_after_s(self) -> int | None:
        """Return the seconds for which the queue of the first model has no room; None: it has."""
        return self.batcher(None).retry_after_s() if self.ready else None

    async def extract(self, batcher: Batcher, texts: Sequence[TextRequest]) -> list[Document]:
        """Return the documents of texts, in order.

        Raises:
            ProblemError: 429, too much waits; 504, it took too long.
        """
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                return await batcher.extract(texts)
        except OverloadedError as error:
            raise overloaded(error.retry_after_s) from None
        except TimeoutError:
            raise ProblemError(
                504, f"It took longer than {self.settings.deadline_s:g} s. Send less at a time."
            ) from None

    async def stream(self, request: Request, batcher: Batcher) -> AsyncIterator[bytes]:
        """Yield a line per line of the body, in order, while it arrives; a bad line is answered by its problem."""
        pending: deque[asyncio.Task[bytes]] = deque()
        try:
            number = 0
            async for raw in lines_of(request, self.settings):
                number += 1
                pending.append(asyncio.create_task(self._line(raw, f"line {number}", batcher)))
                while len(pending) >= _AHEAD or (pending and pending[0].done()):
                    yield await pending.popleft()
            while pending:
                yield await pending.popleft()
        except ProblemError as error:
            yield encoded({"error": error.detail, "status": error.status})
        except ClientDisconnect:
            pass  # nobody reads the rest
        finally:
            for task in pending:
                task.cancel()

    async def _line(self, raw: bytes, where: str, batcher: Batcher) -> bytes:
        try:
            item = validated(TextItem, parse_json(raw, where), where)
            text = text_request(item, None, where, self.settings)
            while True:  # a stream waits for room instead of being refused: its sender is slowed down
                try:
                    [document] = await self.extract(batcher, [text])
                    return encoded(document.to_json())
                except ProblemError as error:
                    if error.status != 429:
                        raise
                    await asyncio.sleep(0.05)
        except ProblemError as error:
            return encoded({"error": error.detail, "status": error.status})


def encoded(record: Any) -> bytes:
    """Return a line of JSON."""
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"
