"""The error analysis of entities as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category

from rich import box
from rich.markup import escape
from rich.table import Table

from mere.metrics.confusion import NOTHING, ClassCounts, EntityErrors
from mere.metrics.mistakes import ErrorClass
from mere.types import Entity


def new_table(title: str, *columns: str) -> Table:
    """Return a table without rows; columns are never squeezed, and those behind the first hold numbers."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(escape(column), justify="right" if index else "left", no_wrap=True)
    return table


def tables(errors: EntityErrors, num_runs: int) -> Iterator[Table]:
    """Make the tables of classes, of types taken for others, and of examples."""
    runs = f", over {num_runs} runs" if num_runs > 1 else ""
    yield _classes(errors, runs)
    yield _types(errors, runs)
    if any(errors.examples.values()):
        yield _examples(errors)


def _classes(errors: EntityErrors, runs: str) -> Table:
    title = f"entity errors: wrong / missed mentions{runs}"
    table = new_table(title, "", *(error.value for error in ErrorClass))
    for parts in (errors.language, errors.type, {"all": errors.classes}):
        for name, classes in parts.items():
            table.add_row(escape(name), *(_cell(classes, error) for error in ErrorClass))
        table.add_section()
    return table


def _cell(classes: ClassCounts, error: ErrorClass) -> str:
    wrong, missed = classes[error]
    if error is ErrorClass.MISSED:
        return str(missed)
    return str(wrong) if error is ErrorClass.SPURIOUS else f"{wrong} / {missed}"


def _types(errors: EntityErrors, runs: str) -> Table:
    rows = errors.gold_by_predicted
    columns = sorted(
        {name for row in rows.values() for name in row}, key=lambda name: (name == NOTHING, name)
    )
    table = new_table(f"gold mentions by the type they were taken for{runs}", "gold", *columns)
    for gold, row in rows.items():
        table.add_row(escape(gold), *(str(row.get(name, 0)) for name in columns))
    return table


def _examples(errors: EntityErrors) -> Table:
    table = new_table("examples")
    for column in ("class", "lang", "sentence", "gold", "predicted", "text"):
        table.add_column(column, overflow="fold")
    for error, examples in errors.examples.items():
        for example in examples:
            table.add_row(
                error.value,
                escape(example.lang),
                escape(example.sentence),
                _mention(example.gold),
                _mention(example.predicted),
                escape(_on_one_line(example.excerpt)),
            )
        table.add_section()
    return table


def _mention(entity: Entity | None) -> str:
    if entity is None:
        return NOTHING
    text = _on_one_line(entity.text)
    return escape(text if entity.type is None else f"{text} ({entity.type})")


def _on_one_line(text: str) -> str:
    """Write white space of any kind as one space, and control characters as "�"."""
    return "".join("�" if category(char) == "Cc" else char for char in " ".join(text.split()))
