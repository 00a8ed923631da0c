"""What is wrong with a corpus, language by language: `check(paths)` gives a `CheckReport`."""

from mere.data.check.finding import CheckReport, Finding
from mere.data.check.run import check

__all__ = ["CheckReport", "Finding", "check"]
