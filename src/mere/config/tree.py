"""A recipe before it is validated: a tree of settings, read from YAML, with others on top."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
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


def differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Name the settings in which two dumped recipes differ, each as `key: before -> now`."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        pairs = [(before.get(key), now.get(key), f"{path}.{key}".lstrip(".")) for key in keys]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(a, b, f"{path}{i}") for i, (a, b) in enumerate(zip(before, now, strict=True), start=1)]
    else:
        return [] if before == now else [f"{path}: {before} -> {now}"]
    return [difference for pair in pairs for difference in differences(*pair)]


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting by its path: ("stages.1.lr", 0.002)."""
    if isinstance(tree, Mapping | list):
        pairs = tree.items() if isinstance(tree, Mapping) else enumerate(tree, start=1)
        for key, value in pairs:
            yield from leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path, tree


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
