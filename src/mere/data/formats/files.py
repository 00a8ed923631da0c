"""What the names of corpus files say, and writing one whole or not at all."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from pathlib import Path

from mere import lang_codes
from mere.errors import DataError, nearest
from mere.files import replacing

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "validate": "dev",
    "val": "dev",
    "devel": "dev",
    "development": "dev",
    "eval": "dev",
    "testa": "dev",
    "testb": "test",
    "tst": "test",
    "test": "test",
    "heldout": "heldout",
}
_CODE = re.compile(r"([A-Za-z]{2,3})(?:-(?:[A-Za-z]{2}|[A-Za-z]{4,5}))*")
_NO_CODES = frozenset({
    "ner", "raw", "all", "new", "old", "src", "tmp", "out", "bio", "iob", "pos", "tag", "txt", "csv", "doc", "set",
})  # fmt: skip
"""What stands where a language would, and is hardly one of ISO 639's rarer codes."""


def not_found(path: Path) -> DataError:
    """Return the error for a path that does not exist; names the nearest file, or the folder that does."""
    parent = path.parent
    if parent.is_dir():
        near = nearest(path.name, (entry.name for entry in parent.iterdir()))
        where = f'The folder "{parent}" exists.' if str(parent) != "." else ""
        return DataError(f"{path}: no such file or folder. {where}{near}".rstrip())
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    return DataError(f'{path}: no such file or folder. The nearest folder that exists is "{parent}".')


def write_lines(lines: Iterable[str], path: Path) -> int:
    """Write lines of UTF-8 to a file, gzip where its name ends in `.gz`, and return how many.

    The file appears whole or not at all: a crash or a full disk leaves what was there before. The same
    lines give the same bytes.

    Raises:
        DataError: the folder is missing. MereError: the disk is full.
    """
    if path.parent.name and not path.parent.is_dir():
        raise not_found(path.parent)
    count = 0
    with replacing(path) as beside, beside.open("wb") as raw:
        zipped = path.suffix == ".gz"
        out = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if zipped else raw
        for line in lines:
            out.write(line.encode("utf-8") + b"\n")
            count += 1
        if zipped:
            out.close()
    return count


def stem(path: Path) -> str:
    """Return the name without `.gz` and the format's ending: `de.train.jsonl.gz` is `de.train`."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name[1:] else name


def lang_of(path: Path) -> str | None:
    """Return the language that a file name or its folder states, or None.

    `de.train.jsonl`, `de_corpora_train.tsv`, `en-full_corpora_train.tsv`, `German.train.conll`, `train.de.jsonl`
    and `de/train.jsonl` say so; `corpus.jsonl` does not.
    """
    parts = re.split(r"[._]", stem(path))
    own = _lang(parts[0]) if len(parts) > 1 and parts[0] not in SPLIT_NAMES else None
    split, *others = re.split(r"[._-]", stem(path))
    if own or split not in SPLIT_NAMES:
        return own
    after = others[0] if others else ""
    behind = after if lang_codes.is_code(after) or lang_codes.is_name(after) else ""
    return _lang(behind) or _lang(path.parent.name)


def lang_alone(path: Path) -> str | None:
    """Return the language that a whole name is, as in `ar.conll`, or None: a hint, since `it.txt` may be anything."""
    return _lang(stem(path))


def _lang(word: str) -> str | None:
    """Return the language that a part of a name states: a code, or a name of more letters."""
    code = _CODE.fullmatch(word)
    if code is None:
        return lang_codes.language_of(word) if lang_codes.is_name(word) else None
    primary = code[1].lower()
    is_one = lang_codes.is_code(primary) or code[1].islower()
    return primary if is_one and primary not in _NO_CODES and primary not in SPLIT_NAMES else None


def states_split(path: Path) -> bool:
    """Whether a file name states a split."""
    return any(part in SPLIT_NAMES for part in re.split(r"[._-]", stem(path)))


def split_of(path: Path) -> str:
    """Return the split that a file name states (train, dev, test, heldout), or "train" where it states none."""
    for part in reversed(re.split(r"[._-]", stem(path))):
        if part in SPLIT_NAMES:
            return SPLIT_NAMES[part]
    return "train"
