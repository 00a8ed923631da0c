"""Text without annotation: what stages read that learn from text (`objective: masked`, `data.text`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from mere import lang_codes
from mere.data.corpus import Corpus
from mere.data.formats import files
from mere.data.formats.lines import numbered_lines
from mere.errors import DataError
from mere.types import Sentence

_PLAIN = (".txt", ".txt.gz")


def read_text(path: Path | str, split: str) -> Iterator[Sentence]:
    """Yield the texts under a path; what is annotated there is left behind.

    A folder or a file of a corpus gives the sentences of one split. A file `<lang>.txt` (or `.txt.gz`; also
    `<lang>.anything.txt`), or a folder with such files, gives a text for each line that is not blank.

    Raises:
        DataError: nothing there, a name that says no language, or files with errors.
    """
    path = Path(path)
    plain = [path] if path.name.endswith(_PLAIN) and not path.is_dir() else []
    if path.is_dir():
        found = (entry for entry in [*path.glob("*"), *path.glob("*/*")] if entry.name.endswith(_PLAIN))
        plain = sorted(entry for entry in found if entry.is_file() and not entry.name.startswith("."))
    if not plain:
        for sentence in Corpus.load(path).sentences(split):
            yield _bare(sentence.id, sentence.lang, sentence.text)
    for file in plain:
        lang = files.lang_of(file) or _lang_alone(file)
        for number, text in numbered_lines(file):
            yield _bare(f"{file.name}:{number}", lang, text)


def join_texts(
    train: Sequence[Sentence], others: Sequence[Sentence], held_out: Set[tuple[str, str]]
) -> tuple[tuple[Sentence, ...], tuple[str, ...]]:
    """Return every text once, those of the training sentences first, and notes on what was left out.

    Args:
        held_out: language and text of sentences that a model is scored on: it must not have read them.
    """
    languages = tuple(sorted({sentence.lang for sentence in train}))
    texts = {(s.lang, s.text): _bare(s.id, s.lang, s.text) for s in train}
    own, foreign, scored = len(texts), 0, 0
    for sentence in others:
        key = sentence.lang, sentence.text
        if lang_codes.find(sentence.lang, languages) is None:
            foreign += 1
        elif key in held_out:
            scored += 1
        else:
            texts.setdefault(key, sentence)
    notes = [f"{len(texts):,} texts to learn from, {len(texts) - own:,} of them not in the training split"]
    if foreign:
        notes.append(f"{foreign:,} texts are in languages that have no training sentence: left out")
    if scored:
        notes.append(f"{scored:,} texts are sentences of another split of the corpus: left out")
    return tuple(texts.values()), tuple(notes)


def _bare(id: str, lang: str, text: str) -> Sentence:
    nothing = frozenset[str]()
    return Sentence(id, lang, text, relations_covered=nothing, types_covered=nothing)


def _lang_alone(path: Path) -> str:
    """Return the language of `de.txt`.

    Raises:
        DataError: the name is none.
    """
    if not re.fullmatch(r"[a-z]{2,3}", name := files.stem(path)):
        raise DataError(f"{path}: its name does not say its language. Name it <lang>.txt, such as de.txt.")
    return name
