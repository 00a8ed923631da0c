"""Models far from their start, both contexts."""

from __future__ import annotations

import pytest
from seven_languages import MAKER, randomised, settings

from mere.models.model import Model
from mere.models.predictor import Predictor


@pytest.fixture(scope="module", params=["bilstm", "transformer"])
def model(request: pytest.FixtureRequest) -> Model:
    return randomised(settings(request.param))


@pytest.fixture(scope="module")
def predictor(model: Model) -> Predictor:
    return Predictor(model, MAKER)
