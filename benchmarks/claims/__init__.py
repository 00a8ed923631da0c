"""The papers' claims, declared in a list and answered from committed results files.

declared    the list: what is claimed, which measurement answers it, and what counts as an answer
evidence    the measurement, out of a results file or a file of measurements
verdict     holds, fails, undecided
answers     claims.json: every claim with its verdict
table       its tables in the docs
"""

from benchmarks.claims.answers import Answer, Answers, answer_all
from benchmarks.claims.declared import ClaimList

__all__ = ["Answer", "Answers", "ClaimList", "answer_all"]
