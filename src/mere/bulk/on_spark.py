"""For Spark: a function for `DataFrame.mapInPandas`, which holds no state and leaves all else to Spark.

    found = frame.mapInPandas(on_spark.extraction("runs/facts/model"), schema=on_spark.SCHEMA)

Each row of a frame gives one row, in order; a text that cannot be extracted from gives one with `error` and nothing
found, so that none is missing. Spark tries a partition again when a worker dies, and keeps one of its results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from mere.inference.extractor import Extractor
from mere.inference.io import check_text
from mere.loading import load as mere_load

_SPAN = "start: bigint, end: bigint, text: string"
SCHEMA = (
    "id string, text string, lang string, "
    f"entities array<struct<{_SPAN}, type: string, score: double, link: string>>, "
    f"triples array<struct<subject: struct<{_SPAN}>, relation: string, object: struct<{_SPAN}>, score: double>>, "
    "notes array<string>, error string"
)
"""Of what the function yields, as `mapInPandas` takes it."""

_COLUMNS = ("id", "text", "lang", "entities", "triples", "notes", "error")
_ENTITY = ("start", "end", "text", "type", "score", "link")
_TRIPLE = ("subject", "relation", "object", "score")


def extraction(
    model: str,
    *,
    text_column: str = "text",
    batch_size: int = 64,
    threshold: float | None = None,
    load: Callable[..., Extractor] = mere_load,
) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return the function for `mapInPandas`: from frames of pandas to frames of pandas.

    Args:
        model: a model's folder, which all workers reach, or its name on the hub. It is loaded once in a process.
        text_column: holds the texts; columns "id" and "lang" are used where there are any.
        load: what to load it with; takes and returns what `mere.load` does.
    """

    def extract(frames: Iterator[Any]) -> Iterator[Any]:
        extractor = _loaded(load, model, batch_size, threshold)
        for frame in frames:
            rows = frame.to_dict("records")
            yield type(frame)(_found(extractor, rows, text_column), columns=list(_COLUMNS))

    return extract


@lru_cache(maxsize=1)
def _loaded(
    load: Callable[..., Extractor], model: str, batch_size: int, threshold: float | None
) -> Extractor:
    return load(model, batch_size=batch_size, threshold=threshold)


def _found(extractor: Extractor, rows: list[dict[str, Any]], text_column: str) -> list[dict[str, Any]]:
    """Extract from the rows of a frame together, or one by one where that fails."""
    try:
        return _together(extractor, rows, text_column)
    except Exception as error:
        if len(rows) == 1:
            id, text, lang = _given(rows[0], text_column)
            nothing: dict[str, Any] = {"entities": [], "triples": [], "notes": []}
            return [
                {"id": id, "text": text, "lang": lang, **nothing, "error": f"{type(error).__name__}: {error}"}
            ]
        return [found for row in rows for found in _found(extractor, [row], text_column)]


def _together(extractor: Extractor, rows: list[dict[str, Any]], text_column: str) -> list[dict[str, Any]]:
    given = [_given(row, text_column) for row in rows]
    for _, text, _ in given:
        check_text(text, text_column)
    documents = extractor.extract([text for _, text, _ in given], [lang for _, _, lang in given])
    found = []
    for (id, _, _), document in zip(given, documents, strict=True):
        record = document.to_json()
        record["entities"] = [{key: entity.get(key) for key in _ENTITY} for entity in record["entities"]]
        record["triples"] = [{key: triple.get(key) for key in _TRIPLE} for triple in record["triples"]]
        found.append({"id": id, "notes": [], **record, "error": None})
    return found


def _given(row: dict[str, Any], text_column: str) -> tuple[str | None, Any, str | None]:
    """Return id, text and language of a row; pandas has no one way to say that a value is missing."""
    id, text, lang = (row.get(key) for key in ("id", text_column, "lang"))
    id = None if id is None or id != id else str(id)
    return id, text if isinstance(text, str) else None, lang if isinstance(lang, str) else None
