"""Models far from their start: both contexts, every kind of switcher."""

from __future__ import annotations

import pytest

from mere.inference.predictor import Predictor
from mere.models.backend import predictor_of
from mere.models.model import Model
from tests.models.seven_languages import KINDS, MAKER, randomised


@pytest.fixture(scope="module", params=list(KINDS))
def model(request: pytest.FixtureRequest) -> Model:
    return randomised(KINDS[request.param])


@pytest.fixture(scope="module")
def predictor(model: Model) -> Predictor:
    return predictor_of(model, MAKER)
