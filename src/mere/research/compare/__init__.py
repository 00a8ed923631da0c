"""Regimes compared fairly: regimes times seeds under an equal budget, scored on the same sentences.

`compare` is the whole of it: plan the cells, run them, score what finished, write the report.
"""

from mere.research.compare.run import Outcome, compare

__all__ = ["Outcome", "compare"]
