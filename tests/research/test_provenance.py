"""Where figures come from: facts about machine and code, and no names of hosts or folders."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import mere
from mere.research.provenance import hardware, software


def test_hardware_is_described_without_naming_the_host() -> None:
    facts = hardware(gpu="An accelerator")
    assert 1 <= facts.cores <= (os.cpu_count() or 1)
    assert facts.gpu == "An accelerator"
    text = facts.model_dump_json()
    assert socket.gethostname() not in text
    assert str(Path.home()) not in text
    assert facts.cpu


def test_memory_is_what_the_kernel_reports() -> None:
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        pytest.skip("no /proc/meminfo here")
    kilobytes = int(meminfo.read_text().split("MemTotal:")[1].split()[0])
    assert hardware().memory_gb == pytest.approx(kilobytes / 2**20, abs=0.1)


def test_software_names_the_installed_versions() -> None:
    facts = software()
    assert (facts.python, facts.mere) == (platform.python_version(), mere.__version__)
    assert facts.torch is None or facts.torch == version("torch")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_that_of_the_code_and_says_if_it_was_changed(tmp_path: Path) -> None:
    package = Path(mere.__file__).parent
    shutil.copytree(package, tmp_path / "src" / "mere", ignore=shutil.ignore_patterns("__pycache__"))
    identity = {
        f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*command: str) -> str:
        environment["PYTHONPATH"] = str(tmp_path / "src")
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit() -> str:
        return run(sys.executable, "-c", "from mere.research.provenance import commit; print(commit())")

    assert commit() == "None"  # no repository of this code
    run("git", "init", "--quiet")
    assert commit() == "None"  # nothing committed
    run("git", "add", "src")
    run("git", "commit", "--quiet", "--message", "first")
    assert commit() == run("git", "rev-parse", "--short=12", "HEAD")
    (tmp_path / "src" / "mere" / "errors.py").open("a").write("# changed\n")
    assert commit() == run("git", "rev-parse", "--short=12", "HEAD") + "-dirty"
