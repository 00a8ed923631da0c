"""The files of a model folder: which there are, and their SHA-256 in the format of the program sha256sum.

SHA256SUMS lists every file but itself and the card, which is for people and may be edited. Whoever loads a folder
compares what it reads; `sha256sum -c SHA256SUMS` compares all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from mere.errors import ModelError, UserError
from mere.files import replacing, write_whole
from mere.hub import again

Arrays = Mapping[str, NDArray[Any]]
"""Tensors by name, as numpy has them."""

FORMAT = 2
"""Raised whenever a folder written before could no longer be read."""

REQUIRED = ("config.json", "labels.json")
CARD = "README.md"
SUMS = "SHA256SUMS"
CALIBRATION = "calibration.json"
PATTERNS = (
    *REQUIRED, CARD, SUMS, CALIBRATION, "metrics.json", "model.safetensors", "pieces.safetensors", "pieces/*.json",
    "languages/*.safetensors",
    "graphs/*/*.onnx", "graphs/*/*.safetensors", "encoder.safetensors",
)  # fmt: skip
"""What a model folder holds, as globs: data and text, nothing that runs."""
WHOLE = "Copy the whole folder, or train again."

_LINE = re.compile(r"([0-9a-f]{64})  (?!/|\.\./|.*/\.\./)(\S.*)")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder to write to that becomes `out` at the end; after an error there is neither.

    Raises:
        UserError: `out` is there already.
    """
    if out.exists():
        raise UserError(f"{out}: is there already. Choose another --out: a folder of its own is written.")
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # what a killed process left
    try:
        yield part
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    with file.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, record: Any) -> str:
    """Write a record whole; return the SHA-256 of the file."""
    return write_bytes(path, (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode())


def write_bytes(path: Path, data: bytes) -> str:
    """Write a file whole; return its SHA-256."""
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def write_arrays(path: Path, arrays: Arrays, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole, with `metadata` in its own header.

    Raises:
        MereError: the disk is full or not writable; what was there before is still there.
    """
    plain = {name: np.require(array, requirements="C") for name, array in arrays.items()}
    with replacing(path) as beside:
        try:
            save_file(plain, beside, metadata)
        except SafetensorError as error:  # what it says of a full disk
            raise OSError(str(error)) from None


def read_arrays(path: Path, digest: str | None = None) -> dict[str, NDArray[Any]]:
    """Read a safetensors file; with a `digest`, only one that was written so.

    Raises:
        ModelError: it is missing, cut short, or another one.
    """
    if not path.is_file():
        raise ModelError(f"{path}: this file is missing. {again(path, WHOLE)}")
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: not a whole safetensors file ({error}). {again(path, 'Copy it again, or train again.')}"
        ) from None
    if digest is not None:
        compare(path, digest)
    return arrays


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file of a model folder.

    Raises:
        ModelError: it is missing, cut short, or holds something else.
    """
    if not path.is_file():
        raise ModelError(f"{path}: this file is missing, so {path.parent} is not a model folder.")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not whole JSON ({error}). {again(path)}") from None
    if not isinstance(record, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(record).__name__}.")
    return record


def sums_text(digests: Mapping[str, str]) -> str:
    """Return SHA256SUMS of files by name, names with "/" between folders."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read_sums(folder: Path) -> dict[str, str]:
    """Return the digests by name that a folder's SHA256SUMS lists.

    Raises:
        ModelError: it is missing, or holds something else.
    """
    file = folder / SUMS
    if not file.is_file():
        raise ModelError(f"{file}: this file is missing. {again(file, WHOLE)}")
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [_LINE.fullmatch(line) for line in lines]
    if not lines or None in found:
        number = found.index(None) + 1 if None in found else 1
        raise ModelError(
            f"{file}:{number}: not a SHA-256 and the name of a file in this folder. {again(folder)}"
        )
    return {match[2]: match[1] for match in found if match}


def compare(file: Path, digest: str) -> Path:
    """Return a file if it is the one that was written with its folder.

    Raises:
        ModelError: it is missing, cut short or altered.
    """
    if not file.is_file():
        raise ModelError(f"{file}: this file is missing. {again(file, WHOLE)}")
    if sha256(file) != digest:
        raise ModelError(f"{file}: not the file that the model was written with. {again(file)}")
    return file


def compare_all(folder: Path) -> dict[str, str]:
    """Compare every file that SHA256SUMS lists, and return its digests by name.

    Raises:
        ModelError: names the first one that is missing, cut short or altered.
    """
    sums = read_sums(folder)
    for name, digest in sums.items():
        compare(folder / name, digest)
    return sums
