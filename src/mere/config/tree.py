"""A recipe before it is validated: a tree of settings, read from YAML, with others on top."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from mere.errors import ConfigError, nearest


def read_tree(path: str | Path) -> dict[str, Any]:
    """Read a recipe's settings as they stand in its file, with its `regimes`; nothing is validated.

    Raises:
        ConfigError: the file is missing, or is no mapping in YAML.
    """
    import yaml  # here, because models are read by what JSON holds

    path = Path(path)
    if not path.is_file():
        near = nearest(
            path.name, [p.name for p in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        )
        raise ConfigError(f"{path}: there is no such recipe.{near}")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a recipe is a mapping of settings, found {type(tree).__name__}.")
    return tree


def merge_trees(tree: dict[str, Any], on_top: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others on top, group by group; a list is replaced whole."""
    both = dict(tree)
    for key, value in on_top.items():
        before = both.get(key)
        both[key] = (
            merge_trees(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
        )
    return both


def apply_override(tree: dict[str, Any], override: str, keys: Container[str]) -> None:
    """Set `a.b=c` in the tree; `stage2` and a stage's own name both lead to that stage.

    Args:
        keys: those of a recipe, which a stage may be named like.

    Raises:
        ConfigError: the override is malformed, or leads nowhere.
    """
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'--set {override}: write it as key=value, for example "--set stage1.lr=1e-3".')
    node: Any = tree
    *parents, leaf = key.strip().split(".")
    for depth, name in enumerate(parents):
        if depth == 0 and (stage := _stage(tree, name)) is not None:
            node = stage
        elif isinstance(node, list):
            raise ConfigError(f'--set {key}: write "stage1.…" or "<stage name>.…" for a stage.')
        else:
            node = node.setdefault(name, {})
        if not isinstance(node, dict | list):
            raise ConfigError(f'--set {key}: "{name}" is a value, not a group of settings.')
    if isinstance(node, list):
        raise ConfigError(f'--set {key}: write "stage1.…" or "<stage name>.…" for a stage.')
    if not parents and leaf not in keys and _stage(tree, leaf) is not None:
        raise ConfigError(f'--set {key}: is a stage. Name a setting of it, for example "{key}.lr=1e-3".')
    import yaml

    try:
        node[leaf] = yaml.safe_load(value)
        if isinstance(node[leaf], str) and not value.strip().startswith(("'", '"')):
            node[leaf] = float(value)  # YAML 1.1 reads 1e-3 as text
    except ValueError:
        pass
    except yaml.YAMLError:
        node[leaf] = value


def stages_of(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a recipe's stages, as far as they are mappings."""
    stages = tree.get("stages")
    return [stage for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []


def _stage(tree: dict[str, Any], name: str) -> dict[str, Any] | None:
    stages = stages_of(tree)
    for index, stage in enumerate(stages, start=1):
        if name in (f"stage{index}", stage.get("name")):
            return stage
    if name.startswith("stage") and name[5:].isdigit():
        raise ConfigError(f"--set {name}.…: the recipe has {len(stages)} stages.")
    return None
