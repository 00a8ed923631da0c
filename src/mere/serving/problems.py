"""What the service answers when it can't do what was asked: problem details (RFC 9457), every status declared."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect


class Problem(BaseModel):
    """An error as `application/problem+json`."""

    type: str = Field(
        "about:blank", description="a URI of the kind of problem; about:blank: the status says it"
    )
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what is wrong, where, and what to do")


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def overloaded(seconds: int) -> ProblemError:
    """Return what sends a client away for some seconds."""
    return ProblemError(
        429, f"Too many texts wait. Try again in {seconds} s.", headers={"Retry-After": str(seconds)}
    )


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the response of a problem."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of these statuses."""
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": reference},
        }
        for status in statuses
    }


def answer_with_problems(app: FastAPI) -> None:
    """Let every error of the application end as a problem; an error that nobody foresaw tells no detail."""

    @app.exception_handler(ProblemError)
    async def _ours(request: Request, error: ProblemError) -> JSONResponse:
        return problem(error.status, error.detail, error.headers)

    @app.exception_handler(HTTPException)
    async def _of_the_framework(request: Request, error: HTTPException) -> JSONResponse:
        detail = {
            404: f"There is nothing at {request.url.path}. See /openapi.json for what there is.",
            405: f"{request.method} is not for {request.url.path}. See /openapi.json.",
        }.get(error.status_code, str(error.detail))
        return problem(error.status_code, detail, dict(error.headers or {}))

    @app.exception_handler(ClientDisconnect)
    async def _left(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # for the log; nobody reads it

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
        return problem(500, "This is a fault of the service; its log has the error. Please report it.")
