"""What is wrong with a recipe, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from mere.config.encoders import ENCODERS, OWN_ENCODERS, encoder_name
from mere.config.stages import StageSettings
from mere.errors import nearest


def explain(problem: ErrorDetails, where: str, root: type[BaseModel], stage_names: Iterable[str]) -> str:
    """One line for one of pydantic's problems with a recipe (`root`): where, what, and the nearest key."""
    loc = problem["loc"]
    if loc[:1] == ("encoder",) and len(loc) > 1 and loc[1] in ENCODERS:
        loc = (loc[0], *loc[2:])  # pydantic names the kind of encoder too
    path = ".".join(str(part + 1 if isinstance(part, int) else part) for part in loc)
    path = path.replace("stages.", "stage")
    if problem["type"] == "extra_forbidden":
        known = [*_keys_at(root, problem["loc"][:-1]), *(stage_names if len(problem["loc"]) == 1 else ())]
        return f'{where}: unknown key "{path}".{nearest(str(problem["loc"][-1]), known)}'
    if problem["type"] == "union_tag_invalid":
        name = encoder_name(problem["input"])
        return (
            f'{where}: unknown encoder "{name}".{nearest(name, ENCODERS)} There are: {", ".join(OWN_ENCODERS)}, '
            "and any hub name or folder with encoder.kind=pretrained."
        )
    if problem["type"] == "missing":
        return f'{where}: "{path}" is missing.'
    given = problem.get("input")
    shown = f", found {given!r}" if isinstance(given, str | int | float | bool) else ""
    message = problem["msg"].removeprefix("Value error, ")
    return f'{where}: "{path}": {message}{shown}.' if path else f"{where}: {message}."


def _keys_at(root: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    model = root
    for part in loc:
        if isinstance(part, int):
            model = StageSettings
        elif part in ENCODERS:
            model = ENCODERS[part].settings
        elif part in model.model_fields:
            annotation = model.model_fields[part].annotation
            if get_origin(annotation) is not None:  # tuple[…], dict[…]
                continue
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
    return list(model.model_fields)
