"""mere: entities and relational triples from text in many languages.

One model for all languages first, then a small part of it for each. `mere.load(folder)` gives an extractor;
`import mere` loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mere.errors import ConfigError, DataError, MereError, ModelError, TrainingError, UserError
from mere.types import Document, Entity, Sentence, Span, Triple

if TYPE_CHECKING:
    from mere.data.corpus import Corpus
    from mere.inference.extractor import Extractor
    from mere.inference.filter import Filter
    from mere.inference.rows import documents_to_rows
    from mere.loading import load

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "Corpus",
    "DataError",
    "Document",
    "Entity",
    "Extractor",
    "Filter",
    "MereError",
    "ModelError",
    "Sentence",
    "Span",
    "TrainingError",
    "Triple",
    "UserError",
    "documents_to_rows",
    "load",
]

_LAZY = {
    "Corpus": "mere.data.corpus",
    "Extractor": "mere.inference.extractor",
    "Filter": "mere.inference.filter",
    "documents_to_rows": "mere.inference.rows",
    "load": "mere.loading",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'mere' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
