"""A skip that is not on the list fails the run, in one process and under xdist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("workers", [[], ["-p", "xdist.plugin", "-n", "1"]], ids=["one process", "xdist"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('def test_it(): pytest.skip("no Chromium here")', 0),
        ('def test_it(): pytest.skip("not today")', 1),
        ('pytest.importorskip("no_such_oracle")\ndef test_it(): pass', 1),
        ("@pytest.mark.xfail\ndef test_it(): assert False", 0),
    ],
)
def test_an_unexpected_skip_fails_the_run(tmp_path: Path, workers: list[str], body: str, status: int) -> None:
    (tmp_path / "conftest.py").write_text("from tests.skips import *\n", encoding="utf-8")
    (tmp_path / "test_one.py").write_text(f"import pytest\n{body}\n", encoding="utf-8")
    (tmp_path / "test_two.py").write_text("def test_two(): pass\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *workers, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("unexpected skip: " in done.stdout) == (status == 1)
