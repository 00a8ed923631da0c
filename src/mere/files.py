"""Files that appear whole or not at all: what every room writes by that writes to a disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mere.errors import MereError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, whose file takes the place of `path` at the end; after an error there is the old one.

    A reader, a killed process or a full disk finds the old file or the new one, never half of one.

    Raises:
        MereError: the disk is full or not writable.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.touch()
        mode = (
            beside.stat().st_mode
        )  # what the umask gives: libraries that write tensors make files of their own
        yield beside
        beside.chmod(mode)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise MereError(
            f"{path}: could not be written ({error.strerror or error}). What was there is untouched. "
            "Free some space, or choose another place, then run the same command again (mere train: with --resume)."
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file by `replacing`."""
    with replacing(path) as beside:
        beside.write_bytes(data)
