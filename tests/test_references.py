"""What docstrings, comments and docs refer to exists: sections of docs/method.md, modules, names, tests, files."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
FILES = sorted(
    path
    for folder, pattern in (("src", "*.py"), ("tests", "*.py"), ("benchmarks", "*.py"), ("recipes", "*.yaml"))
    for path in (ROOT / folder).rglob(pattern)
    if path != Path(__file__)
)
DOCS = sorted((ROOT / "docs").glob("*.md"))
SECTIONS = set(
    re.findall(r"^#+ (\d+(?:\.\d+)*) ", (ROOT / "docs" / "method.md").read_text("utf-8"), re.MULTILINE)
)


@functools.cache
def named(path: Path) -> set[str]:
    """The names that a module defines or imports at its top level."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name) for alias in node.names}
        else:
            found |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return found


@functools.cache
def resolves(dotted: str) -> bool:
    """Whether "mere.a.b.name" is a module, or a name at the top level of one (and whatever follows that)."""
    folder, parts = SOURCE, dotted.split(".")
    for place, part in enumerate(parts):
        if (folder / part).is_dir():
            folder /= part
            continue
        module = folder / f"{part}.py"
        rest = parts[place + 1 :] if module.is_file() else parts[place:]
        module = module if module.is_file() else folder / "__init__.py"
        return not rest or (module.is_file() and rest[0] in named(module))
    return True


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def wrong_references(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    wrong = [
        f"METHOD §{number}" for number in re.findall(r"METHOD §([\d.]*\d)", text) if number not in SECTIONS
    ]
    wrong += [f"{found} without a section's number" for found in re.findall(r"METHOD(?:\.md)(?! §\d)", text)]
    wrong += [
        found
        for found in re.findall(r"(?<![\w/-])(?:tests|docs)/[\w/]+\.(?:py|md)", text)
        if not (ROOT / found).exists()
    ]
    dotted = re.findall(r"(?<![\w./-])mere(?:\.\w+){2,}", text)
    return wrong + [found for found in dotted if not resolves(found)]


def test_references_resolve() -> None:
    wrong = {relative(path): wrong_references(path) for path in FILES}
    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize("path", DOCS, ids=relative)
def test_docs_name_files_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    roots = (ROOT, SOURCE / "mere")
    named_files = re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|yaml|md))`", text)
    assert not [name for name in named_files if not any((root / name).exists() for root in roots)]
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert not [name for name in linked if not (path.parent / name).exists()]


def test_sections_are_numbered_one_after_the_other() -> None:
    tops = sorted(int(number) for number in SECTIONS if "." not in number)
    assert tops == list(range(1, len(tops) + 1))
