"""Regimes compared fairly: regimes times seeds under an equal budget, scored on the same sentences.

`make_plan` resolves a recipe to its cells; `compare` runs them, scores what finished, and writes the report.
"""

from mere.research.compare.plan import make_plan
from mere.research.compare.run import Outcome, Tests, compare

__all__ = ["Outcome", "Tests", "compare", "make_plan"]
