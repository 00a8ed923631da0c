"""Entity and triple scores, named by their convention, with intervals and paired tests. No torch."""

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
