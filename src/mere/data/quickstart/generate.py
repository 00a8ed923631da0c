"""Make the quick-start corpus from the hand-written templates and name lists in `templates/<lang>.yaml`.

The same seed gives the same bytes on every machine: only `random.Random(text).random()` is drawn from.
People, works and organisations are invented, and any likeness is chance. Place names are mostly real, but
every fact is invented.

How to read a template file
---------------------------
* A **name** is `nom|gen|loc` (one form per case of its kind), `masculine/feminine`, or both; one form alone
  serves every case and gender. `stem+paradigm` adds the endings of a paradigm named in the file. What follows
  a `~` in a form is no part of the mention: `Ankara~'da` names Ankara.
* A **kind** (`city`, `org`, ...) has `cores` and, for composed names, `shapes` with `_` for the core.
  A person's shape is the given name, the core the family name; people whose names are put together in
  another way than the language's own are of the kind `abroad`. Cores are dealt out by position: of every
  eight, five go to train, one to dev, two to test and heldout. So no name of these three occurs in train.
* A **template** is a line below the triples it states: `birth-place`, or `has-child + has-child:per,per3`, or
  `negation`, `cooccurrence`, `none` for no triple at all. `{city:loc}` is a mention in a case, `{per2#f}` a
  woman, `[per:he|she]` follows a person's gender, `{year}` is only a year. A `{job}` follows `{per}`, a
  `{job2}` follows `{per2}`. A lead or a tail may be put to any sentence.

The wide corpus (`wide/<lang>.yaml`) has more of everything: languages, relations, styles, sentences that state
nothing. Its file adds to the language's own: names to the end of a kind's list, kinds, and templates (`seen`,
`heldout`) to train on or to judge with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, TypeVar

import yaml

TRAIN_SIZES: Mapping[str, int] = {
    "en": 2000, "de": 1500, "es": 1000, "ru": 700, "pl": 500, "ar": 300, "hi": 240, "zh": 160, "ja": 96,
}  # fmt: skip
"""Training sentences per language: skewed on purpose, as real corpora are."""

OTHER_SIZES: Mapping[str, int] = {"dev": 70, "test": 150, "heldout": 100}
"""Sentences per language of the splits for judging. `heldout` is the one with templates never trained on."""

LANGUAGES: tuple[str, ...] = tuple(TRAIN_SIZES)
SPLITS: tuple[str, ...] = ("train", *OTHER_SIZES)

RELATIONS: Mapping[str, tuple[str, str]] = {
    "birth-place": ("per", "city"), "has-author": ("book", "per"), "has-child": ("per", "per2"),
    "has-edu": ("per", "uni"), "has-genre": ("film", "genre"), "has-occupation": ("per", "job"),
    "has-population": ("city", "number"), "has-spouse": ("per", "per2"), "headquarters": ("org", "city"),
    "is-member-of": ("per", "club"), "is-where": ("city", "region"), "movie-has-director": ("film", "per"),
    "org-has-founder": ("org", "per"), "won-award": ("per", "award"),
}  # fmt: skip
"""SMiLER's relation names, with the slots that are subject and object unless a template says otherwise."""

WIDE_LANGUAGES: tuple[str, ...] = (*LANGUAGES, "fr", "it", "pt", "tr")
WIDE_RELATIONS: Mapping[str, tuple[str, str]] = {
    **RELATIONS, "from-country": ("band", "country"), "has-nationality": ("per", "nation"),
    "has-parent": ("per", "per2"), "loc-leader": ("city", "per"), "org-leader": ("org", "per"),
    "starring": ("film", "per"),
}  # fmt: skip
WIDE_TRAIN_SIZE = 2500
"""Training sentences of each language of the wide corpus."""

TYPES: Mapping[str, str] = {
    "per": "PER", "city": "LOC", "region": "LOC", "org": "ORG", "uni": "ORG", "club": "ORG", "book": "WORK",
    "film": "WORK", "award": "AWARD", "job": "JOB", "genre": "GENRE", "number": "NUM",
    "country": "LOC", "nation": "NATION", "band": "ORG", "music": "GENRE",
}  # fmt: skip
"""Entity type of each kind of slot."""

