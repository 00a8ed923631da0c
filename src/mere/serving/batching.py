"""Requests that arrive at the same time are extracted from together, and no more wait than can be served.

A batch is what waits when the model becomes free, up to a number of characters; a batch that is not full waits a
few milliseconds for more. Extraction runs in one thread, so the event loop goes on taking requests meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from mere.inference.extractor import Extractor
from mere.types import Document

_WARMING = 32  # texts; each takes about as long as in a full batch


class TextRequest(NamedTuple):
    """A text to extract from, and its language if it was given."""

    text: str
    lang: str | None

    @property
    def cost(self) -> int:
        """Characters, and some for a text that has none."""
        return len(self.text) + 50


class OverloadedError(Exception):
    """What waits takes longer than the service lets anybody wait.

    Args:
        retry_after_s: whole seconds after which there is likely room.
    """

    def __init__(self, retry_after_s: int):
        super().__init__(f"too much waits; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(eq=False)
class _Waiting:
    request: TextRequest
    answer: asyncio.Future[Document]

    @property
    def cost(self) -> int:
        return self.request.cost


class Batcher:
    """A queue in front of one extractor.

    Args:
        extractor: used by one thread at a time.
        batch_characters, batch_wait_s, max_wait_s: see `ServingSettings`.
        observe: told the number of texts and the seconds of each batch.
        queued: told by how many characters the queue has grown.
    """

    def __init__(
        self,
        extractor: Extractor,
        *,
        batch_characters: int,
        batch_wait_s: float,
        max_wait_s: float,
        observe: Callable[[int, float], None] = lambda texts, seconds: None,
        queued: Callable[[int], None] = lambda characters: None,
    ):
        self.extractor = extractor
        self.batch_characters = batch_characters
        self.batch_wait_s = batch_wait_s
        self.max_wait_s = max_wait_s
        self.observe = observe
        self.queued = queued
        self.queued_characters = 0
        self._characters_per_s = 50_000.0  # of the last full batch; tells how long the queue takes
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="extract")
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve; call it in the running event loop."""
        self._worker = asyncio.get_running_loop().create_task(self._serve())

    async def warm_up(self) -> None:
        """Read sentences twice: the first time is slow, the second tells how fast a queue will be served."""
        texts = [TextRequest("Is there anybody who is ready to read?", None)] * _WARMING
        for _ in range(2):
            began = time.perf_counter()
            await self.extract(texts)
            cost = sum(text.cost for text in texts)
            self._characters_per_s = cost / (time.perf_counter() - began)

    async def stop(self) -> None:
        """Serve what waits, then end."""
        while self._waiting or self.queued_characters:
            await asyncio.sleep(0.01)
        if self._worker is not None:
            self._worker.cancel()
        self._thread.shutdown()

    def retry_after_s(self) -> int | None:
        """Return the whole seconds after which there is likely room; None: there is."""
        wait_s = self.queued_characters / self._characters_per_s
        return max(1, round(wait_s)) if wait_s > self.max_wait_s else None

    async def extract(self, requests: Sequence[TextRequest]) -> list[Document]:
        """Return one document per text, in order.

        Raises:
            OverloadedError: nothing of the request was taken.
        """
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(request, loop.create_future()) for request in requests]
        cost = sum(item.cost for item in waiting)
        if (seconds := self.retry_after_s()) is not None:
            raise OverloadedError(seconds)
        self._queue(cost)
        self._waiting.extend(waiting)
        self._arrived.set()
        try:
            return list(await asyncio.gather(*(item.answer for item in waiting)))
        finally:
            for item in waiting:  # an answer that nobody waits for any more is not computed
                item.answer.cancel()

    def _queue(self, characters: int) -> None:
        self.queued_characters += characters
        self.queued(characters)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            if self.batch_wait_s and sum(i.cost for i in self._waiting) < self.batch_characters:
                await asyncio.sleep(self.batch_wait_s)
            batch, dropped = self._next_batch()
            is_full = bool(self._waiting)
            began = time.perf_counter()
            texts = [item.request for item in batch]
            try:
                documents = await loop.run_in_executor(self._thread, self._extract, texts)
            except Exception as error:
                documents = [error] * len(batch)
            seconds = time.perf_counter() - began
            self._answer(batch, documents)
            spent = sum(item.cost for item in batch)
            self._queue(-spent - dropped)
            if batch:
                self.observe(len(batch), seconds)
            if is_full:  # others are slower for their size, or faster where texts are empty
                self._characters_per_s = spent / seconds

    def _next_batch(self) -> tuple[list[_Waiting], int]:
        """Return what is extracted from next, and the cost of what nobody waits for any more."""
        batch: list[_Waiting] = []
        cost = dropped = 0
        while self._waiting and (not batch or cost + self._waiting[0].cost <= self.batch_characters):
            item = self._waiting.popleft()
            if item.answer.cancelled():
                dropped += item.cost
                continue
            batch.append(item)
            cost += item.cost
        if not self._waiting:
            self._arrived.clear()
        return batch, dropped

    def _extract(self, requests: Sequence[TextRequest]) -> list[Document | Exception]:
        """Extract from all texts at once; if that fails, from one at a time, so that one text fails alone."""
        try:
            return list(self.extractor.extract_pairs(iter(requests)))
        except Exception:
            answers: list[Document | Exception] = []
            for request in requests:
                try:
                    answers.append(self.extractor(request.text, request.lang))
                except Exception as error:
                    answers.append(error)
            return answers

    @staticmethod
    def _answer(batch: Sequence[_Waiting], documents: Sequence[Document | Exception]) -> None:
        for item, document in zip(batch, documents, strict=True):
            if item.answer.done():
                continue
            if isinstance(document, Exception):
                item.answer.set_exception(document)
            else:
                item.answer.set_result(document)
