"""In which settings two recipes differ."""

from __future__ import annotations

from typing import Any


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
