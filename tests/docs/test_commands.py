"""What README and docs tell people to type works: against a tiny model, or at least against the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from mere.cli import app
from mere.config import Recipe, read_tree
from mere.data.corpus import Corpus
from tests.command import mere, worked
from tests.docs.pages import PAGES, ROOT, blocks, command, lines, options, parsed

RUN = ("README.md", "docs/start.md", "docs/own-data.md")  # in this order, in one folder
NOT_RUN = {"train", "compare", "analyze", "add-language"}  # minutes
NOT_RUN |= {"serve", "page", "push", "bench"}  # a server, npm's package, a hub, and what times itself
ELSEWHERE = ("org/name", "runs/lora")  # models that are not here
VERBS = set(typer.main.get_command(app).commands)


@pytest.fixture(scope="module")
def workplace(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as the docs expect, with a tiny model where the demo would leave its own."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("recipes", "examples"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "runs" / "quickstart").mkdir(parents=True)
    (folder / "runs" / "quickstart" / "model").symlink_to(tiny_model)
    return folder


@pytest.mark.slow
def test_the_commands_run_in_order(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    found = dict.fromkeys(filter(None, (command(line) for page in RUN for line in lines(page))))
    run = [c for c in found if c.verb not in NOT_RUN and not any(e in a for e in ELSEWHERE for a in c.args)]
    for one in run:
        done = worked(mere(*one.args, stdin=one.stdin.encode()))
        assert done.stdout.strip() or "--out" in one.args, one
        if one.out:
            Path(one.out).write_bytes(done.stdout_bytes)
    assert {c.verb for c in run} == VERBS - NOT_RUN


@pytest.mark.parametrize("page", PAGES)
def test_the_command_line_takes_every_command(page: str) -> None:
    for one in filter(None, map(command, lines(page))):
        given = parsed(one.args)
        if one.verb == "train":
            assert Recipe.read(ROOT / given["recipe"], given["overrides"] or []).stages, one
        if one.verb == "compare":
            assert read_tree(ROOT / given["recipe"])["regimes"], one


@pytest.mark.parametrize("page", PAGES)
def test_what_prose_calls_a_command_is_one(page: str) -> None:
    for verb, rest in re.findall(r"`mere ([a-z][\w-]*)([^`]*)`", PAGES[page]):
        assert verb in VERBS, verb
        assert set(re.findall(r"--[a-z][\w-]*", rest)) <= options(verb), f"mere {verb}{rest}"


def test_the_readme_names_every_verb() -> None:
    table = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", PAGES["README.md"], re.M)
    told = {verb for cell in table for verb in re.findall(r"`([\w-]+)`", cell)}
    assert told == VERBS - {"quickstart"}


@pytest.mark.parametrize("block", [b for page in RUN for b in blocks(page, "python")])
def test_the_python_runs(block: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    exec(compile(block, "<docs>", "exec"), {})


def test_the_notebook_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell by cell, as Jupyter would; a cell's last line is an expression that shows itself."""
    monkeypatch.chdir(workplace)
    cells = json.loads((ROOT / "docs" / "tour.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        *before, last = "".join(cell["source"]).splitlines()
        if cell["cell_type"] == "code":
            exec("\n".join(before), names)
            shown = eval(last, names)
            html = getattr(shown, "_repr_html_", None)
            assert html is None or "mere-document" in html()
    assert names["documents"]


def test_the_corpus_format_is_read(tmp_path: Path) -> None:
    (block,) = blocks("docs/own-data.md", "json")
    (tmp_path / "de.train.jsonl").write_text(json.dumps(json.loads(block)) + "\n", encoding="utf-8")
    (sentence,) = Corpus.load(tmp_path).sentences("train")
    (triple,) = sentence.triples
    assert (triple.subject.text, triple.relation, triple.object.text) == (
        "Ada Byron",
        "birth-place",
        "London",
    )


def test_the_example_script_reads_what_extract_writes(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = (ROOT / "examples" / "texts.txt").read_text(encoding="utf-8").splitlines()
    done = worked(mere("extract", workplace / "runs/quickstart/model", ROOT / "examples" / "texts.txt"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", done.stdout.splitlines())
        exec((ROOT / "examples" / "show.py").read_text(encoding="utf-8"), {})
    assert len(capsys.readouterr().out.splitlines()) >= len(texts)
