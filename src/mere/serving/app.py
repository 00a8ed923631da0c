"""The application: what can be asked. How an answer comes about is told in `mere.serving.service`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware

from mere import __version__
from mere.errors import ConfigError
from mere.inference.extractor import Extractor
from mere.serving import observing
from mere.serving.gate import Gate
from mere.serving.graphs import GraphQuery, add_graph
from mere.serving.page import add_page
from mere.serving.problems import Problem, ProblemError, answer_with_problems, declared
from mere.serving.requests import (
    JSON,
    NDJSON,
    ExtractRequest,
    TextItem,
    media_type,
    parse_request,
    text_request,
    whole_body,
)
from mere.serving.service import Service, encoded
from mere.serving.settings import ServingSettings
from mere.types import Document

PATHS = frozenset(
    {
        "/v1/extract",
        "/v1/graph",
        "/v1/models",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/",
    }
)


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
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
    )
    answer_with_problems(app)
    _add_routes(app, service)
    app.add_middleware(Gate, retry_after_s=service.retry_after_s, timeout_s=service.settings.body_timeout_s)
    if service.settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.allow_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    app.add_middleware(observing.Observer, paths=PATHS)
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    _add_extract(app, service)
    _add_models(app, service)
    add_graph(app, service)
    _add_probes(app, service)
    add_page(app)
    standard = app.openapi

    def openapi() -> dict[str, Any]:
        schema = standard()
        schema["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        schema["components"]["schemas"]["TextItem"] = TextItem.model_json_schema()
        schema["components"]["schemas"] |= GraphQuery.model_json_schema()["$defs"]
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
    extract_statuses = (400, 401, 404, 408, 413, 415, 422, 429, 431, 504)

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
        records = [document.to_json(sentences=asked.sentences) for document in documents]
        return Response(encoded(records[0] if one else {"documents": records}), media_type=JSON)


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


def _at_least(document: Document, score: float) -> Document:
    """Return a document without what is less certain than `score`."""
    if not score:
        return document
    return dataclasses.replace(
        document,
        entities=tuple(e for e in document.entities if e.score is None or e.score >= score),
        triples=tuple(t for t in document.triples if t.score is None or t.score >= score),
    )
