"""Plain text, a text a line: what nobody annotated.

What is read states that neither entities nor relations were looked for, so that nothing learns that there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mere.data.formats import whole
from mere.data.formats.holds import Holds
from mere.data.formats.lines import Head, head_of, numbered_lines, piped
from mere.data.formats.no_layout import NoLayout, refuse_other_signs
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, line_writer, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

HOLDS = Holds(
    one="a line",
    offsets="none",
    entities=False,
    relations=False,
    scores=False,
    language=False,
    ids=False,
    keys=False,
)
_BREAK = re.compile(r"\r\n|[\r\n]")


def looks_like(head: Head) -> bool:
    """Nothing looks like plain text, or everything does: its ending, or `--from`, says it."""
    return False


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the lines of a `.txt` file that are not blank."""
    rows = [line.split() for line in head_of(records.path).lines]
    try:
        refuse_other_signs([row for row in rows if row], tabs=False)
    except NoLayout as fault:
        if len(max(rows, key=len)) > 1:  # words with their tags; fields parted by other signs may be any text
            cure = piped(records.path, fault.program, "tabs", ending=".conll")
            records.refuse(RecordFault("tagged-text", fault.message, cure), 1)
            return
    for number, line in numbered_lines(records.path, records.problems, repaired=records.tally.repaired):
        record = {"text": line, "relations_covered": [], "types_covered": []}
        yield from records.sentence(record, number, f"{records.stem}:{number}")


@line_writer
def write(sentences: Iterable[Sentence], written: Written) -> Iterator[str]:
    """Write a text a line; line breaks in it become spaces, which is counted."""
    for sentence in sentences:
        whole.encoded(sentence.text, sentence)
        line, breaks = _BREAK.subn(" ", sentence.text)
        if not line.strip():
            written.left_out["texts of white space"] += 1
            continue
        written.lost["line breaks, which become spaces"] += breaks
        HOLDS.count_lost(sentence, written.lost)
        taken = not written.sentences and line.startswith("\ufeff")  # readers take one away
        written.sentences += 1
        yield "\ufeff" * taken + line
