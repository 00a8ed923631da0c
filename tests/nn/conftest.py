"""What tests of encoders share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny checkpoint of each family of pretrained encoders."""
    from tests import checkpoints

    base = tmp_path_factory.mktemp("checkpoints")
    return {family: checkpoints.make(family, base / family, positions=128) for family in checkpoints.FAMILIES}
