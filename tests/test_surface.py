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
    "ConfigError", "Corpus", "DataError", "Document", "Entity", "Extractor", "Filter", "MereError", "ModelError",
    "Sentence", "Span", "TrainingError", "Triple", "UserError", "documents_to_rows", "load",
]  # fmt: skip

VERBS = {  # verb to its options
    "add-language": "--epochs --from --head-bias --lang --lora --lr --out --quiet --skip-unknown",
    "analyze": "--against --dev --jobs --out --pairs --percent "
    "--quiet --seed --sentences --stage --steps --transfer",
    "bench": "--json --threads",
    "calibrate": "--min-precision --out --split",
    "check": "--column --from --json --lang --languages "
    "--offsets --outside --scheme --tag-names --token-column",
    "compare": "--baseline --budget --group --jobs --out "
    "--pair --regimes --report-only --seeds --set --split",
    "convert": "--column --from --lang --offsets --outside "
    "--scheme --split-sentences --tag-names --to --token-column",
    "evaluate": "--batch-size --errors --json --no-intervals --split --threshold",
    "export": "--as --dev --force --lang --out --precision",
    "extract": "--any-types --batch-size --device --engine --facts --format --input --lang --languages "
    "--min-precision --min-score --offsets --out --per --relations --resume --shard-mb --text-key --threshold "
    "--types --unwrap --workers",
    "graph": "--base --format --merge --model --out --rdf",
    "info": "--json",
    "page": "--out --runtime",
    "push": "--dry-run --message --private",
    "quickstart": "--out --wide",
    "models": "",
    "serve": "--host --keys --min-precision --port --set --socket --workers",
    "train": "--from --out --quiet --resume --set",
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
    assert found == {verb: set(options.split()) for verb, options in VERBS.items()}


def test_the_package_is_typed_and_says_its_version() -> None:
    assert files("mere").joinpath("py.typed").is_file()
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert re.search(
        rf'^version = "{re.escape(mere.__version__)}"$', project.read_text(encoding="utf-8"), re.M
    )
