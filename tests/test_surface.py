"""The public surface is small, documented, and does not change by accident."""

from __future__ import annotations

import inspect
import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.main import get_command

import mere
from mere.cli import app

SURFACE = [
    "ConfigError", "Corpus", "DataError", "Document", "Entity", "Extractor", "MereError", "ModelError",
    "Sentence", "Span", "TrainingError", "Triple", "UserError", "load",
]  # fmt: skip

VERBS = {
    "add-language": {"--lang", "--out", "--from", "--head-bias", "--lora", "--epochs", "--lr"}
    | {"--skip-unknown", "--quiet"},
    "analyze": {"--against", "--dev", "--jobs", "--out", "--pairs", "--percent", "--quiet", "--seed"}
    | {"--sentences", "--stage", "--steps", "--transfer"},
    "check": {"--languages", "--json"},
    "compare": {"--regimes", "--budget", "--split", "--baseline", "--seeds", "--jobs", "--set", "--out"}
    | {"--report-only", "--pair", "--group"},
    "convert": {"--to", "--from", "--scheme", "--column", "--lang"},
    "evaluate": {"--split", "--json", "--errors", "--no-intervals", "--threshold", "--batch-size"},
    "export": {"--lang", "--as", "--out"},
    "extract": {
        "--lang",
        "--languages",
        "--unwrap",
        "--offsets",
        "--format",
        "--input",
        "--text-key",
        "--per",
        "--threshold",
        "--batch-size",
    },
    "graph": {"--format", "--out", "--merge", "--rdf", "--base", "--model"},
    "import": {"--lang", "--out"},
    "push": {"--private", "--message", "--dry-run"},
    "quickstart": {"--out"},
    "train": {"--out", "--set", "--resume", "--quiet"},
}


def test_the_surface_is_what_we_say_it_is() -> None:
    assert sorted(mere.__all__) == SURFACE


@pytest.mark.parametrize("name", SURFACE)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(mere, name))
    assert name in dir(mere)


def test_what_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Extracter'"):
        _ = mere.Extracter


def test_errors_form_one_tree() -> None:
    for error in (mere.ConfigError, mere.DataError, mere.ModelError):
        assert issubclass(error, mere.UserError)
        assert error.exit_status == 2
    assert issubclass(mere.TrainingError, mere.MereError)
    assert not issubclass(mere.TrainingError, mere.UserError)
    assert mere.TrainingError.exit_status == 1


def test_verbs_and_their_options() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    found = {
        verb: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        - {"--help"}
        for verb, command in commands.items()
    }
    assert found == VERBS


def test_the_package_is_typed_and_says_its_version() -> None:
    assert files("mere").joinpath("py.typed").is_file()
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert re.search(
        rf'^version = "{re.escape(mere.__version__)}"$', project.read_text(encoding="utf-8"), re.M
    )
