"""The error analysis of a system's entities: classes per type and language, types taken for others, examples.

`mere.metrics.mistakes` defines the classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from mere.data.surface import inside_character
from mere.metrics.annotated import annotates_entities, scored_mentions
from mere.metrics.entities import match
from mere.metrics.entity_parts import type_of
from mere.metrics.mistakes import ErrorClass, Mistake, mistakes
from mere.types import Entity, Prediction, Sentence

NOTHING = "(nothing)"  # in `gold_by_predicted`: no predicted mention, or no gold one
CONTEXT = 40  # code points of text that an example shows on either side


class WrongMissed(NamedTuple):
    """How many predicted mentions are wrong (fp) and how many gold ones are missed (fn)."""

    fp: int
    fn: int


ClassCounts = Mapping[ErrorClass, WrongMissed]
_Keys = tuple[str, str, ErrorClass, bool]  # language, type, class, whether it is wrong (or missed)
_Examples = dict[ErrorClass, dict[str, list["ErrorExample"]]]


@dataclass(frozen=True, slots=True)
class ErrorExample:
    """One error as a reader sees it.

    Args:
        sentence: the id of the sentence.
        lang: its language.
        excerpt: the text around both mentions; "…" where it is cut.
        gold: the gold mention, None for a spurious one; offsets into the sentence's text.
        predicted: the predicted mention, None for a missed one.
    """

    sentence: str
    lang: str
    excerpt: str
    gold: Entity | None
    predicted: Entity | None

    def to_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "lang": self.lang,
            "excerpt": self.excerpt,
            "gold": None if self.gold is None else self.gold.to_json(),
            "predicted": None if self.predicted is None else self.predicted.to_json(),
        }


@dataclass(frozen=True, slots=True)
class EntityErrors:
    """The entity errors of a system, counted over all its runs.

    Args:
        classes: counts of every class.
        type: the same per type, that of the missed gold mention or of the wrong predicted one.
        language: the same per language.
        gold_by_predicted: gold type -> predicted type -> how many gold mentions. One that was found is counted
            under the type that it was given, a missed one under the type of the mention that its class is owed
            to, or under "(nothing)": a row adds up to the gold mentions of its type. The row "(nothing)" has
            the spurious mentions by their types.
        examples: of each class as many as were asked for, in turn from each language; of the first run.
        num_examples: how many of each class were asked for.
    """

    classes: ClassCounts
    type: Mapping[str, ClassCounts]
    language: Mapping[str, ClassCounts]
    gold_by_predicted: Mapping[str, Mapping[str, int]]
    examples: Mapping[ErrorClass, Sequence[ErrorExample]]
    num_examples: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the key "examples" is there only if some were asked for."""
        record: dict[str, Any] = {
            "classes": _json(self.classes),
            "type": {name: _json(classes) for name, classes in self.type.items()},
            "language": {name: _json(classes) for name, classes in self.language.items()},
            "gold_by_predicted": {gold: dict(row) for gold, row in self.gold_by_predicted.items()},
        }
        if self.num_examples:
            record["examples"] = {
                error.value: [example.to_json() for example in examples]
                for error, examples in self.examples.items()
            }
        return record


def analyse(
    gold: Sequence[Sentence], runs: Sequence[Sequence[Prediction]], *, num_examples: int = 0
) -> EntityErrors | None:
    """Class the entity errors of a system's runs; None where no sentence annotates entities.

    Args:
        gold: the annotated sentences.
        runs: one sequence of predictions per seed, each in the order of `gold`.
        num_examples: how many examples of each class to keep; 0 keeps none.

    Raises:
        ValueError: num_examples is below 0.
    """
    if num_examples < 0:
        raise ValueError(f"num_examples must be 0 or more, not {num_examples}")
    if not any(annotates_entities(sentence) for sentence in gold):
        return None
    errors: Counter[_Keys] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    examples: _Examples = {error: {} for error in ErrorClass}
    for n, run in enumerate(runs):
        for sentence, prediction in zip(gold, run, strict=True):
            if not annotates_entities(sentence):
                continue
            matched = match(*scored_mentions(sentence, prediction))
            pairs.update((type_of(wanted), type_of(found)) for wanted, found in matched.right)
            for mistake in mistakes(matched):
                errors[sentence.lang, type_of(mistake.mention), mistake.error, mistake.is_wrong] += 1
                if not mistake.is_wrong or mistake.error is ErrorClass.SPURIOUS:
                    pairs[_name(mistake.gold), _name(mistake.predicted)] += 1
                if n == 0:
                    _keep(examples, num_examples, sentence, mistake)
    return EntityErrors(
        classes=_classes(errors),
        type=_by(errors, 1),
        language=_by(errors, 0),
        gold_by_predicted={
            wanted: {found: pairs[wanted, found] for found in _in_order({f for w, f in pairs if w == wanted})}
            for wanted in _in_order({w for w, _ in pairs})
        },
        examples={
            error: _in_turn(by_lang[lang] for lang in sorted(by_lang))[:num_examples]
            for error, by_lang in examples.items()
        },
        num_examples=num_examples,
    )


def _name(entity: Entity | None) -> str:
    return NOTHING if entity is None else type_of(entity)


def _in_order(names: set[str]) -> list[str]:
    """Sort names, "(nothing)" last."""
    return sorted(names, key=lambda name: (name == NOTHING, name))


def _classes(errors: Mapping[_Keys, int]) -> ClassCounts:
    found: Counter[tuple[ErrorClass, bool]] = Counter()
    for (_, _, error, is_wrong), count in errors.items():
        found[error, is_wrong] += count
    return {error: WrongMissed(found[error, True], found[error, False]) for error in ErrorClass}


def _by(errors: Mapping[_Keys, int], part: int) -> dict[str, ClassCounts]:
    return {
        name: _classes({keys: count for keys, count in errors.items() if keys[part] == name})
        for name in sorted({str(keys[part]) for keys in errors})
    }


def _json(classes: ClassCounts) -> dict[str, dict[str, int]]:
    return {error.value: counts._asdict() for error, counts in classes.items()}


def _keep(examples: _Examples, limit: int, sentence: Sentence, mistake: Mistake) -> None:
    """Keep an example unless its language has enough; a pair that is wrong and missed is shown once."""
    kept = examples[mistake.error].setdefault(sentence.lang, [])
    if len(kept) >= limit:
        return
    excerpt = _excerpt(sentence.text, [e for e in (mistake.gold, mistake.predicted) if e is not None])
    example = ErrorExample(sentence.id, sentence.lang, excerpt, mistake.gold, mistake.predicted)
    if example not in kept:
        kept.append(example)


def _excerpt(text: str, mentions: Sequence[Entity]) -> str:
    start = max(min(mention.start for mention in mentions) - CONTEXT, 0)
    end = min(max(mention.end for mention in mentions) + CONTEXT, len(text))
    while inside_character(text, start):
        start -= 1
    while inside_character(text, end):
        end += 1
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _in_turn(by_lang: Iterable[Sequence[ErrorExample]]) -> list[ErrorExample]:
    """Take one of each language, then the next of each."""
    rounds = chain.from_iterable(zip_longest(*by_lang))
    return [example for example in rounds if example is not None]
