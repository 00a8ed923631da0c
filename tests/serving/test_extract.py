"""Answers of the service are those of the Python API, byte for byte, however they are asked for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

import mere
from tests import tiny

TEXTS = [sentence.text for sentence in tiny.SENTENCES] + ["", "👩‍🚀 Ada\r\nkam.", "شارع 5", "x" * 3000]


def encoded(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def without_scores(record: Any) -> Any:
    """Return a record without scores, whose last digit depends on which texts are read in one batch."""
    if isinstance(record, dict):
        return {key: without_scores(value) for key, value in record.items() if key != "score"}
    return [without_scores(item) for item in record] if isinstance(record, list) else record


def test_one_text(client: httpx.Client, extractor: mere.Extractor) -> None:
    for text in TEXTS:
        answer = client.post("/v1/extract", json={"text": text})
        assert answer.status_code == 200
        assert answer.content == encoded(extractor(text).to_json())


def test_several_texts_with_languages(client: httpx.Client, extractor: mere.Extractor) -> None:
    asked = [{"text": sentence.text, "lang": sentence.lang} for sentence in tiny.SENTENCES]
    answer = client.post("/v1/extract", json={"texts": asked, "model": "tiny"})
    found = extractor.extract([item["text"] for item in asked], [item["lang"] for item in asked])
    expected = [document.to_json() for document in found]
    assert answer.content == encoded({"documents": expected})


def test_lines(client: httpx.Client, extractor: mere.Extractor) -> None:
    lines = [json.dumps({"text": text}).encode() for text in TEXTS]
    lines.insert(2, b'{"text": 5}')
    answer = client.post(
        "/v1/extract", content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    found = answer.content.splitlines(keepends=True)
    assert json.loads(found.pop(2)) == {"error": "text: Input should be a valid string", "status": 422}
    expected = [without_scores(extractor(text).to_json()) for text in TEXTS]
    assert [without_scores(json.loads(line)) for line in found] == expected


def test_a_score_leaves_out_what_is_below(client: httpx.Client) -> None:
    text = tiny.SENTENCES[0].text
    scores = [t["score"] for t in client.post("/v1/extract", json={"text": text}).json()["triples"]]
    kept = client.post("/v1/extract", json={"text": text, "min_score": 1.0}).json()["triples"]
    assert [t["score"] for t in kept] == [score for score in scores if score >= 1.0]


def test_answers_are_not_crossed_under_load(client: httpx.Client, extractor: mere.Extractor) -> None:
    texts = [f"{TEXTS[i % 5]} {i}" for i in range(80)]
    expected = [without_scores(document.to_json()) for document in extractor.extract(texts)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: client.post("/v1/extract", json={"text": text}), texts))
    assert [without_scores(answer.json()) for answer in answers] == expected


def test_what_there_is(client: httpx.Client, extractor: mere.Extractor) -> None:
    [model] = client.get("/v1/models").json()
    assert model["name"] == "tiny"
    assert model["languages"] == list(extractor.labels.languages)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_metrics_count_requests_and_name_no_path_of_a_stranger(client: httpx.Client) -> None:
    client.get("/secret-of-a-stranger")
    metrics = client.get("/metrics").text
    assert 'mere_requests_total{path="/v1/models",status="200"}' in metrics
    assert 'mere_requests_total{path="other",status="404"}' in metrics
    assert "stranger" not in metrics
