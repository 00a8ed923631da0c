"""What each source gives to each language, and in which style."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import regex

from mere.data.check.finding import SourceRow, Tally
from mere.data.check.rows import Row

NO_SOURCE = "–"
MOSTLY = 0.5  # a source where more than this share of sentences is tokenised counts as tokenised
_POINT = regex.compile(r"(?<=\S)( ?)[.,।](?=\s|$)")


@dataclass
class _Sums:
    """What is counted of one source in one language."""

    splits: Counter[str] = field(default_factory=Counter)
    complete: int = 0
    without_triple: int = 0
    triples: int = 0
    chars: int = 0
    spaced: int = 0
    pointed: int = 0
    relations: set[str] = field(default_factory=set)
    covered: set[str] | None = field(default_factory=set)

    def see(self, row: Row) -> None:
        sentence = row.sentence
        self.splits[row.split] += 1
        self.complete += sentence.complete
        self.without_triple += not sentence.triples
        self.triples += len(sentence.triples)
        self.chars += len(sentence.text)
        self.relations.update(triple.relation for triple in sentence.triples)
        spaces = _POINT.findall(sentence.text)
        self.pointed += bool(spaces)
        self.spaced += any(spaces)
        names = sentence.relations_covered
        self.covered = None if names is None or self.covered is None else self.covered | names


class Sources:
    """Counts what each source gives to each language."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], _Sums] = {}

    def see(self, row: Row) -> None:
        """Take in a sentence."""
        key = row.sentence.lang, row.sentence.source or NO_SOURCE
        self._sums.setdefault(key, _Sums()).see(row)

    def rows(self) -> tuple[SourceRow, ...]:
        """Return one row per language and source, sorted."""
        return tuple(_source_row(lang, source, sums) for (lang, source), sums in sorted(self._sums.items()))


def _source_row(lang: str, source: str, sums: _Sums) -> SourceRow:
    total = sums.splits.total()
    return SourceRow(
        lang=lang,
        source=source,
        sentences=dict(sorted(sums.splits.items())),
        complete=sums.complete / total,
        without_triple=sums.without_triple / total,
        triples=sums.triples,
        relations=len(sums.relations),
        covered=None if sums.covered is None else len(sums.covered),
        chars=sums.chars / total,
        tokenised=sums.spaced / sums.pointed if sums.pointed else 0.0,
    )


def check_sources(sources: Sequence[SourceRow], num_relations: int, tallies: Mapping[str, Tally]) -> None:
    """Note tokenised sources, languages that mix sources, and sources that cover part of the relations."""
    by_lang: dict[str, list[SourceRow]] = defaultdict(list)
    for row in sources:
        by_lang[row.lang].append(row)
        total = sum(row.sentences.values())
        place = f"{row.lang} {row.source}"
        if row.tokenised > MOSTLY:
            tallies["tokenised"].add(place, count=round(row.tokenised * total))
            tallies["tokenised"].of[place] = total
        if row.covered is not None and row.covered < num_relations:
            what = f"{place}: {row.covered} of {num_relations} relations"
            tallies["partial-coverage"].add(place, what, count=total)
    for lang, members in by_lang.items():
        if len(members) > 1:
            style = "; ".join(
                f"{m.source} {m.chars:.0f} characters, tokenised {m.tokenised:.0%}" for m in members
            )
            tallies["mixed-sources"].add(lang, f"{lang}: {style}", count=len(members))
