"""Answer the papers' claims from the results files: benchmarks/claims.yaml -> benchmarks/results/claims.json.

    python benchmarks/claims.py [--check]

Nothing is trained or measured. The tables of docs/claims.md come out of the file: python -m mere.research.tables.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from mere.errors import UserError
from mere.research.claims import Answers, ClaimList, answer_all

HERE = Path(__file__).parent
LIST, RESULTS = HERE / "claims.yaml", HERE / "results"
FILE = RESULTS / "claims.json"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is stale")
    check = parser.parse_args().check
    try:
        answers = answer_all(ClaimList.read(LIST), RESULTS)
        if check and Answers.read(FILE) != answers:
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
