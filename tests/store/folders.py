"""Model folders that a test has changed on purpose."""

from __future__ import annotations

from pathlib import Path

from mere.store.files import CARD, SUMS, sha256, sums_text


def resum(folder: Path) -> Path:
    """Write SHA256SUMS anew, as of a model that was always like this."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (CARD, SUMS)]
    digests = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    (folder / SUMS).write_text(sums_text(digests), encoding="utf-8")
    return folder
