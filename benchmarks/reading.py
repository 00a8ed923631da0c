"""Reads files of records strictly: every key that is unknown, missing or wrong is named, and the nearest known one."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from mere.errors import DataError, nearest
from mere.research.record import RecordFile

File = TypeVar("File", bound=RecordFile)


def read(kind: type[File], path: str | Path) -> File:
    """Read and validate a file.

    Raises:
        DataError: the file is missing, is no JSON, or does not fit; names the file, every key at fault
            and, for an unknown key, the nearest known one.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)  # for the line number of a fault
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}. Run the experiment that writes it."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is not UTF-8: {error.reason} at byte {error.start}. Write it again."
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}: is no JSON: {error.msg} at column {error.colno}. Write it again."
        ) from None
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        problems = [_problem(path, details, _keys(kind)) for details in error.errors()]
        raise DataError("\n".join(problems)) from None


def _problem(path: Path, details: Any, known: Collection[str]) -> str:
    """Put one of pydantic's findings as three facts and a cure."""
    key = ".".join(str(part) for part in details["loc"]) or "(the whole file)"
    if details["type"] == "extra_forbidden":
        hint = nearest(str(details["loc"][-1]), known)
        return f"{path}: unknown key {key}.{hint} Remove or rename it."
    if details["type"] == "missing":
        return f"{path}: lacks the key {key}. Add it, or write the file again with this version."
    found = "" if isinstance(details["input"], dict) else f", found {details['input']!r}"
    return f"{path}: {key}: {details['msg']}{found}. Mend it, or write the file again with this version."


def _keys(record: type[BaseModel]) -> set[str]:
    """Return the names of all fields of a record and of the records in it."""
    found: set[str] = set()
    waiting: list[Any] = [record]
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= annotation.model_fields.keys()
            waiting += [field.annotation for field in annotation.model_fields.values()]
    return found
