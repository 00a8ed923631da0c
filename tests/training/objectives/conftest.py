"""Shapes in the signatures of mere.training.objectives are checked, as those of the layers are."""

from __future__ import annotations

from jaxtyping import install_import_hook

_hook = install_import_hook(["mere.training.objectives"], "beartype.beartype")
