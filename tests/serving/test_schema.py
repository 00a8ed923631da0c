"""What the service declares in OpenAPI holds of what it answers, to requests that schemathesis makes up of it.

A schema cannot say that offsets lie in a text, so `/v1/graph` may refuse what fits its schema.
"""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

WITHOUT_INPUT = ("/healthz", "/readyz", "/metrics", "/v1/models")


@pytest.mark.parametrize("mode", GenerationMode)
def test_answers_are_as_declared(client: httpx.Client, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == {"/v1/extract", "/v1/graph", *WITHOUT_INPUT}
    for operation in operations:
        if mode is GenerationMode.POSITIVE or operation.path not in WITHOUT_INPUT:
            hold(operation, mode)


def hold(operation: schemathesis.APIOperation, mode: GenerationMode) -> None:
    excluded = [positive_data_acceptance] if operation.path == "/v1/graph" else []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=excluded)

    check()
