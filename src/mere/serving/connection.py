"""A connection before and between requests: heads that never end, heads without measure, and what is no HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mere.serving.observing import OTHER, observe_request
from mere.serving.problems import problem

HEAD_TIMEOUT = "head_timeout_s"
"""Under which name the application's lifespan gives the server the seconds that a request's head may take."""
_MOST_HEAD_BYTES = 64 << 10


class Connection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn has it, with limits on a request's head; what breaks them gets a problem and is closed.

    A connection on which nothing arrives is closed after the same time, but for one that is kept between requests.
    """

    _clock: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_answering = self.cycle is not None and not self.cycle.response_complete
        is_all_head = self._is_in_head or not is_answering  # otherwise a head may begin behind a body
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._is_in_head:
            self._stop_clock()
            return
        if self._clock is None:
            self._start_clock()
        self._head_bytes += len(data) if is_all_head else 0
        if self._head_bytes > _MOST_HEAD_BYTES:
            self._refuse(431, f"The request's head has more than {_MOST_HEAD_BYTES:,} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is no HTTP/1.1 request. See /openapi.json for what can be asked.")

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(self.app_state[HEAD_TIMEOUT], self._head_is_late)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _head_is_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._start_clock()  # an earlier request of this connection is still being answered
        elif self._is_in_head:
            self._refuse(408, f"The request's head did not arrive within {self.app_state[HEAD_TIMEOUT]:g} s.")
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        self._stop_clock()
        observe_request(OTHER, status)
        answer = problem(status, detail, {"connection": "close"})
        head = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        self.transport.write(b"%s%s\r\n%s" % (line, head, bytes(answer.body)))
        self.transport.close()
