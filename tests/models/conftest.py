"""Models far from their start: both contexts, every kind of switcher."""

from __future__ import annotations

import pytest
from seven_languages import KINDS, MAKER, randomised

from mere.models.model import Model
from mere.models.predictor import Predictor


@pytest.fixture(scope="module", params=list(KINDS))
def model(request: pytest.FixtureRequest) -> Model:
    return randomised(KINDS[request.param])


@pytest.fixture(scope="module")
def predictor(model: Model) -> Predictor:
    return Predictor(model, MAKER)
