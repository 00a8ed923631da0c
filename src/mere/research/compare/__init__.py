"""Regimes compared fairly: regimes times seeds under an equal budget, scored on the same sentences.

`plan.make_plan` resolves a recipe to its cells; `run.compare` runs them, scores what finished, and writes the report.
"""
