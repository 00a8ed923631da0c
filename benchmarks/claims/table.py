"""The tables of claims.json in the docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import get_args

from benchmarks.claims.answers import Answer, Answers, in_unit
from benchmarks.claims.verdict import Verdict

from mere.errors import DataError, nearest
from mere.metrics.render import UNKNOWN
from mere.research.report.tables import Table, p_value


def render_claims(answers: Answers, table: str, ids: Sequence[str] = ()) -> str:
    """Write a table: "claims" (a row per claim, with the verdicts on it), "answers" (a row per question) or "trained".

    Args:
        ids: claims to show, in this order; all if empty.

    Raises:
        DataError: there is no such claim.
    """
    known = list(dict.fromkeys(answer.id for answer in answers.answers))
    for name in ids:
        if name not in known:
            raise DataError(f'unknown claim "{name}".{nearest(name, known)} There are: {", ".join(known)}.')
    return TABLES[table]([answer for name in ids or known for answer in answers.answers if answer.id == name])


def _claims(answers: Sequence[Answer]) -> str:
    rows = []
    for name, group in groupby(answers, key=lambda answer: answer.id):
        of = list(group)
        counts = Counter(answer.verdict for answer in of)
        verdicts = [f"{verdict} {counts[verdict]}" for verdict in get_args(Verdict) if verdict in counts]
        rows.append([name, of[0].claim, of[0].paper, ", ".join(verdicts)])
    return Table(["", "claim", "source", "verdicts"], rows).markdown(numbers=False)


def _answers(answers: Sequence[Answer]) -> str:
    header = ["", "corpus", "what was measured", "verdict", "effect", "holds if", "seeds", "p", "file"]
    return Table(header, [_row(answer) for answer in answers]).markdown(numbers=False)


def _row(answer: Answer) -> list[str]:
    what = ". ".join(part.rstrip(".") for part in (answer.measured, answer.remark, answer.note) if part)
    common = [answer.id, answer.corpus, what or UNKNOWN]
    file = f"`{answer.source}`" if answer.source else UNKNOWN
    if answer.verdict == "not measured":
        return [*common, answer.sentence, UNKNOWN, answer.holds_if or UNKNOWN, UNKNOWN, UNKNOWN, file]
    asked = "" if len(answer.seeds) >= answer.seeds_asked else f" of {answer.seeds_asked}"
    return [
        *common,
        f"**{answer.verdict}**",
        in_unit(answer.effect, answer.low, answer.high, answer.unit),
        answer.holds_if,
        f"{len(answer.seeds)}{asked}",
        p_value(answer.p if answer.p_holm is None else answer.p_holm),
        file,
    ]


def _trained(answers: Sequence[Answer]) -> str:
    """What the two regimes of a difference train in their last stages; each pair once."""
    rows = dict.fromkeys((answer.corpus, *answer.costs.split("; ")) for answer in answers if answer.costs)
    return Table(["corpus", "regime", "against"], list(rows)).markdown(numbers=False)


TABLES: Mapping[str, Callable[[Sequence[Answer]], str]] = {
    "claims": _claims,
    "answers": _answers,
    "trained": _trained,
}
