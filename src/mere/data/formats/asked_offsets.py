"""What the offsets of one file count: as the user says, as its lines say, or as its mentions speak for.

A file whose mentions speak for another unit than code points is refused with the option that reads it so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mere.data.formats.by_text import NotInText, find_mentions
from mere.data.formats.offsets import NAMES, Evidence, NoSuchPlace, stated_unit, to_characters
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import Offsets, Reading
from mere.data.formats.record import RecordFault
from mere.data.formats.tokens import joined

_OF_TOKENS = (Offsets.TOKENS, Offsets.TOKENS_INCLUSIVE)


@dataclass
class AskedOffsets:
    """Takes the records of one file, one after the other.

    Args:
        path: the file.
        reading: what the user says of it.
        told: counts what was converted.
    """

    path: Path
    reading: Reading
    told: Counter[str]
    _evidence: Evidence = field(default_factory=Evidence)

    def take(self, record: Any) -> None:
        """Write a record's offsets in code points, in place, or see what its mentions speak for.

        Raises:
            RecordFault: offsets or mentions that have no place in the text.
        """
        unit = stated_unit(record) or self.reading.offsets
        if unit is None:
            self._evidence.see(record)
            return
        if not isinstance(record, dict):
            return
        if unit in _OF_TOKENS and record.get("text") is None and _are_words(record.get("tokens")):
            record["text"], spans = joined(record["tokens"])
            record["tokens"] = [list(span) for span in spans]
            self.told["texts made of their tokens"] += 1
        try:
            if unit is not Offsets.BY_TEXT:
                self.told[f"mentions whose offsets count {NAMES.get(unit)}"] += to_characters(record, unit)
            elif isinstance(record.get("text"), str):
                self.told.update(find_mentions(record))
        except (NoSuchPlace, NotInText) as error:
            raise RecordFault("no-such-place", str(error), "Mend the line.") from None

    def finish(self, problems: list[Problem] | None, *, may_be_right: bool) -> None:
        """Report the file if its mentions speak for another unit.

        Args:
            may_be_right: whether all of it could be read as it is.
        """
        verdict = self._evidence.verdict()
        if verdict is None:
            return
        name = NAMES[verdict.unit]
        few = (
            " after characters that are several of them"
            if verdict.unit in (Offsets.UTF16, Offsets.BYTES)
            else ""
        )
        message = (
            f"the offsets seem to count {name}: of {verdict.mentions:,} mentions{few}, {verdict.cut:,} begin or end "
            "inside a word or at a space, and next to none where they count that"
        )
        cure = self.reading.advise(self.path, offsets=verdict.unit)
        if may_be_right:
            keep = self.reading.advise(self.path, offsets=Offsets.CODEPOINTS)
            cure = f"{cure}\nIf they do count code points, r{keep[1:]}"
        report(Problem(self.path, None, "offset-unit", message, cure), problems)


def _are_words(tokens: object) -> bool:
    return (
        isinstance(tokens, list)
        and bool(tokens)
        and all(isinstance(token, str) and token for token in tokens)
    )
