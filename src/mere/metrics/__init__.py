"""Entity and triple scores, named by their convention, with intervals and paired tests. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mere.metrics.confusion import EntityErrors, analyse
    from mere.metrics.intervals import Measured, bootstrap
    from mere.metrics.paired import Difference, paired_bootstrap
    from mere.metrics.report import Report, evaluate, evaluate_runs
    from mere.metrics.scores import SystemScores, score_runs
    from mere.metrics.seen_in_training import mention_index, surface_index

__all__ = [
    "Difference",
    "EntityErrors",
    "Measured",
    "Report",
    "SystemScores",
    "analyse",
    "bootstrap",
    "evaluate",
    "evaluate_runs",
    "mention_index",
    "paired_bootstrap",
    "score_runs",
    "surface_index",
]

_LAZY = {
    "Difference": "mere.metrics.paired",
    "EntityErrors": "mere.metrics.confusion",
    "Measured": "mere.metrics.intervals",
    "Report": "mere.metrics.report",
    "SystemScores": "mere.metrics.scores",
    "analyse": "mere.metrics.confusion",
    "bootstrap": "mere.metrics.intervals",
    "evaluate": "mere.metrics.report",
    "evaluate_runs": "mere.metrics.report",
    "mention_index": "mere.metrics.seen_in_training",
    "paired_bootstrap": "mere.metrics.paired",
    "score_runs": "mere.metrics.scores",
    "surface_index": "mere.metrics.seen_in_training",
}
"""Loaded when they are asked for: an extractor needs a curve of a file here, and none of these."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'mere.metrics' has no attribute '{name}'")
