"""Log-likelihoods of byte n-grams in 139 languages, as arrays: which features a word has, and what they say.

The numbers are py3langid's (naive Bayes; see LICENSE beside this file), made into arrays by
`benchmarks/build_identifier.py`. At each byte of a word, with a space on either side, the longest feature that ends
there counts. A feature is two to six bytes, packed into one integer, and a perfect hash finds its row. The weights are
mapped from disk, so loading takes milliseconds and a process holds what its texts touch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.inference.kept import KeptRows

FOLDER = Path(__file__).parent
NUM_SLOTS = 1 << 16
NUM_BUCKETS = 1 << 14
_TO_SLOT = np.uint64(0x9E3779B97F4A7C15)
_TO_BUCKET = np.uint64(0xC2B2AE3D27D4EB4F)
_LONGEST = 6  # bytes of a feature
_LONGEST_KEPT = 32  # characters; a longer word, as in scripts without spaces, will hardly come again
_kept = KeptRows()
_PLACES = np.arange(8, 8 * _LONGEST, 8, dtype=np.uint64)[:, None]


class Tables(NamedTuple):
    """What `benchmarks/build_identifier.py` wrote.

    Args:
        languages: one per column; a language with two scripts has two.
        priors: log-prior of each column.
        step: what one unit of a weight is worth.
        keys: the feature of each slot, its bytes as one big-endian integer; 0 where there is none.
        shifts: what moves a bucket's features to slots of their own.
        weights: log-likelihoods, (slots, columns), up to a constant per row.
    """

    languages: tuple[str, ...]
    priors: NDArray[np.float32]
    step: float
    keys: NDArray[np.uint64]
    shifts: NDArray[np.uint16]
    weights: NDArray[np.int8]


@cache
def tables() -> Tables:
    """Map the arrays, once in a process."""
    record = json.loads((FOLDER / "languages.json").read_text())
    return Tables(
        languages=tuple(record["languages"]),
        priors=np.array(record["priors"], np.float32),
        step=record["step"],
        keys=np.load(FOLDER / "keys.npy"),
        shifts=np.load(FOLDER / "shifts.npy"),
        weights=np.load(FOLDER / "weights.npy", mmap_mode="r"),
    )


def bucket_of(keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    return ((keys * _TO_BUCKET) >> np.uint64(50)).astype(np.intp)


def slot_of(keys: NDArray[np.uint64], shifts: NDArray[np.uint16]) -> NDArray[np.intp]:
    return ((keys * _TO_SLOT) >> np.uint64(48)).astype(np.intp) ^ shifts[bucket_of(keys)]


def evidence(texts: Sequence[Mapping[str, int]]) -> NDArray[np.float32]:
    """Return what the words of each text say for each column, shape (texts, columns); 0 where they say nothing.

    Args:
        texts: per text its words and how often each stands there; it counts with the logarithm.
    """
    scores = np.zeros((len(texts), len(tables().languages)), np.float32)
    words = [word for counts in texts for word in counts]
    if not words:
        return scores
    keys = [word if len(word) <= _LONGEST_KEPT else None for word in words]
    said = _kept(
        keys, lambda new: _log_likelihoods([f" {words[i]} ".encode("utf-8", "surrogatepass") for i in new])
    )
    times = np.fromiter((number for counts in texts for number in counts.values()), np.float32, len(words))
    said *= np.log2(times + 1)[:, None]
    sizes = np.array([len(counts) for counts in texts])
    speaks = sizes > 0
    scores[speaks] = np.add.reduceat(said, (np.cumsum(sizes) - sizes)[speaks], axis=0)
    return scores


def _log_likelihoods(texts: Sequence[bytes]) -> NDArray[np.float32]:
    found = tables()
    rows, owners = _features(texts)
    scores = np.zeros((len(texts), len(found.languages)), np.float32)
    both, counts = np.unique(owners * NUM_SLOTS + rows, return_counts=True)
    owners, rows = np.divmod(both, NUM_SLOTS)
    said = found.weights[rows].astype(np.float32)
    said *= (np.log1p(counts) * found.step).astype(np.float32)[:, None]
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(firsts):
        scores[owners[firsts]] = np.add.reduceat(said, firsts, axis=0)
    return scores


def _features(texts: Sequence[bytes]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the row of the longest feature that ends at each byte, where there is one, and the index of its text."""
    found = tables()
    joined = bytes(_LONGEST) + b"\0".join(texts)  # no feature holds a NUL: none reaches over a border
    every = np.frombuffer(joined, np.uint8).astype(np.uint64)
    num = len(every) - _LONGEST
    firsts = np.lib.stride_tricks.sliding_window_view(every, num)[_LONGEST - 1 : 0 : -1]  # 1 … 5 bytes before
    keys = np.bitwise_or.accumulate(np.vstack([every[None, _LONGEST:], firsts << _PLACES]), axis=0)[1:]
    slots = slot_of(keys, found.shifts)
    hits = (found.keys[slots] == keys) & (firsts != 0)
    best = np.where(hits, slots, -1)[_LONGEST - 2 - hits[::-1].argmax(0), np.arange(num)]
    owners = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])[:num]
    is_there = best >= 0
    return best[is_there], owners[is_there]
