"""Former names of settings: a recipe that uses one is read, and answered with the present name."""

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
    """Return the settings of a recipe under their present names; where a setting has both, the present one holds."""
    if isinstance(tree, list):
        return [with_present_names(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    renamed = {}
    for key, value in sorted(
        tree.items(), key=lambda item: item[0] not in RENAMED
    ):  # present names come last
        if key == "types":  # a mapping of the corpus's own words
            renamed[key] = value
        elif key != "learn":
            renamed[RENAMED.get(key, key)] = with_present_names(value)
        elif value == "text":
            renamed["objective"] = {"name": "masked"}
    return renamed


def former_names(tree: Any) -> set[str]:
    """Return the former names that a recipe's settings use."""
    if isinstance(tree, list):
        return {name for item in tree for name in former_names(item)}
    if not isinstance(tree, dict):
        return set()
    below = {name for key, value in tree.items() if key != "types" for name in former_names(value)}
    return below | (tree.keys() & RENAMED.keys())
