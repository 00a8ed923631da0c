"""The application: what can be asked, and how an answer comes about.

body ─ limits ─► texts ─ queue ─► batches ─► extractor ─► documents ─► JSON, as `Document.to_json` has it
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware

from mere import __version__
from mere.errors import ConfigError, nearest
from mere.inference.extractor import Extractor
from mere.serving import observing
from mere.serving.batching import Batcher, OverloadedError, TextRequest
from mere.serving.keys import Keys
from mere.serving.problems import Problem, ProblemError, answer_with_problems, declared
from mere.serving.requests import (
    JSON,
    NDJSON,
    ExtractRequest,
    TextItem,
    lines_of,
    media_type,
    parse_json,
    parse_request,
    text_request,
    validated,
    whole_body,
)
from mere.serving.settings import ServingSettings
from mere.types import Document

PATHS = frozenset(
    {"/v1/extract", "/v1/models", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/"}
)
_AHEAD = 64  # lines of a stream that are extracted from while earlier ones are written


class ServedModel(BaseModel):
    """What a model knows."""

    name: str
    languages: list[str]
    relations: list[str]
    types: list[str]


def create_app(models: Mapping[str, Extractor], settings: ServingSettings | None = None) -> FastAPI:
    """Return the application that serves these models; the first is the default.

    Raises:
        ConfigError: there is no model, or the file of keys cannot be read.
    """
    if not models:
        raise ConfigError("there is no model to serve. Name one: mere serve MODEL")
    service = Service(models, settings or ServingSettings())
    app = FastAPI(
        title="mere",
        version=__version__,
        description="Entities and relational triples from text in many languages.",
        lifespan=service.lifespan,
        redirect_slashes=False,
    )
    answer_with_problems(app)
    _add_routes(app, service)
    if service.settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.allow_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_middleware(observing.Observer, paths=PATHS)
    return app


class Service:
    """The models behind their queues, and the checks in front of them."""

    def __init__(self, models: Mapping[str, Extractor], settings: ServingSettings):
        self.settings = settings
        self.models = dict(models)
        self.keys = Keys.read(settings.keys_file) if settings.keys_file else None
        self.batchers: dict[str, Batcher] = {}
        self.ready = False

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Serve between the start and the end of the application; what was taken is answered before it ends."""
        for name, extractor in self.models.items():
            self.batchers[name] = batcher = Batcher(
                extractor,
                batch_characters=self.settings.batch_characters,
                batch_wait_s=self.settings.batch_wait_ms / 1000,
                max_queued_characters=self.settings.max_queued_characters,
                observe=observing.observe_batch,
            )
            batcher.start()
            await batcher.extract([TextRequest("Ready?", None)])
        observing.QUEUED.set_function(lambda: sum(b.queued_characters for b in self.batchers.values()))
        self.ready = True
        yield
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

    async def extract(self, batcher: Batcher, texts: Sequence[TextRequest]) -> list[Document]:
        """Return the documents of texts, in order.

        Raises:
            ProblemError: 429, too much waits; 504, it took too long.
        """
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                return await batcher.extract(texts)
        except OverloadedError as error:
            seconds = error.retry_after_s
            raise ProblemError(
                429, f"Too many texts wait. Try again in {seconds} s.", headers={"Retry-After": str(seconds)}
            ) from None
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
            yield _encoded({"error": error.detail, "status": error.status})
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
                    return _encoded(document.to_json())
                except ProblemError as error:
                    if error.status != 429:
                        raise
                    await asyncio.sleep(0.05)
        except ProblemError as error:
            return _encoded({"error": error.detail, "status": error.status})


def _add_routes(app: FastAPI, service: Service) -> None:
    _add_extract(app, service)
    _add_models(app, service)
    _add_probes(app, service)
    standard = app.openapi

    def openapi() -> dict[str, Any]:
        schema = standard()
        schema["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        schema["components"]["schemas"]["TextItem"] = TextItem.model_json_schema()
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_extract(app: FastAPI, service: Service) -> None:
    body = {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": ExtractRequest.model_json_schema(ref_template="#/components/schemas/{model}")
                },
                NDJSON: {"schema": {"type": "string"}},
            },
        }
    }
    extract_statuses = (400, 401, 404, 408, 413, 415, 422, 429, 504)

    @app.post("/v1/extract", responses=declared(*extract_statuses), openapi_extra=body)
    async def extract(request: Request) -> Response:
        """Extract entities and triples.

        JSON: `text` (the answer is one document) or `texts` (as many documents). NDJSON: a line
        `{"text": …, "lang": …}` for each text, any number of them; documents come back line by line.
        """
        service.check_key(request)
        if media_type(request) == NDJSON:
            batcher = service.batcher(request.query_params.get("model"))
            return _LineByLine(service.stream(request, batcher), media_type=NDJSON)
        asked = parse_request(await whole_body(request, service.settings), service.settings)
        batcher = service.batcher(asked.model)
        one = [TextItem(text=asked.text, lang=None)] if asked.text is not None else []
        items = asked.texts if asked.texts is not None else one
        places = ["text"] if one else [f"texts.{index}" for index in range(len(items))]
        texts = [
            text_request(item, asked.lang, where, service.settings)
            for item, where in zip(items, places, strict=True)
        ]
        documents = [_at_least(d, asked.min_score) for d in await service.extract(batcher, texts)]
        request.state.log |= {"texts": len(texts), "characters": sum(len(t.text) for t in texts)}
        records = [document.to_json() for document in documents]
        return Response(_encoded(records[0] if one else {"documents": records}), media_type=JSON)


def _add_models(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models", responses=declared(401))
    async def models(request: Request) -> list[ServedModel]:
        """Tell which models there are, the default first."""
        service.check_key(request)
        return [
            ServedModel(
                name=name,
                languages=list(extractor.labels.languages),
                relations=list(extractor.labels.relations),
                types=list(extractor.labels.types),
            )
            for name, extractor in service.models.items()
        ]


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Tell that the process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", responses=declared(503))
    async def readyz() -> Response:
        """Tell whether requests are served: not while models load, and not while the service ends."""
        if not service.ready:
            raise ProblemError(503, "The service is starting or ending.")
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Return metrics in Prometheus' format."""
        return Response(observing.exposition(), media_type=observing.CONTENT_TYPE)


class _LineByLine(StreamingResponse):
    """A response that is written while its request's body is still read.

    Starlette's own watches for the client to leave by taking messages from the very stream that holds the body.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.stream_response(send)


def _encoded(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _at_least(document: Document, score: float) -> Document:
    """Return a document without what is less certain than `score`."""
    if not score:
        return document
    return dataclasses.replace(
        document,
        entities=tuple(e for e in document.entities if e.score is None or e.score >= score),
        triples=tuple(t for t in document.triples if t.score is None or t.score >= score),
    )
