"""Refusal while too much waits: before a request is parsed, so that it costs next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any

from starlette.responses import Response

from mere.serving.problems import overloaded, problem


@cache
def refusal(seconds: int) -> Response:
    """Return the answer that sends a client away for some seconds."""
    error = overloaded(seconds)
    return problem(error.status, error.detail, error.headers)


class Gate:
    """Refuses extraction from the default model while its queue is full; all else passes.

    A request that names a model is refused further inside, where it has been parsed; lines that are streamed wait.

    Args:
        app: what is behind it.
        retry_after_s: says how long the queue has no room; None: it has.
        timeout_s: for which a body is waited for that might name a model.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        retry_after_s: Callable[[], int | None],
        timeout_s: float,
    ):
        self.app = app
        self.retry_after_s = retry_after_s
        self.timeout_s = timeout_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/extract" or _is_streamed(scope):
            await self.app(scope, receive, send)
            return
        seconds = self.retry_after_s()
        if seconds is None:
            await self.app(scope, receive, send)
            return
        first: Any = {"body": b""}
        with suppress(TimeoutError):
            async with asyncio.timeout(self.timeout_s):
                first = await receive()
        if first.get("more_body") or b'"model"' in first.get("body", b'"model"'):  # none: the client has left
            await self.app(scope, _again(first, receive), send)
            return
        await refusal(seconds)(scope, receive, send)


def _is_streamed(scope: Any) -> bool:
    return any(name == b"content-type" and b"ndjson" in value for name, value in scope["headers"])


def _again(first: Any, receive: Any) -> Callable[[], Awaitable[Any]]:
    """Return a channel that gives a message that was taken from it once more."""
    taken = [first]

    async def next_message() -> Any:
        return taken.pop() if taken else await receive()

    return next_message
