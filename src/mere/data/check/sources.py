"""What each source gives to each language, and in which style."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import regex

from mere.data.check.finding import SourceRow, Tally
from mere.data.check.rows import Row

NO_SOURCE = "–"
MOSTLY = 0.5  # a source where more than this share of sentences is tokenised counts as tokenised
_POINT = regex.compile(r"(?<=\S)( ?)[.,।](?=\s|$)")


def source_rows(rows: Iterable[Row]) -> tuple[SourceRow, ...]:
    """Return one row per language and source, sorted."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.sentence.lang, row.sentence.source or NO_SOURCE].append(row)
    return tuple(_source_row(lang, source, members) for (lang, source), members in sorted(groups.items()))


def _source_row(lang: str, source: str, rows: Sequence[Row]) -> SourceRow:
    sentences = [row.sentence for row in rows]
    total = len(sentences)
    spaced = pointed = 0
    for sentence in sentences:
        spaces = _POINT.findall(sentence.text)
        pointed += bool(spaces)
        spaced += any(spaces)
    covered: set[str] | None = set()
    for names in {sentence.relations_covered for sentence in sentences}:
        covered = None if names is None or covered is None else covered | names
    return SourceRow(
        lang=lang,
        source=source,
        sentences=dict(sorted(Counter(row.split for row in rows).items())),
        complete=sum(sentence.complete for sentence in sentences) / total,
        without_triple=sum(not sentence.triples for sentence in sentences) / total,
        triples=sum(len(sentence.triples) for sentence in sentences),
        relations=len({triple.relation for sentence in sentences for triple in sentence.triples}),
        covered=None if covered is None else len(covered),
        chars=sum(len(sentence.text) for sentence in sentences) / total,
        tokenised=spaced / pointed if pointed else 0.0,
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
