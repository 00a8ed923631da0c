"""Checks that look for the same thing twice: within a split, between splits, between languages.

"The same" is `surface.normalise`: without regard to case, spacing and Unicode composition. Training is the
split "train"; every other split is an evaluation split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from mere.data.check.finding import Tally
from mere.data.check.rows import Row
from mere.data.surface import normalise, pair

TRAIN = "train"


class Fact(NamedTuple):
    """A triple's surface: its pair without order, and its subject, relation and object."""

    pair: tuple[str, str]
    triple: tuple[str, str, str]


def check_duplicates(rows: Sequence[Row], texts: Sequence[str], tallies: Mapping[str, Tally]) -> None:
    """Find sentences that occur again in the same split and language.

    Args:
        rows: every sentence.
        texts: the normalised text of each.
        tallies: gets "duplicate" (triples agree), "contradiction" (they differ, all complete) and
            "one-pair-rows" (they differ, one pair a row).
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row, text in zip(rows, texts, strict=True):
        if text:
            groups[row.sentence.lang, row.split, text].append(row)
    for members in groups.values():
        if len(members) < 2:
            continue
        by_facts: dict[Hashable, list[Row]] = defaultdict(list)
        for row in members:
            facts = frozenset(
                (normalise(t.subject.text), t.relation, normalise(t.object.text))
                for t in row.sentence.triples
            )
            # A pair marked without a relation says something of its own.
            marked = frozenset(normalise(e.text) for e in row.sentence.entities)
            by_facts[facts if facts or row.sentence.complete else marked].append(row)
        for same in by_facts.values():
            for row in same[1:]:
                tallies["duplicate"].add(row.place, row.example(f"as {same[0].sentence.id}"))
        if len(by_facts) > 1:
            complete = all(row.sentence.complete for row in members)
            code = "contradiction" if complete else "one-pair-rows"
            first, second = (group[0] for group in list(by_facts.values())[:2])
            tallies[code].add(second.place, second.example(f"beside {first.sentence.id}"), len(by_facts))


def check_leaks(rows: Sequence[Row], texts: Sequence[str], tallies: Mapping[str, Tally]) -> None:
    """Find what evaluation splits share with training, in the same language or only in another one.

    Texts are counted in sentences by language and split; triples and pairs in triples by language, split and
    source. A pair counts where training never has it in the same relation, so no triple counts twice. Dev and
    test are compared with each other too, by text.
    """
    text_langs: dict[str, dict[str, Row]] = {}  # text of training: language -> a row that has it
    triple_langs: dict[tuple[str, str, str], dict[str, Row]] = {}
    pair_langs: dict[tuple[str, str], dict[str, Row]] = {}
    facts = [_facts(row) for row in rows]
    for row, text, row_facts in zip(rows, texts, facts, strict=True):
        if row.split == TRAIN:
            lang = row.sentence.lang
            if text:
                text_langs.setdefault(text, {}).setdefault(lang, row)
            for fact in row_facts:
                triple_langs.setdefault(fact.triple, {}).setdefault(lang, row)
                pair_langs.setdefault(fact.pair, {}).setdefault(lang, row)
    for row, text, row_facts in zip(rows, texts, facts, strict=True):
        if row.split == TRAIN:
            continue
        _count(row, row.place, text_langs.get(text), "leak-text", tallies)
        place = f"{row.place} {row.sentence.source}" if row.sentence.source else row.place
        for fact in row_facts:
            _count(row, place, triple_langs.get(fact.triple), "leak-triple", tallies, " | ".join(fact.triple))
            pair_only = None if fact.triple in triple_langs else pair_langs.get(fact.pair)
            _count(row, place, pair_only, "leak-pair", tallies, " | ".join(fact.pair))
    _check_dev_and_test(rows, texts, tallies["leak-text"])


def _facts(row: Row) -> list[Fact]:
    return [
        Fact(pair(t), (normalise(t.subject.text), t.relation, normalise(t.object.text)))
        for t in row.sentence.triples
    ]


def _count(
    row: Row,
    place: str,
    found: Mapping[str, Row] | None,
    code: str,
    tallies: Mapping[str, Tally],
    what: str = "",
) -> None:
    """Count one thing of an evaluation split as leaked from its own language, or from another only."""
    tallies[code].of[place] += 1
    tallies[f"{code}-across"].of[place] += 1
    if not found:
        return
    lang = row.sentence.lang
    if lang in found:
        tallies[code].add(place, row.example(f"{what}, as {found[lang].sentence.id}".lstrip(", ")))
    else:
        other = next(iter(found))
        where = f"{what}, as {other} {found[other].sentence.id}".lstrip(", ")
        tallies[f"{code}-across"].add(place, row.example(where))


def _check_dev_and_test(rows: Iterable[Row], texts: Iterable[str], tally: Tally) -> None:
    seen: dict[tuple[str, str], Row] = {}  # (language, text) in the first evaluation split that has it
    for row, text in zip(rows, texts, strict=True):
        if row.split == TRAIN or not text:
            continue
        first = seen.setdefault((row.sentence.lang, text), row)
        if first.split != row.split:
            place = f"{row.place}, from {first.split}"
            tally.add(place, row.example(f"as {first.sentence.id}"))
