"""Where figures come from: hardware, software and commit, gathered without naming a host or a path."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mere
from mere.research.record import Hardware, Software


def origin(gpu: str | None = None) -> dict[str, Any]:
    """Return what every results file says of a measurement made now: its commit, date, hardware and software."""
    return {
        "commit": commit(),
        "date": datetime.now(UTC).date(),
        "hardware": hardware(gpu),
        "software": software(),
    }


def hardware(gpu: str | None = None) -> Hardware:
    """Describe this machine: processor, cores that the process may use, and memory in GiB.

    Args:
        gpu: name of the accelerator that was used, which only the caller knows.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Hardware(cpu=_cpu(), cores=cores, memory_gb=_memory_gb(), gpu=gpu)


def software() -> Software:
    """Name the versions of Python, torch (None where it is not installed) and mere."""
    try:
        torch: str | None = version("torch")
    except PackageNotFoundError:
        torch = None
    return Software(python=platform.python_version(), torch=torch, mere=mere.__version__)


def commit() -> str | None:
    """Return the commit that this code is of, `-dirty` behind it if it was changed since, or None.

    None: the code runs from an installed package, there is no git, or nothing was committed yet.
    """
    here = Path(__file__)
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine() or "unknown"


def _memory_gb() -> float | None:
    """Return the physical memory in GiB, or None where the system does not tell."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return round(size / 2**30, 1)
