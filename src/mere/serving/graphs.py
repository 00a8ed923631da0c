"""`POST /v1/graph`: documents in, one file out, in any format of `mere graph`."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from mere.errors import MereError
from mere.graph.read import item_from_line
from mere.graph.settings import DEFAULT_BASE, ENDINGS, GraphFormat, GraphSettings, Item, Merge, Rdf
from mere.graph.write import Written, write
from mere.serving.problems import ProblemError, declared
from mere.serving.requests import JSON, NDJSON, media_type, parse_json, validated, whole_body
from mere.serving.service import Service
from mere.serving.settings import ServingSettings

MEDIA_TYPES = {
    GraphFormat.ntriples: "application/n-triples",
    GraphFormat.nquads: "application/n-quads",
    GraphFormat.turtle: "text/turtle; charset=utf-8",
    GraphFormat.jsonld: "application/ld+json",
    GraphFormat.graphml: "application/graphml+xml",
    GraphFormat.neo4j: "application/zip",
    GraphFormat.cypher: "text/plain; charset=utf-8",
    GraphFormat.csv: "text/csv; charset=utf-8",
    GraphFormat.html: "text/html; charset=utf-8",
}
_ENDING = {format: ending for ending, format in ENDINGS.items()} | {GraphFormat.neo4j: ".zip"}
_MOST_WAITING = 8  # graphs that wait for the one thread that writes them
_STATUSES = (400, 401, 408, 413, 415, 422, 429, 431, 504)


class GraphQuery(BaseModel):
    """Which graph is asked for, as in `mere graph`."""

    model_config = ConfigDict(extra="forbid")

    format: GraphFormat = Field(description="neo4j is a ZIP archive of nodes.csv and relationships.csv")
    merge: Merge = Field(Merge.normalised, description="which mentions are one node")
    rdf: Rdf | None = Field(None, description="the version of RDF; missing: the newest that the format has")
    base: str = Field(DEFAULT_BASE, description="what IRIs begin with")
    model: str | None = Field(None, description="the model that found the triples, for provenance")

    def settings(self) -> GraphSettings:
        return GraphSettings(merge=self.merge, rdf=self.rdf, base=self.base, model=self.model)


class GraphRequest(BaseModel):
    """Documents as `/v1/extract` returns them; each may have an `id`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    documents: list[dict[str, Any]]


def add_graph(app: FastAPI, service: Service) -> None:
    """Serve `POST /v1/graph`."""
    one_at_a_time = CapacityLimiter(1)

    @app.post("/v1/graph", response_class=Response, responses=_responses(), openapi_extra=_declaration())
    async def graph(request: Request) -> Response:
        """Write documents as a graph: RDF, GraphML, Neo4j's import files, Cypher, CSV or a web page.

        JSON: `{"documents": […]}`, as the answer of `/v1/extract`. NDJSON: a document a line. What a format has no
        room for and had to be changed is counted in the header `X-Changed`.
        """
        service.check_key(request)
        query = validated(GraphQuery, dict(request.query_params), "query")
        items = _items(await whole_body(request, service.settings), media_type(request), service.settings)
        if one_at_a_time.statistics().tasks_waiting >= _MOST_WAITING:
            raise ProblemError(429, "Too many graphs wait. Try again in 1 s.", headers={"Retry-After": "1"})
        request.state.log["documents"] = len(items)
        try:
            async with asyncio.timeout(service.settings.deadline_s):
                data, written = await to_thread.run_sync(
                    _written, items, query, limiter=one_at_a_time, abandon_on_cancel=True
                )
        except TimeoutError:
            raise ProblemError(
                504, f"It took longer than {service.settings.deadline_s:g} s. Send less at a time."
            ) from None
        except MereError as error:
            raise ProblemError(422, str(error)) from None
        headers = {"Content-Disposition": f'attachment; filename="graph{_ENDING[query.format]}"'}
        if written.changed:
            headers["X-Changed"] = "; ".join(f"{kind}: {count}" for kind, count in written.changed.items())
        return Response(data, media_type=MEDIA_TYPES[query.format], headers=headers)


def _items(body: bytes, kind: str, settings: ServingSettings) -> list[Item]:
    """Return the documents of a body.

    Raises:
        ProblemError: 400, not JSON; 422, not documents, too many, or one that is too long.
    """
    items = []
    for where, line in _lines(body, kind, settings):
        try:
            item = item_from_line(line, where)
        except MereError as error:
            raise ProblemError(422, str(error)) from None
        if len(item.document.text) > settings.max_characters:
            raise ProblemError(
                422,
                f"{where}: {len(item.document.text):,} characters, at most {settings.max_characters:,} are taken.",
            )
        items.append(item)
    return items


def _lines(body: bytes, kind: str, settings: ServingSettings) -> Iterator[tuple[str, bytes]]:
    if kind == NDJSON:
        yield from ((f"line {n}", line) for n, line in enumerate(body.split(b"\n"), 1) if line.strip())
        return
    documents = validated(GraphRequest, parse_json(body, "body"), "body").documents
    if len(documents) > settings.max_texts:
        raise ProblemError(
            422,
            f"body: {len(documents):,} documents, at most {settings.max_texts:,} are taken. Or send {NDJSON}.",
        )
    for index, document in enumerate(documents):
        try:
            yield f"documents.{index}", json.dumps(document).encode()
        except RecursionError:
            raise ProblemError(400, f"documents.{index}: nested too deeply.") from None


def _written(items: list[Item], query: GraphQuery) -> tuple[bytes, Written]:
    with tempfile.TemporaryDirectory(prefix="mere-graph-") as folder:
        out = Path(folder) / "graph"
        written = write(items, query.format, out, query.settings())
        if query.format is not GraphFormat.neo4j:
            return out.read_bytes(), written
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for table in sorted(out.iterdir()):
                file.write(table, table.name)
        return archive.getvalue(), written


def _declaration() -> dict[str, Any]:
    """Return what OpenAPI says of the query and the body, which are read by hand, as their errors are."""
    schema = GraphQuery.model_json_schema(ref_template="#/components/schemas/{model}")
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": about.pop("description", ""),
            "schema": about,
        }
        for name, about in schema["properties"].items()
    ]
    content = {JSON: {"schema": GraphRequest.model_json_schema()}, NDJSON: {"schema": {"type": "string"}}}
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}


def _responses() -> dict[int | str, dict[str, Any]]:
    kinds = {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()}
    return {200: {"description": "the graph", "content": kinds}, **declared(*_STATUSES)}
