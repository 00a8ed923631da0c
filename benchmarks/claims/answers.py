"""claims.json: every claim's question with its verdict, the measurement behind it, and where that comes from."""

from __future__ import annotations

from pathlib import Path

from benchmarks.claims.declared import Claim, ClaimList, Question
from benchmarks.claims.evidence import Evidence, NotMeasuredError, evidence_for
from benchmarks.claims.verdict import Rule, Verdict
from pydantic import Field

from mere.research.record import Record, RecordFile

COMMAND = "python -m benchmarks.claims"


class Answer(Record):
    """The answer to one question. Effect and interval are in `unit`; null where there is none."""

    id: str
    paper: str
    claim: str
    corpus: str
    verdict: Verdict
    sentence: str = Field(description="the answer in words")
    measured: str = Field(description="what the effect is")
    holds_if: str = Field(default="", description="what the whole interval must be")
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = Field(default="", description="what low and high are")
    unit: str = ""
    remark: str = Field(default="", description="what belongs to the figures")
    p: float | None = None
    p_holm: float | None = None
    seeds: list[int] = Field(default_factory=list)
    seeds_asked: int
    source: str = Field(default="", description="file in benchmarks/results")
    command: str = Field(default="", description="that made the source")
    commit: str | None = None
    costs: str = Field(default="", description="what the two systems trained last, and their steps in all")
    note: str = ""


class Answers(RecordFile):
    """All answers, in the order of the list of claims."""

    command: str = Field(description="that makes this file, from the project's root")
    answers: list[Answer]


def answer_all(claims: ClaimList, folder: Path) -> Answers:
    """Answer every question from the results files of a folder.

    Raises:
        DataError: a file does not fit its schema.
    """
    answers = [answer(claim, question, folder) for claim in claims.claims for question in claim.questions]
    return Answers(command=COMMAND, answers=answers)


def answer(claim: Claim, question: Question, folder: Path) -> Answer:
    """Answer one question."""
    common = {
        "id": claim.id,
        "paper": claim.paper,
        "claim": claim.claim,
        "corpus": question.corpus,
        "seeds_asked": question.seeds,
        "source": question.file,
        "note": question.note,
        "measured": question.asked,
        "holds_if": str(question.holds or ""),
    }
    try:
        found = evidence_for(question, folder)
    except NotMeasuredError as reason:
        return Answer(**common, verdict="not measured", sentence=f"Not measured. {reason}")
    rule = question.holds or Rule(above=0)
    verdict = rule.verdict(found.low, found.high)
    return Answer(
        **common,
        verdict=verdict,
        sentence=_sentence(verdict, found, question, rule),
        remark=found.remark,
        effect=_rounded(found.effect),
        low=_rounded(found.low),
        high=_rounded(found.high),
        interval=found.interval,
        unit=found.unit,
        p=found.p,
        p_holm=found.p_holm,
        seeds=found.seeds,
        command=found.command,
        commit=found.commit,
        costs=found.costs,
    )


def in_unit(effect: float | None, low: float | None, high: float | None, unit: str) -> str:
    """Write a measurement: "+6.0 [+4.1, +7.9] points", "0.52 [0.40, 0.61] times"."""
    form = "{:+.1f}" if unit == "points" else "{:.2f}"
    shown = ["no end" if end is None else form.format(end) for end in (low, high)]
    interval = "" if low is None and high is None else f" [{shown[0]}, {shown[1]}]"
    return f"{'unknown' if effect is None else form.format(effect)}{interval} {unit}"


def _sentence(verdict: Verdict, found: Evidence, question: Question, rule: Rule) -> str:
    effect = in_unit(found.effect, found.low, found.high, found.unit)
    seeds = f"{len(found.seeds)} seed{'s' if len(found.seeds) > 1 else ''}"
    if len(found.seeds) < question.seeds:
        seeds += f" of {question.seeds} asked for"
    if found.low is None and found.high is None:
        why = "one seed gives no interval"
    elif verdict == "undecided":
        why = f"the interval is on both sides of {rule.number:g}"
    else:
        why = f"all of the interval is {rule if verdict == 'holds' else rule.opposite}"
    inside = ", ".join(filter(None, (found.interval, seeds, found.remark)))
    return f"{verdict.capitalize()}. {question.asked}: {effect} ({inside}); {why}."


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
