"""Histograms of relations and types, and what they say: rare, unlearnable, untested and misspelt labels."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from mere.data.check.finding import Histogram, Tally
from mere.data.check.rows import Row

MIN_TRAIN = 5  # fewer training examples than this is rare
NARROW = 3  # a language with at most so many relations is narrow
TRAIN = "train"


class Labels:
    """Counts the triples by relation and the entities by type; entities without one are left out."""

    def __init__(self) -> None:
        self._relations: Counter[tuple[str, str, str]] = Counter()
        self._types: Counter[tuple[str, str, str]] = Counter()

    def see(self, row: Row) -> None:
        """Take in a sentence."""
        sentence = row.sentence
        for triple in sentence.triples:
            self._relations[triple.relation, row.split, sentence.lang] += 1
        for entity in sentence.entities:
            if entity.type is not None:
                self._types[entity.type, row.split, sentence.lang] += 1

    @property
    def relations(self) -> Histogram:
        return _histogram(self._relations)

    @property
    def types(self) -> Histogram:
        return _histogram(self._types)


def _histogram(labels: Mapping[tuple[str, str, str], int]) -> Histogram:
    """Turn counts of (label, split, language) into label -> split -> language -> count, sorted by name."""
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (label, split, lang), count in labels.items():
        counts[label][split][lang] += count
    return {
        label: {split: dict(sorted(by_lang.items())) for split, by_lang in sorted(by_split.items())}
        for label, by_split in sorted(counts.items())
    }


def check_relations(relations: Histogram, tallies: Mapping[str, Tally]) -> None:
    """Find relations that cannot be learnt, hardly be learnt, or not be tested."""
    splits = {split for by_split in relations.values() for split in by_split}
    num_relations: Counter[str] = Counter()
    names: dict[str, list[str]] = defaultdict(list)
    for relation, by_split in relations.items():
        train = by_split.get(TRAIN, {})
        elsewhere = Counter[str]()
        for split, by_lang in by_split.items():
            if split != TRAIN:
                elsewhere.update(by_lang)
        for lang in {*train, *elsewhere}:
            num_relations[lang] += 1
            names[lang].append(relation)
        if TRAIN not in splits:
            continue
        total = sum(train.values())
        if not train:
            where = ", ".join(f"{lang} {count}" for lang, count in elsewhere.most_common())
            tallies["unlearnable-relation"].add(relation, f"{relation}: {where}")
            continue
        if total < MIN_TRAIN:
            tallies["rare-relation"].add(relation, f"{relation}: {total} in training")
        if not elsewhere and len(splits) > 1:
            tallies["never-tested"].add(relation, f"{relation}: {total} in training")
        for lang in elsewhere.keys() - train.keys():
            tallies["zero-shot"].add(lang, f"{lang}: {relation}")
        for lang, count in train.items():
            if count < MIN_TRAIN <= total:
                tallies["rare-in-language"].add(lang, f"{lang}: {relation} {count}")
    if len(relations) > 2 * NARROW:
        for lang, count in num_relations.items():
            if count <= NARROW:
                tallies["narrow-language"].add(lang, f"{lang}: {', '.join(names[lang])}")
    _check_spelling(list(relations), tallies["near-labels"])


def check_types(types: Histogram, tallies: Mapping[str, Tally]) -> None:
    """Find entity types with too few training examples, and those spelt in two ways."""
    splits = {split for by_split in types.values() for split in by_split}
    for type_, by_split in types.items():
        train = by_split.get(TRAIN, {})
        if TRAIN in splits and sum(train.values()) < MIN_TRAIN:
            langs = sorted({lang for by_lang in by_split.values() for lang in by_lang})
            tallies["rare-type"].add(", ".join(langs), f"{type_} ({', '.join(langs)})")
    _check_spelling(list(types), tallies["near-labels"])


def _check_spelling(labels: Sequence[str], tally: Tally) -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike[re.sub(r"[-_\s/:.]", "", label.casefold())].append(label)
    for group in alike.values():
        if len(group) > 1:
            tally.add(" / ".join(group), " / ".join(group), len(group) - 1)
