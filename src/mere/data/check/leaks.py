"""Checks that look for the same thing twice: within a split, between splits, between languages.

"The same" is `surface.normalise`: without regard to case, spacing and Unicode composition. Training is the
split "train"; every other split is an evaluation split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.data.check.finding import Tally
from mere.data.check.ledger import Ledger, Names, hashed
from mere.data.check.rows import Row
from mere.data.surface import normalise, pair
from mere.types import Entity, Sentence

TRAIN = "train"


class Place(NamedTuple):
    """Where a sentence stands."""

    lang: str
    split: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.lang} {self.split}"

    @property
    def with_source(self) -> str:
        return f"{self.name} {self.source}" if self.source else self.name


class Member(NamedTuple):
    """One record of a group, in words."""

    place: Place
    row: int
    value: int
    more: int
    scope: int
    flag: bool


class Repeats:
    """Takes sentences one by one and finds at the end what occurs in several.

    Args:
        tallies: gets "repeated-id", "duplicate" (all agrees), "contradiction" (they differ, all complete),
            "one-pair-rows" (they differ, one pair a row) and the leaks.
    """

    def __init__(self, tallies: Mapping[str, Tally]):
        self._tallies = tallies
        self._names = Names()
        self._ids, self._texts, self._pairs = Ledger(), Ledger(), Ledger()
        self._places: dict[Place, int] = {}
        self._files: list[str] = []
        self._place_of: list[Place] = []

    def see(self, row: Row) -> None:
        """Take in a sentence."""
        sentence = row.sentence
        name = self._names.add(row.example())
        key = Place(sentence.lang, row.split, sentence.source or "")
        place = self._places.setdefault(key, len(self._places))
        self._ids.add(hashed(str(row.path), sentence.id), name, place, value=self._file(row.path.name))
        text = normalise(sentence.text)
        if text:
            self._see_text(sentence, text, name, place)
        for triple in sentence.triples:
            first, second = pair(triple)
            fact = hashed(normalise(triple.subject.text), triple.relation, normalise(triple.object.text))
            self._pairs.add(hashed(first, second), name, place, value=fact)
        if row.split != TRAIN:
            for code in ("leak-text", "leak-text-across"):
                self._tallies[code].of[key.name] += 1
            for code in ("leak-triple", "leak-triple-across", "leak-pair", "leak-pair-across"):
                self._tallies[code].of[key.with_source] += len(sentence.triples)

    def _file(self, name: str) -> int:
        if not self._files or self._files[-1] != name:
            self._files.append(name)
        return len(self._files) - 1

    def _see_text(self, sentence: Sentence, text: str, name: int, place: int) -> None:
        facts = sorted(
            "\x1e".join((normalise(t.subject.text), t.relation, normalise(t.object.text)))
            for t in sentence.triples
        )
        if not facts and not sentence.complete:  # a pair marked without a relation says something of its own
            facts = sorted({normalise(entity.text) for entity in sentence.entities})
        mentions = sorted(
            f"{place}\x1e{normalise(e.text)}\x1e{e.type or ''}" for e, place in _without_spaces(sentence)
        )
        covered = (sentence.relations_covered, sentence.types_covered)
        scope = hashed(*("all" if names is None else "\x1e".join(["", *sorted(names)]) for names in covered))
        self._texts.add(
            hashed(text),
            name,
            place,
            value=hashed(*dict.fromkeys(facts)),
            more=hashed(*mentions),
            scope=scope,
            flag=sentence.complete,
        )

    def finish(self) -> None:
        """Find what occurs in several sentences, and count it."""
        self._place_of = list(self._places)
        for group in self._ids.groups():
            for member in group[1:]:
                file = self._files[int(member["value"])]
                self._tallies["repeated-id"].add(file, self._names[int(member["row"])])
        for group in self._texts.groups():
            members = self._members(group)
            self._find_repeated(members)
            self._find_leaks(members)
        for group in self._pairs.groups():
            self._find_facts(self._members(group))

    def _members(self, group: NDArray[np.void]) -> list[Member]:
        return [
            Member(self._place_of[place], row, value, more, scope, bool(flag))
            for _, row, value, more, scope, place, flag in group.tolist()
        ]

    def _example(self, member: Member, detail: str) -> str:
        return f"{self._names[member.row]}: {detail}"

    def _id(self, member: Member) -> str:
        return self._names[member.row].split(": ", 1)[-1]

    def _find_repeated(self, members: Sequence[Member]) -> None:
        """Find the sentences of one text that stand in one split of one language."""
        groups: dict[str, list[Member]] = {}
        for member in members:
            groups.setdefault(member.place.name, []).append(member)
        for place, group in groups.items():
            if len(group) < 2:
                continue
            alike = (
                len({member.scope for member in group}) == 1
            )  # else their entities say nothing of each other
            by_facts: dict[tuple[int, int], list[Member]] = {}
            for member in group:
                entities = member.more if alike and member.flag else 0
                by_facts.setdefault((member.value, entities), []).append(member)
            for same in by_facts.values():
                for member in same[1:]:
                    self._add("duplicate", place, member, f"as {self._id(same[0])}")
            if len(by_facts) > 1:
                code = "contradiction" if all(member.flag for member in group) else "one-pair-rows"
                first, second = (same[0] for same in list(by_facts.values())[:2])
                self._add(code, place, second, f"beside {self._id(first)}", len(by_facts))

    def _add(self, code: str, place: str, member: Member, detail: str, count: int = 1) -> None:
        tally = self._tallies[code]
        tally.add(place, self._example(member, detail) if tally.wants(place) else "", count)

    def _find_leaks(self, members: Sequence[Member]) -> None:
        """Find evaluation sentences whose text training has, or another evaluation split of the language."""
        training = _by_lang(members)
        first_split: dict[str, Member] = {}
        for member in members:
            if member.place.split == TRAIN:
                continue
            self._count("leak-text", member.place.name, member, training)
            first = first_split.setdefault(member.place.lang, member)
            if first.place.split != member.place.split:
                place = f"{member.place.name}, from {first.place.split}"
                self._add("leak-text", place, member, f"as {self._id(first)}")

    def _find_facts(self, members: Sequence[Member]) -> None:
        """Find evaluation triples that training states, and those whose pair it has in other relations only.

        A pair counts where training never has it in the same relation, so no triple counts twice.
        """
        training = _by_lang(members)
        by_fact: dict[int, dict[str, Member]] = {}
        for member in members:
            if member.place.split == TRAIN:
                by_fact.setdefault(member.value, {}).setdefault(member.place.lang, member)
        for member in members:
            if member.place.split != TRAIN:
                same = by_fact.get(member.value)
                code = "leak-triple" if same else "leak-pair"
                self._count(code, member.place.with_source, member, same or training)

    def _count(self, code: str, place: str, member: Member, found: Mapping[str, Member]) -> None:
        """Count one thing of an evaluation split as leaked from its own language, or from another only."""
        if not found:
            return
        lang = member.place.lang
        if lang in found:
            self._add(code, place, member, f"as {self._id(found[lang])}")
        else:
            other = next(iter(found))
            self._add(f"{code}-across", place, member, f"as {other} {self._id(found[other])}")


def _without_spaces(sentence: Sentence) -> Iterator[tuple[Entity, int]]:
    """Yield the entities in order, each with the number of characters before it that are no white space."""
    at = place = 0
    for entity in sorted(sentence.entities, key=lambda entity: entity.start):
        place += len("".join(sentence.text[at : entity.start].split()))
        at = entity.start
        yield entity, place


def _by_lang(members: Sequence[Member]) -> dict[str, Member]:
    """Return the first training member of each language."""
    found: dict[str, Member] = {}
    for member in members:
        if member.place.split == TRAIN:
            found.setdefault(member.place.lang, member)
    return found
