"""The one writer of files: whole or not at all, with the mode that the umask gives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mere.errors import MereError
from mere.files import replacing, write_whole
from mere.store.files import write_arrays


def interrupted(path: Path, error: BaseException) -> None:
    with replacing(path) as beside:
        beside.write_bytes(b"ne")
        raise error


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with replacing(path) as beside:
        beside.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError(28, "No space left on device")])
def test_after_an_error_there_is_what_was_there(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    with pytest.raises((ValueError, KeyboardInterrupt, MereError)):
        interrupted(path, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_three_facts_and_a_cure(tmp_path: Path) -> None:
    with pytest.raises(MereError, match=r"file: could not be written \(No space left\)\. What was there"):
        interrupted(tmp_path / "file", OSError(28, "No space left"))


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_others_may_read_what_the_umask_lets_them(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "bytes", b"1")
        write_arrays(tmp_path / "arrays.safetensors", {"a": np.ones(2)})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~umask}


def test_arrays_are_stored_as_they_read_whatever_their_order_in_memory(tmp_path: Path) -> None:
    arrays = {
        "turned": np.arange(6.0).reshape(2, 3).T,
        "scalar": np.array(2, np.int64),
        "part": np.arange(9)[::2],
    }
    write_arrays(tmp_path / "a.safetensors", arrays)
    stored = load_file(tmp_path / "a.safetensors")
    assert all(
        (stored[name] == array).all() and stored[name].shape == array.shape for name, array in arrays.items()
    )
