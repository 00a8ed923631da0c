"""What the tests of the quick-start corpus look at: mentions and facts of a record, names that a split may draw."""

from __future__ import annotations

from typing import Any

from mere.data.quickstart.generate import PARTS, Language

Record = dict[str, Any]
Records = dict[tuple[str, str], list[Record]]
"""(language, split) -> its records."""


def mention(record: Record, span: dict[str, int]) -> str:
    return record["text"][span["start"] : span["end"]]


def facts(record: Record) -> list[tuple[str, str, str]]:
    return [
        (mention(record, t["subject"]), t["relation"], mention(record, t["object"]))
        for t in record["triples"]
    ]


def surfaces(language: Language, kind: str, split: str) -> set[str]:
    """Every form of every name of a kind that a split may draw."""
    pool = language.kinds[kind]
    genders = {id(shapes): (g,) if kind == "per" else (0, 1) for g, shapes in enumerate(pool.shapes)}
    return {
        shape.surface(gender, case).replace("_", core.surface(gender, case))
        for shapes in pool.shapes
        for shape in shapes
        for i, core in enumerate(pool.cores)
        if i % 8 in PARTS[split]
        for gender in genders[id(shapes)]
        for case in range(len(pool.cases))
    }
