"""Generated tables: what they show, when they are stale, and markers that are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.tables import main, render_table, update_markers

from mere.errors import DataError
from tests.research.results_examples import results

OPEN, CLOSE = "<!-- results: facts.json metric=triple_f1/strict -->", "<!-- /results -->"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results().write(tmp_path / "results" / "facts.json")
    return tmp_path


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_bytes(text.encode())
    return path


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_languages_by_code_then_macro_and_micro() -> None:
    header, rule, naive, two_stage = rows(render_table(results(), "triple_f1/strict"))
    assert header == ["system", "de", "te", "macro", "micro"]
    assert set(rule[1:]) == {"---:"}
    assert naive == [
        "naive",
        "50.0 [48.0, 52.0]",
        "30.0 [28.0, 32.0]",
        "40.0 [38.0, 42.0]",
        "45.0 [43.0, 47.0]",
    ]
    assert two_stage[3] == "46.0 [44.0, 48.0]"


def test_systems_are_chosen_and_ordered() -> None:
    table = rows(render_table(results(), "relation_f1", systems=["two-stage", "naive"]))
    assert [row[0] for row in table[2:]] == ["two-stage", "naive"]
    assert table[2][3] == "76.0 [74.0, 78.0]"


def test_names_may_hold_commas(folder: Path) -> None:
    made = results()
    made.systems["naive, longer"] = made.systems["naive"]
    made.write(folder / "results" / "facts.json")
    path = page(folder, f'<!-- results: facts.json systems="naive, longer; naive" -->\n{CLOSE}\n')
    assert update_markers(path, folder / "results")
    assert [row[0] for row in rows(path.read_text())[4:6]] == ["naive, longer", "naive"]


def test_every_other_table() -> None:
    made = results()
    assert rows(render_table(made, table="sources"))[2:] == [
        ["de/webnlg", "50.0", "56.0"],
        ["te/indore", "–", "–"],
    ]
    assert rows(render_table(made, table="recall", systems=["naive"]))[3][:2] == [
        "naive, unseen",
        "30.0 [28.0, 32.0]",
    ]
    naive, two_stage = rows(render_table(made, table="costs"))[2:]
    assert naive == ["naive", *["–"] * 7]
    assert two_stage[1:] == ["15.5 min", "12,000", "6 to 18", "3.1 M", "17.5 M", "70.4 MB", "1,800.0 MB"]
    comparison = rows(render_table(made, table="comparisons"))[2]
    assert comparison == ["two-stage − naive", "macro", "+6.0 [+4.1, +7.9]", "< 0.001", "paired bootstrap"]
    assert "warm up \\| first" in render_table(made, table="attempts")


def test_a_table_is_written_between_its_markers_and_nowhere_else(folder: Path) -> None:
    path = page(folder, f"# Title\n{OPEN}\nold\n{CLOSE}\nafter\n")
    assert update_markers(path, folder / "results")
    table = render_table(results(), "triple_f1/strict")
    assert path.read_text(encoding="utf-8") == f"# Title\n{OPEN}\n\n{table}\n\n{CLOSE}\nafter\n"
    assert not update_markers(path, folder / "results")  # nothing left to do


def test_several_tables_and_windows_line_ends(folder: Path) -> None:
    costs = "<!-- results: facts.json table=costs systems=naive -->"
    path = page(folder, f"{OPEN}\r\n{CLOSE}\r\n\r\n{costs}\r\n{CLOSE}\r\n")
    assert update_markers(path, folder / "results")
    text = path.read_bytes().decode()
    assert text.count("| naive") == 2
    assert text.count("\n") == text.count("\r\n")


def test_a_page_without_markers_keeps_every_byte(folder: Path) -> None:
    path = page(folder, "a\r\nb\n\nc  ")
    assert not update_markers(path, folder / "results")
    assert path.read_bytes() == b"a\r\nb\n\nc  "


def test_markers_in_a_code_fence_are_an_example(folder: Path) -> None:
    text = f"```html\n{OPEN}\n{CLOSE}\n```\n~~~\n{OPEN}\n~~~\n"
    path = page(folder, text)
    assert not update_markers(path, folder / "results")
    assert path.read_text(encoding="utf-8") == text


def test_check_finds_stale_tables_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = page(folder, f"{OPEN}\n{CLOSE}\n")
    arguments = [str(path), "--results", str(folder / "results")]
    before = path.read_bytes()
    assert main([*arguments, "--check"]) == 1
    assert f"Run: python -m benchmarks.tables {path}" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    newer = results()
    newer.systems["naive"].metrics["triple_f1/strict"].pop("te")
    newer.write(folder / "results" / "facts.json")
    assert main([*arguments, "--check"]) == 1


def test_the_module_runs_as_make_check_runs_it(folder: Path) -> None:
    path = page(folder, f"{OPEN}\n{CLOSE}\n")
    command = [sys.executable, "-W", "error", "-m", "benchmarks.tables", str(path), "--check"]
    done = subprocess.run(
        [*command, "--results", str(folder / "results")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("stale tables in ")
    assert done.stdout == ""


BAD_PAGES = [
    (f"x\n{OPEN}\n", r"page\.md:2: the marker is never closed"),
    (f"{CLOSE}\n", r"page\.md:1: .* but no marker is open"),
    (f"{OPEN}\n{OPEN}\n{CLOSE}\n", r"page\.md:2: .* but the marker of line 1 is still open"),
    (f"<!-- results: metric=x -->\n{CLOSE}\n", r"page\.md:1: the marker names no results file"),
    (f"<!-- results: facts.json\n{CLOSE}\n", r"page\.md:1: the marker names no results file"),
    (
        f"<!-- results: facts.json metrik=x -->\n{CLOSE}\n",
        r'unknown option "metrik=x"\. Did you mean "metric"\?',
    ),
    (
        f"<!-- results: facts.json metric=triple_f1/strikt -->\n{CLOSE}\n",
        r'page\.md:1: system naive has no metric "triple_f1/strikt"\. Did you mean "triple_f1/strict"\?',
    ),
    (f"<!-- results: facts.json table=cost -->\n{CLOSE}\n", r'unknown table "cost"\. Did you mean "costs"\?'),
    (
        f"<!-- results: facts.json systems=naiv -->\n{CLOSE}\n",
        r'unknown system "naiv"\. Did you mean "naive"\?',
    ),
    (
        f"<!-- results: facts.json table=comparisons metric=relation_f1 -->\n{CLOSE}\n",
        'no comparison by "relation_f1"',
    ),
    (f"<!-- results: other.json -->\n{CLOSE}\n", r"other\.json: cannot be read"),
]


@pytest.mark.parametrize(("text", "message"), BAD_PAGES)
def test_a_wrong_marker_is_refused_with_its_line(folder: Path, text: str, message: str) -> None:
    path = page(folder, text)
    with pytest.raises(DataError, match=message):
        update_markers(path, folder / "results")
    assert path.read_text(encoding="utf-8") == text


def test_the_users_mistake_is_exit_status_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "none.md")]) == 2
    assert "DataError: " in capsys.readouterr().err
    (folder / "latin.md").write_bytes(b"\xe9")
    assert main([str(folder / "latin.md")]) == 2
    assert "is not UTF-8" in capsys.readouterr().err
