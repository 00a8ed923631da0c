"""A Sphinx extension: what code knows better than prose is written where a page says `<!-- generated: NAME -->`.

commands: every verb, from the help that the command line prints
settings: every setting, from the descriptions of its field
checks: every finding of `mere check`, from its catalogue
figures FILE KEY: numbers of a results file without a schema, one row for each entry under KEY
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer

from mere.cli import app as command_line
from mere.config import Recipe, Settings
from mere.data.check.catalogue import CATALOGUE, READING
from mere.serving.settings import ServingSettings

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
MARKER = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)


def commands() -> str:
    """Return a section for every verb."""
    group = typer.main.get_command(command_line)
    outer = group.make_context("mere", [], resilient_parsing=True)
    return "\n".join(
        _verb(name, command, command.make_context(name, [], parent=outer, resilient_parsing=True))
        for name, command in group.commands.items()
    )


def _verb(name: str, command: Any, context: Any) -> str:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## mere {name}", inspect.cleandoc(command.help), f"```text\nmere {name} {usage}\n```"]
    records = filter(None, (parameter.get_help_record(context) for parameter in command.get_params(context)))
    lines += [f"`{names}`\n: {_escaped(meaning)}" for names, meaning in records]
    return "\n\n".join(lines) + "\n"


def settings() -> str:
    """Return a section for every class of settings, the recipe's first, each under the key where it stands."""
    sections = [_settings_of("A recipe", Recipe)]
    sections += [_settings_of(place, found) for place, found in _below(Recipe, "")]
    sections.append(_settings_of("The service", ServingSettings))
    return "\n".join(sections)


def _below(settings: type[Settings], before: str) -> Iterator[tuple[str, type[Settings]]]:
    for name, field in settings.model_fields.items():
        found = list(_classes(field.annotation))
        for one in found:
            place = f"{before}{name}"
            yield place if len(found) == 1 else f"{place}, {_kind(one)}", one
            yield from _below(one, f"{place}.")


def _kind(settings: type[Settings]) -> str:
    field = settings.model_fields.get("kind") or settings.model_fields["name"]
    return str(get_args(field.annotation)[0])


def _classes(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from _classes(part)


def _settings_of(place: str, settings: type[Settings]) -> str:
    rows = [
        (f"`{name}`", _type(field.annotation), _default(field), _escaped(field.description or ""))
        for name, field in settings.model_fields.items()
        if not list(_classes(field.annotation))  # those have a section
    ]
    head = ("setting", "type", "default", "meaning")
    return f"## {place}\n\n{inspect.getdoc(settings)}\n\n{_table(head, rows)}"


def _type(annotation: Any) -> str:
    """Return a type as a reader of YAML would say it: `a | b` for words, `list` for a tuple, `null` for None."""
    if get_origin(annotation) is Literal:
        return " \\| ".join(f"`{word}`" for word in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " \\| ".join(map(_type, get_args(annotation)))
    if get_origin(annotation) is tuple:
        return f"list of {_type(get_args(annotation)[0])}"
    if get_origin(annotation) is dict:
        return "a mapping"
    return "`null`" if annotation is NoneType else f"`{annotation.__name__}`"


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True), ensure_ascii=False)}`"


def checks() -> str:
    """Return the catalogue of `mere check`, weightiest first, and the faults of lines that readers tell."""
    found = [(f"`{code}`", e.weight, e.title, _escaped(e.meaning)) for code, e in CATALOGUE.items()]
    reading = [(f"`{code}`", title) for code, title in READING.items()]
    return (
        _table(("code", "weight", "what is counted", "what it means, and what to do"), found)
        + "\n## Lines and files that cannot be used\n\nAll of these are errors, told with file and line.\n\n"
        + _table(("code", "what is counted"), reading)
    )


def figures(file: str, key: str) -> str:
    """Return the numbers of a results file under `key` as a table, and what they were measured with."""
    results = json.loads((RESULTS / file).read_text(encoding="utf-8"))
    rows = {name: dict(_numbers(entry)) for name, entry in results[key].items()}
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    table = _table(
        ("", *columns), [(name, *(row.get(c, "–") for c in columns)) for name, row in rows.items()]
    )
    hardware = results["hardware"]
    origin = f"`{results['command']}`, commit {results['commit']}, {results['date']}, {hardware['cpu']}"
    return f"{table}\n{origin}, {hardware['cores']} cores: `benchmarks/results/{file}`.\n"


def _numbers(entry: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in entry.items():
        column = f"{before} {name}".strip().replace("_", " ")
        if isinstance(value, dict) and {"value", "low", "high"} <= set(value):
            yield column, f"{value['value']:,g} [{value['low']:,g}, {value['high']:,g}]"
        elif isinstance(value, dict):
            yield from _numbers(value, column)
        elif isinstance(value, int | float):
            yield column, f"{value:,}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _escaped(text: str) -> str:
    return re.sub(r"([<>*|\[\]])", r"\\\1", text)


GENERATORS = {"commands": commands, "settings": settings, "checks": checks, "figures": figures}


def expanded(text: str) -> str:
    """Return a page with everything that is generated in its place."""

    def made(match: re.Match[str]) -> str:
        name, *arguments = match[1].split()
        return GENERATORS[name](*arguments)

    return MARKER.sub(made, text)


def _on_source_read(app: Any, name: str, source: list[str]) -> None:
    source[0] = expanded(source[0])


def setup(app: Any) -> dict[str, bool]:
    """Let Sphinx write what is generated before it parses a page."""
    app.connect("source-read", _on_source_read)
    return {"parallel_read_safe": True}