NO_TRIPLE = ("negation", "cooccurrence", "none")
PARTS: Mapping[str, list[int]] = {"train": [0, 1, 2, 3, 4], "dev": [5], "test": [6, 7], "heldout": [6, 7]}
"""Which positions of each eight names a split may use."""

LEAD_CHANCE, TAIL_CHANCE = 0.25, 0.2
ABROAD_CHANCE = 0.5
"""How often a person has a name of the kind `abroad`, where a language has one."""
MAX_TRIES = 100
MARKUP = re.compile(
    r"\{(?P<slot>[a-z]+\d?)(?:#(?P<gender>[mf]))?(?::(?P<case>[a-z]+))?\}"
    r"|\[(?P<who>per\d?):(?P<m>[^|\]]*)\|(?P<f>[^\]]*)\]"
)

T = TypeVar("T")
Span: TypeAlias = tuple[int, int]
Triples: TypeAlias = tuple[tuple[str, str, str], ...]
"""What a template states: (subject slot, relation, object slot) each."""


def pick(items: list[T], rng: Random) -> T:
    """One of the items; by `random()` alone, whose numbers are the same in every Python version."""
    return items[int(rng.random() * len(items))]


Forms: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Name:
    """The forms of a name: a row per gender, a column per case; a lone row or column serves for all."""

    forms: Forms

    @classmethod
    def parse(cls, entry: str, paradigms: Mapping[str, str], pattern: str) -> Name:
        """Read `a|b/c|d`, or a stem and its paradigm of such endings, into the place of the pattern's G."""
        stem, plus, paradigm = entry.partition("+")
        stem, endings = (stem, paradigms[paradigm]) if plus else ("", entry)
        rows = [[stem + ending for ending in row.split("|")] for row in endings.split("/")]
        return cls(tuple(tuple(pattern.replace("G", form) for form in row) for row in rows))

    def surface(self, gender: int, case: int) -> str:
        row = self.forms[gender if len(self.forms) > 1 else 0]
        return row[case if len(row) > 1 else 0]


@dataclass(frozen=True)
class Kind:
    """A class of names: every shape (a man's or a woman's, for people) goes with every core."""

    cases: list[str]
    shapes: tuple[list[Name], list[Name]]
    cores: list[Name]

    @cached_property
    def dealt(self) -> dict[str, list[Name]]:
        """The cores that each part of the corpus may draw."""
        return {
            part: [core for i, core in enumerate(self.cores) if i % 8 in places]
            for part, places in PARTS.items()
        }


Drawn: TypeAlias = tuple[Name, Name, int]
"""What fills a slot of one sentence: shape, core, and 1 for a woman."""


@dataclass(frozen=True)
class Template:
    """A sentence pattern and what it states."""

    id: str
    pattern: str
    triples: Triples


def read_triples(key: str) -> Triples:
    """The triples that a template's key names: `birth-place + has-child:per,per3`."""
    if key in NO_TRIPLE:
        return ()
    triples = []
    for part in key.split(" + "):
        relation, colon, slots = part.partition(":")
        subject, object_ = slots.split(",") if colon else WIDE_RELATIONS[relation]
        triples.append((subject, relation, object_))
    return tuple(triples)


def read_language(lang: str, wide: bool) -> dict[str, Any]:
    """The language's file, and what the wide corpus adds to it."""
    spec: dict[str, Any] = {"names": {}, "seen": {}, "heldout": {}}
    for folder in ("templates", "wide") if wide else ("templates",):
        file = resources.files(__package__) / folder / f"{lang}.yaml"
        if not file.is_file():
            continue
        more: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for kind, added in more.pop("names").items():
            listed = spec["names"].setdefault(kind, {})
            for key, names in added.items():
                is_there = key in listed and key not in ("cases", "pattern")
                listed[key] = f"{listed[key]}, {names}" if is_there else names
        for group in ("seen", "heldout"):
            for key, block in more.pop(group).items():
                spec[group][key] = "\n".join(filter(None, (spec[group].get(key), block)))
        spec |= more
    return spec


