"""The house: a room imports only from rooms below it, and the torch-free rooms stay torch-free."""

import ast
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "mere"
FLOORS = (
    ("types", "errors"),
    ("advice", "environment", "lang_codes", "files"),
    ("shipped",),
    ("schema", "config", "hub"),
    ("data",),
    ("metrics", "store", "decoding"),
    ("inference",),
    ("runtime",),
    ("graph",),
    ("page",),
    ("serving",),
    ("nn",),  # from here on torch
    ("models",),
    ("loading",),
    ("bulk",),
    ("speed", "spacy"),
    ("training",),
    ("languages",),
    ("research",),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
TORCH = {"torch", "jaxtyping"}
WITH_TORCH = {"nn", "models", "training", "languages", "research"}


def imports_of(file: Path, *, top_level: bool) -> list[str]:
    """Names of the modules that a file imports; with `top_level`, only those it imports when it is imported."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else ast.walk(tree)
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(
    f for f in SOURCE.rglob("*.py") if f.parent != SOURCE or f.stem not in ("__init__", "__main__")
)


def test_every_room_has_a_floor():
    assert {room_of(file) for file in FILES} == set(FLOOR)


def rooms_of(modules: list[str]) -> set[str]:
    return {
        parts[1] for parts in (module.split(".") for module in modules) if parts[0] == "mere" and parts[1:]
    }


def test_imports_point_down():
    for file in FILES:
        own = room_of(file)
        for other in rooms_of(imports_of(file, top_level=False)) - {own}:
            assert other not in FLOOR or FLOOR[other] < FLOOR[own], (
                f"{file} imports {other}, which is not below it"
            )


def test_torch_stays_in_its_rooms():
    for file in FILES:
        if room_of(file) not in WITH_TORCH:
            modules = imports_of(file, top_level=True)
            assert not {module.split(".")[0] for module in modules} & TORCH, file
            assert not rooms_of(modules) & set(WITH_TORCH), file


def test_prediction_needs_no_torch():
    rooms = "mere.inference.predictor, mere.inference.extractor, mere.decoding.facts, mere.store.folder, mere.loading"
    check = f"import sys, {rooms}; assert not {{'torch', 'jaxtyping'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
