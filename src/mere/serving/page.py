"""The page at `/`: every file of it from here, under a policy that lets the browser ask nobody else."""

from __future__ import annotations

import hashlib

from fastapi import FastAPI, Request
from fastapi.responses import Response

from mere.page.files import INDEX, POLICY, page_files
from mere.serving.problems import ProblemError

_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def add_page(app: FastAPI) -> None:
    """Serve the page."""
    files = page_files()
    tags = {path: f'"{hashlib.sha256(data).hexdigest()[:32]}"' for path, data in files.items()}

    def answer(request: Request, path: str) -> Response:
        if path not in files:
            raise ProblemError(
                404, f"There is nothing at {request.url.path}. See /openapi.json for what there is."
            )
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
            "ETag": tags[path],
        }
        if request.headers.get("if-none-match") == tags[path]:
            return Response(status_code=304, headers=headers)
        return Response(files[path], media_type=_MEDIA_TYPES[path.rpartition(".")[2]], headers=headers)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def index(request: Request) -> Response:
        return answer(request, INDEX)

    @app.api_route("/page/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        return answer(request, f"page/{name}")
