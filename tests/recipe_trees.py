"""A small recipe before it is validated, and what is said about a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from mere.config import Recipe
from mere.errors import ConfigError


def tree(**more: Any) -> dict[str, Any]:
    """A recipe of two stages, as it stands in a file, with more settings on top."""
    return {"stages": [{"name": "unified"}, {"name": "specific"}], **more}


def problems(tree: dict[str, Any], *overrides: str) -> list[str]:
    """What is wrong with a recipe, a line for each."""
    with pytest.raises(ConfigError) as raised:
        Recipe.from_tree(tree, overrides)
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems
