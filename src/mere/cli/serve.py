"""`mere serve`: the HTTP service."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from mere.cli.guard import require, talk
from mere.cli.options import MODEL_HELP, MinPrecision
from mere.errors import ConfigError
from mere.shipped import DEFAULT, FACTS, default_model

_ENVIRONMENT = "MERE_SERVE"


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"{MODEL_HELP} Or NAME=MODEL. The first is the default. None at all: {DEFAULT} and {FACTS}."
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = 8000,
    socket: Annotated[str | None, typer.Option("--socket", help="Unix socket instead of a port.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; each holds the models.")] = 1,
    keys: Annotated[
        str | None, typer.Option("--keys", help="File of name:sha256 lines, one per API key.")
    ] = None,
    min_precision: MinPrecision = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A limit of the service, as in --set max_texts=100; see docs."),
    ] = None,
) -> None:
    """Serve models over HTTP: POST /v1/extract, a page at /, and /openapi.json for the rest."""
    require("uvicorn", "httptools", "fastapi", "prometheus_client", extra="serve")
    from mere.serving.connection import Connection
    from mere.serving.workers import serve as serve_with

    named = dict(_named(model) for model in models or [default_model()])
    chosen = _settings(settings or [], keys)
    os.environ[_ENVIRONMENT] = json.dumps(
        {"models": named, "min_precision": min_precision, "settings": chosen}
    )
    with tempfile.TemporaryDirectory(prefix="mere-metrics-") as folder:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        talk(f"Serving {', '.join(named)} on {socket or f'http://{host}:{port}'} (Ctrl-C ends it).")
        options = {
            "app": "mere.cli.serve:application",
            "factory": True,
            "http": Connection,
            "ws": "none",
            "lifespan": "on",
            "host": host,
            "port": port,
            "uds": socket,
            "backlog": 4096,  # connections that wait to be taken; Linux's own limit
            "access_log": False,
            "log_level": "error",  # of the server itself; what is refused has a log line of ours
            "timeout_graceful_shutdown": 30,
            # longer than clients keep a connection, lest they ask on one that is being closed
            "timeout_keep_alive": 75,
            "server_header": False,
        }
        if status := serve_with(options, workers):
            raise typer.Exit(status)


def application() -> Any:
    """Return the application that the environment describes; every worker process calls it."""
    from mere.loading import load
    from mere.serving.app import create_app
    from mere.serving.settings import ServingSettings

    sys.setswitchinterval(0.0005)  # s; extraction lets the event loop in, which waits this long at every step
    asked = json.loads(os.environ[_ENVIRONMENT])
    models = {
        name: load(model, min_precision=asked["min_precision"]) for name, model in asked["models"].items()
    }
    return create_app(models, ServingSettings(**asked["settings"]))


def _named(model: str) -> tuple[str, str]:
    name, equals, where = model.partition("=")
    if equals and "/" not in name:
        return name, where
    path = Path(model)
    return (path.parent.name if path.name == "model" else path.name) or model, model


def _settings(given: list[str], keys: str | None) -> dict[str, Any]:
    """Check the settings here, once, before any worker starts."""
    import yaml
    from pydantic import ValidationError

    from mere.serving.keys import Keys
    from mere.serving.settings import ServingSettings

    chosen: dict[str, Any] = {} if keys is None else {"keys_file": keys}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"--set {item}: write it as key=value, for example --set max_texts=100.")
        chosen[key.strip()] = yaml.safe_load(value)
    try:
        settings = ServingSettings(**chosen)
    except ValidationError as error:
        known = ", ".join(ServingSettings.model_fields)
        raise ConfigError(
            [f"--set {'.'.join(map(str, e['loc']))}: {e['msg']}. There are: {known}." for e in error.errors()]
        ) from None
    if settings.keys_file:
        Keys.read(settings.keys_file)
    return chosen
