"""The pages are whole: what is generated says all there is, links lead somewhere, the picture is fresh."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest
import typer

import mere.config
from mere.cli import app
from mere.config import Settings
from mere.data.check.catalogue import CATALOGUE, READING
from mere.serving.app import PATHS
from mere.serving.settings import ServingSettings
from tests.docs.pages import PAGES, ROOT


def test_nothing_that_is_to_be_generated_is_left() -> None:
    assert not [page for page, text in PAGES.items() if "<!-- generated:" in text]


def test_every_option_is_on_the_page_of_commands() -> None:
    for name, verb in typer.main.get_command(app).commands.items():
        section = PAGES["docs/commands.md"].split(f"## mere {name}\n")[1].split("\n## ")[0]
        named = {option for parameter in verb.params for option in parameter.opts if option.startswith("--")}
        assert not [option for option in named if f"`{option}" not in section], name


def test_every_setting_is_on_the_page_of_settings() -> None:
    classes = [c for _, c in inspect.getmembers(mere.config, inspect.isclass) if issubclass(c, Settings)]
    for settings in (set(classes) | {ServingSettings}) - {Settings}:
        section = PAGES["docs/settings.md"].split(f"\n\n{inspect.getdoc(settings)}\n\n")[1].split("\n## ")[0]
        for name, field in settings.model_fields.items():
            assert f"| `{name}` |" in section or "Settings" in str(field.annotation), f"{settings} {name}"
            assert field.description or "Settings" in str(field.annotation), f"{settings} {name}"


def test_every_finding_is_on_the_page_of_checks() -> None:
    assert all(f"| `{code}` |" in PAGES["docs/checks.md"] for code in [*CATALOGUE, *READING])


def test_every_public_name_is_on_the_page_of_python() -> None:
    errors = {"ConfigError", "DataError", "MereError", "ModelError", "TrainingError", "UserError"}
    page = PAGES["docs/python.md"]
    assert not [name for name in set(mere.__all__) - errors if f":: mere.{name}\n" not in page]
    assert ".. automodule:: mere.errors" in page


def test_every_path_of_the_service_is_on_its_page() -> None:
    table = PAGES["docs/service.md"].split("## Load")[0]
    assert not [path for path in PATHS if f"`{path}`" not in table and f" {path}`" not in table]


def anchor(heading: str) -> str:
    """Return the anchor of a heading as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target, part in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", PAGES[page]):
        path = ((ROOT / page).parent / target).resolve() if target else ROOT / page
        assert path.exists(), f"{page}: {target}"
        if part:
            headings = re.findall(r"^#+ (.+)$", PAGES[str(path.relative_to(ROOT))], re.M)
            assert part in map(anchor, headings), f"{page}: {target}#{part}"


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"^([a-z-]+)$", PAGES["docs/index.md"], re.M)
    assert sorted([*listed, "index"]) == sorted(path.stem for path in (ROOT / "docs").glob("*.md"))


def test_the_readme_is_short() -> None:
    assert len(PAGES["README.md"].splitlines()) < 120


def test_the_picture_is_fresh() -> None:
    made = subprocess.run(
        [sys.executable, "docs/picture.py"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert made == (ROOT / "docs" / "picture.svg").read_bytes()
