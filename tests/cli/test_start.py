"""Starting is cheap and torch-free, and every exit says what happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from mere import __version__
from mere.cli import app, guard
from mere.errors import DataError, TrainingError

HEAVY = ("torch", "py3langid", "numpy", "pydantic", "safetensors", "scipy", "huggingface_hub")


def loaded_after(code: str) -> set[str]:
    """Return which heavy packages a fresh Python has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()) if done.stdout.strip() else set()


@pytest.mark.parametrize(
    "code",
    [
        "import mere",
        "import mere.cli",
        "import sys, mere.cli\nsys.argv = ['mere', '--help']\ntry: mere.cli.main()\nexcept SystemExit: pass",
    ],
)
def test_import_and_help_load_nothing_heavy(code: str) -> None:
    assert loaded_after(code) == set()


def test_the_extractor_itself_is_torch_free() -> None:
    assert "torch" not in loaded_after("import mere; mere.Extractor; mere.load")


def test_a_mistake_in_a_recipe_is_said_before_torch_is_loaded() -> None:
    code = "import sys, mere.cli\nsys.argv = ['mere', 'train', 'nowhere.yaml', '--out', 'run']\ntry: mere.cli.main()\n"
    assert "torch" not in loaded_after(f"{code}except SystemExit as end: assert end.code == 2")


def test_a_verb_loads_no_other() -> None:
    script = (
        "import sys, mere.cli\nsys.argv = ['mere', 'extract', '--help']\ntry: mere.cli.main()\n"
        "except SystemExit: pass\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "mere.cli.extract" in loaded
    assert not {"mere.cli.train", "mere.cli.analyze", "yaml", "rich"} & loaded


def test_every_verb_is_listed_and_helps(mere: Any) -> None:
    listed = mere("--help").stdout
    for verb in ("train", "evaluate", "extract", "check", "quickstart"):
        assert verb in listed
        helped = CliRunner().invoke(app, [verb, "--help"])
        assert helped.exit_code == 0
        assert "Usage:" in helped.output


def test_version(mere: Any) -> None:
    done = mere("--version")
    assert (done.returncode, done.stdout) == (0, f"mere {__version__}\n")


@pytest.mark.parametrize("args", [["nonsense"], ["export"], ["train", "r.yaml"], ["evaluate", "--splt", "x"]])
def test_wrong_usage_is_the_users_mistake(mere: Any, args: list[str]) -> None:
    done = mere(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("args", [["--debug", "extract", "nowhere"], ["extract", "nowhere", "--debug"]])
def test_debug_adds_the_traceback_wherever_it_stands(mere: Any, args: list[str]) -> None:
    done = mere(*args)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "Error: nowhere: no such folder" in done.stderr


def test_without_debug_there_is_one_message(mere: Any) -> None:
    done = mere("extract", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: nowhere: no such folder; expected a model's folder.")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (DataError("x.txt:3: bad. Mend it."), 2, "Error: x.txt:3: bad. Mend it.\n"),
        (TrainingError("the disk is full"), 1, "Error: the disk is full\n"),
        (
            OSError(28, "No space left on device"),
            1,
            "Error: [Errno 28] No space left on device. Check the disk",
        ),
        (ZeroDivisionError("oops"), 1, "Error: ZeroDivisionError: oops. This is a fault of mere."),
        (KeyboardInterrupt(), 130, "Interrupted. Go on with --resume.\n"),
        (BrokenPipeError(), 0, ""),
        (typer.Exit(3), 3, ""),
    ],
)
def test_every_error_has_its_exit_status(error: BaseException, status: int, message: str) -> None:
    own = typer.Typer(pretty_exceptions_enable=False)

    def verb() -> None:
        raise error

    own.command()(guard.guarded(verb, when_interrupted="Go on with --resume."))
    done = CliRunner().invoke(own, [])
    assert done.exit_code == status
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_recipe_that_is_not_there(mere: Any, tmp_path: Path) -> None:
    done = mere("train", tmp_path / "nowhere.yaml", "--out", tmp_path / "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere.yaml" in done.stderr
    assert "Traceback" not in done.stderr
