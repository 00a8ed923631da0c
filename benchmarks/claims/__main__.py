"""Answer the papers' claims from the results files: benchmarks/claims.yaml -> benchmarks/results/claims.json.

    python -m benchmarks.claims [--check]

Nothing is trained or measured. The tables of docs/claims.md come out of the file: python -m benchmarks.tables.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from benchmarks.reading import read

from benchmarks.claims import Answers, ClaimList, answer_all
from mere.errors import UserError

HERE = Path(__file__).parents[1]
LIST, RESULTS = HERE / "claims.yaml", HERE / "results"
FILE = RESULTS / "claims.json"


def main() -> int:
    """Write the answers, or check them: 0 fine, 1 stale, 2 the caller's mistake."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is stale")
    check = parser.parse_args().check
    try:
        answers = answer_all(ClaimList.read(LIST), RESULTS)
        if check and read(Answers, FILE) != answers:
            print(f"{FILE.relative_to(HERE.parent)} is stale. Run: {answers.command}", file=sys.stderr)
            return 1
    except UserError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status
    if not check:
        answers.write(FILE)
        print(
            ", ".join(f"{verdict} {n}" for verdict, n in Counter(a.verdict for a in answers.answers).items())
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
