"""The house: functions that fit on a screen, few parameters, and modules that import each other in no circle."""

import ast
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import networkx as nx

SOURCE = Path(__file__).parents[1] / "src"
FILES = sorted((SOURCE / "mere").rglob("*.py"))
MAX_LINES = 60
MAX_PARAMETERS = 8


@functools.cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def is_command(file: Path) -> bool:
    return "cli" in file.relative_to(SOURCE).parts


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def num_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, *, without_signature: bool) -> int:
    first = function.body[0].lineno if without_signature else function.lineno
    return (function.end_lineno or first) - first + 1


def num_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return sum(name not in ("self", "cls") for name in named) + bool(given.vararg) + bool(given.kwarg)


def at_import(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what runs when a module is imported; not what stands under TYPE_CHECKING."""
    for statement in statements:
        if isinstance(statement, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(statement.test):
                yield from at_import(statement.body)
            yield from at_import(statement.orelse)
        elif isinstance(statement, ast.Try):
            yield from at_import(
                [*statement.body, *(s for handler in statement.handlers for s in handler.body)]
            )
        else:
            yield statement


def import_graph() -> "nx.DiGraph[str]":
    modules = {}
    for file in FILES:
        parts = file.relative_to(SOURCE).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = tree_of(file)
    graph = nx.DiGraph()
    for module, tree in modules.items():
        for statement in at_import(tree.body):
            names: list[str] = []
            if isinstance(statement, ast.Import):
                names = [alias.name for alias in statement.names]
            elif isinstance(statement, ast.ImportFrom):
                assert statement.level == 0, f"{module} has a relative import"
                full = [f"{statement.module}.{alias.name}" for alias in statement.names]
                names = [name if name in modules else str(statement.module) for name in full]
            graph.add_edges_from((module, name) for name in names if name in modules and name != module)
    return graph


def test_functions_are_short() -> None:
    """In cli/ the signature does not count: it is the list of a command's options with their help."""
    lines = {
        f"{file}:{function.lineno} {function.name}": num_lines(function, without_signature=is_command(file))
        for file in FILES
        for function in functions(file)
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_functions_have_few_parameters() -> None:
    parameters = {
        f"{file}:{function.lineno} {function.name}": num_parameters(function)
        for file in FILES
        if not is_command(file)
        for function in functions(file)
    }
    assert {name: count for name, count in parameters.items() if count > MAX_PARAMETERS} == {}


def test_modules_import_each_other_in_no_circle() -> None:
    graph = import_graph()
    assert graph.number_of_edges() > len(FILES)
    assert [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1] == []
