"""deploy/mere_client.py against the service, and what the container asks of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import mere
from tests.serving.conftest import serving

FILE = Path(__file__).parents[2] / "deploy" / "mere_client.py"
TEXTS = ["Hans Reinhold wurde in Rostock geboren.", "青葉市は緑県にある。", ""]


def load_client() -> Any:
    spec = importlib.util.spec_from_file_location("mere_client", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mere_client = load_client()


def test_it_answers_as_python_does(client: httpx.Client, extractor: mere.Extractor) -> None:
    asked = mere_client.Client(str(client.base_url))
    documents = [extractor(text).to_json() for text in TEXTS]
    assert asked.is_ready()
    assert [asked.extract(text) for text in TEXTS] == documents
    assert asked.extract_many(TEXTS) == documents
    assert list(asked.stream(iter(TEXTS), batch=2)) == documents
    assert asked.extract(TEXTS[0], lang="de", min_score=1.0)["triples"] == []
    assert [model["name"] for model in asked.models()] == ["tiny"]
    triples = asked.graph(documents, "csv").decode().splitlines()
    assert len(triples) == 1 + sum(len(document["triples"]) for document in documents)


def test_as_a_command(client: httpx.Client, extractor: mere.Extractor) -> None:
    done = subprocess.run(
        [sys.executable, "-I", FILE, str(client.base_url)],
        input="\r\n".join(TEXTS[:2]),
        capture_output=True,
        text=True,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        extractor(t).to_json() for t in TEXTS[:2]
    ]


def test_a_refusal_says_what_the_service_says(client: httpx.Client) -> None:
    with pytest.raises(
        mere_client.ServiceError, match=r'404: no model "tinny"\. Did you mean "tiny"'
    ) as refused:
        mere_client.Client(str(client.base_url)).extract("Ada.", model="tinny")
    assert refused.value.status == 404


def test_keys_and_overload(extractor: mere.Extractor, tmp_path: Path) -> None:
    digest = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"  # sha256 of "key"
    (tmp_path / "keys").write_text(f"ada:{digest}\n")
    with serving(extractor, keys_file=str(tmp_path / "keys")) as service:
        url = str(service.base_url)
        with pytest.raises(mere_client.ServiceError, match="401"):
            mere_client.Client(url).extract("Ada.")
        asked = mere_client.Client(url, key="key", timeout_s=0.5)
        assert asked.extract("Ada.")["text"] == "Ada."
    assert not asked.is_ready()


def test_it_needs_python_alone() -> None:
    imported = {
        line.split()[1].split(".")[0]
        for line in FILE.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported <= sys.stdlib_module_names
