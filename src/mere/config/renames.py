"""Former names of settings: a recipe that uses one is answered with the new name, a stored recipe is translated."""

from __future__ import annotations

from typing import Any

RENAMED = {
    "units_per_batch": "pieces_per_batch",
    "dev_units_per_batch": "dev_pieces_per_batch",
    "concat": "group_size",
    "concat_share": "group_share",
    "concat_after": "group_after",
    "mention_swap": "mention_replacement",
    "mention_hide": "mention_masking",
    "unit_hide": "mask_probability",
    "clip": "max_grad_norm",
    "learn": "objective",
}
"""Former names of settings and their present ones, wherever in a recipe they stand."""


def with_present_names(tree: Any) -> Any:
    """Return the settings of a recipe that an earlier version stored, under their present names."""
    if isinstance(tree, list):
        return [with_present_names(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    renamed = {
        RENAMED.get(key, key): with_present_names(value) for key, value in tree.items() if key != "learn"
    }
    if tree.get("learn") == "text":
        renamed["objective"] = {"name": "masked"}
    return renamed