class Language:
    """One language's templates and names, read from its file; with `wide`, from that of the wide corpus too."""

    def __init__(self, lang: str, *, wide: bool = False) -> None:
        spec = read_language(lang, wide)
        self.lang = lang
        self.space: str = spec["space"]
        self.stop: str = spec["stop"]
        self.digits = str.maketrans("0123456789", spec["digits"])
        self.thousands: str = spec["thousands"]
        self.leads: list[str] = spec["leads"].splitlines()
        self.tails: list[str] = spec["tails"].splitlines()
        paradigms: dict[str, str] = spec.get("paradigms", {})

        def names(listed: str, pattern: str = "G") -> list[Name]:
            return [Name.parse(entry, paradigms, pattern) for entry in listed.split(", ")]

        self.kinds: dict[str, Kind] = {}
        for kind, listed in spec["names"].items():
            if "men" in listed:  # the given name G makes a shape around the family name: "Anna _"
                shapes = (names(listed["men"], listed["pattern"]), names(listed["women"], listed["pattern"]))
            else:
                shapes = (names(listed.get("shapes", "_")),) * 2
            self.kinds[kind] = Kind(listed.get("cases", "nom").split(", "), shapes, names(listed["cores"]))
        self.templates = {
            group: [
                Template(f"{lang}/{group}/{key}/{i}", pattern, read_triples(key))
                for key, block in spec[group].items()
                for i, pattern in enumerate(block.splitlines(), start=1)
            ]
            for group in ("seen", "heldout")
        }

    def number(self, part: str, rng: Random) -> str:
        """A count of inhabitants in the language's digits; dealt to the splits by its tens, as names are."""
        tens = 8 * int(25 + rng.random() * 1200) + pick(PARTS[part], rng)
        return f"{10 * tens:,}".replace(",", self.thousands).translate(self.digits)

    def year(self, rng: Random) -> str:
        return str(int(1900 + rng.random() * 100)).translate(self.digits)

    def draw(self, slot: str, part: str, gender: str | None, taken: list[Forms], rng: Random) -> Drawn:
        """A name for the slot, of which this sentence has taken no core yet, nor a given name."""
        kind = self.kinds[slot.rstrip("23")]
        if slot.startswith("per") and "abroad" in self.kinds and rng.random() < ABROAD_CHANCE:
            kind = self.kinds["abroad"]
        who = "mf".index(gender) if gender else int(rng.random() * 2)
        core = pick([core for core in kind.dealt[part] if core.forms not in taken], rng)
        shapes = kind.shapes[who]
        if slot.startswith("per"):
            shapes = [shape for shape in shapes if shape.forms not in taken]
        shape = pick(shapes, rng)
        taken += [core.forms, shape.forms]
        return shape, core, who

    def sentence(self, template: Template, part: str, rng: Random) -> tuple[str, dict[str, Span]]:
        """Fill a template with names of one part; returns the text and the span of every slot."""
        lead = tail = ""
        frame = rng.random()
        if frame < LEAD_CHANCE:
            lead = pick(self.leads, rng).replace("{year}", self.year(rng)) + self.space
        elif frame < LEAD_CHANCE + TAIL_CHANCE:
            tail = pick(self.tails, rng)
        matches = list(MARKUP.finditer(template.pattern))
        taken: list[Forms] = []
        names = {m["slot"]: m["gender"] for m in matches if m["slot"] not in (None, "year", "number")}
        drawn = {slot: self.draw(slot, part, gender, taken, rng) for slot, gender in names.items()}
        text, end = lead, 0
        spans: dict[str, Span] = {}
        for match in matches:
            text += template.pattern[end : match.start()]
            end = match.end()
            slot = match["slot"]
            if match["who"]:
                text += match["f" if drawn[match["who"]][2] else "m"]
            elif slot == "year":
                text += self.year(rng)
            else:
                start = len(text)
                form = self.surface(slot, match["case"], drawn) if slot in drawn else self.number(part, rng)
                named, _, ending = form.partition("~")
                text += named + ending
                spans[slot] = (start, start + len(named))
        text += template.pattern[end:] + tail
        text += "" if text.endswith(self.stop) else self.stop  # an abbreviation's stop ends the sentence too
        if lead.rstrip().endswith(":"):
            text = lead + capitalised(text[len(lead) :])
        return capitalised(text), spans

    def surface(self, slot: str, case: str | None, drawn: Mapping[str, Drawn]) -> str:
        """The form of a drawn name that its place asks for; a job's gender is that of its person."""
        shape, core, gender = drawn[slot]
        if slot.startswith("job"):
            gender = drawn["per" + slot.removeprefix("job")][2]
        column = self.kinds[slot.rstrip("23")].cases.index(case) if case else 0
        return shape.surface(gender, column).replace("_", core.surface(gender, column))

    def split(self, split: str, size: int, seed: int, seen_texts: set[str]) -> list[dict[str, Any]]:
        """`size` records that take the templates in turn; adds their texts to `seen_texts`."""
        rng = Random(f"{seed}-{self.lang}-{split}")
        templates = self.templates["heldout" if split == "heldout" else "seen"]
        records: list[dict[str, Any]] = []
        for i in range(size):
            template = templates[i % len(templates)]
            for _ in range(MAX_TRIES):
                text, spans = self.sentence(template, split, rng)
                if text not in seen_texts:
                    break
            else:
                raise RuntimeError(f"{template.id} has too few names for {size} sentences of {split}")
            seen_texts.add(text)
            records.append(self.record(template, text, spans))
        for i in range(size - 1, 0, -1):  # Fisher and Yates; Random.shuffle may change between versions
            j = int(rng.random() * (i + 1))
            records[i], records[j] = records[j], records[i]
        return [{"id": f"{self.lang}-{split}-{i:04d}", **record} for i, record in enumerate(records, start=1)]

    def record(self, template: Template, text: str, spans: Mapping[str, Span]) -> dict[str, Any]:
        """The sentence in the JSON-lines corpus format."""
        ordered = sorted(spans.items(), key=lambda item: item[1])

        def span(slot: str) -> dict[str, int]:
            return {"start": spans[slot][0], "end": spans[slot][1]}

        return {
            "lang": self.lang,
            "text": text,
            "entities": [{**span(slot), "type": TYPES[slot.rstrip("23")]} for slot, _ in ordered],
            "triples": [
                {"subject": span(subject), "relation": relation, "object": span(object_)}
                for subject, relation, object_ in template.triples
            ],
            "relations_covered": None,
            "complete": True,
            "source": "quickstart",
            "template": template.id,
        }


def capitalised(text: str) -> str:
    """The text with its first letter upper case; no letter that a template begins with grows by it."""
    return text[:1].upper() + text[1:]


def generate(seed: int = 13, *, wide: bool = False) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The whole corpus: records in the JSON-lines corpus format by (language, split)."""
    corpus: dict[tuple[str, str], list[dict[str, Any]]] = {}
    train_sizes = dict.fromkeys(WIDE_LANGUAGES, WIDE_TRAIN_SIZE) if wide else TRAIN_SIZES
    for lang, train_size in train_sizes.items():
        language, texts = Language(lang, wide=wide), set[str]()
        for split in SPLITS:
            size = train_size if split == "train" else OTHER_SIZES[split]
            corpus[lang, split] = language.split(split, size, seed, texts)
    return corpus


def write(folder: Path, seed: int = 13, *, wide: bool = False) -> list[Path]:
    """Write the corpus as `<lang>.<split>.jsonl` files into the folder, made if absent; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for (lang, split), records in generate(seed, wide=wide).items():
        path = folder / f"{lang}.{split}.jsonl"
        lines = [json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n" for record in records]
        path.write_bytes("".join(lines).encode())
        paths.append(path)
    return paths
