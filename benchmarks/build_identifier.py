"""Turn py3langid's model into the arrays that mere identifies languages with (src/mere/inference/identifier).

    python benchmarks/build_identifier.py

py3langid reads bytes through an automaton of 39 MB and scores with 100,053 features of 142 columns in fp16, all
of it unpacked at its first call. A state of that automaton says no more than which feature is the longest that ends
here, so a hash of the last two to six bytes says the same. Of the features, the 60,000 that tell most of some language
are kept, in int8: 9 MB that are mapped, not read. The figures stay within a point of the whole model's
(benchmarks/identification.py).
"""

from __future__ import annotations

import io
import json
import lzma
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_DIR, MODEL_FILE

from mere.inference.identifier import FOLDER, NUM_BUCKETS, NUM_SLOTS, bucket_of, slot_of

NUM_KEPT = 60_000


def features(nextmove: NDArray[np.uint32], row: NDArray[np.uint16], output: NDArray[np.int32]) -> list[bytes]:
    """Return the bytes of each feature: the shortest way through the automaton to a state that puts it out."""
    way, queue = {0: b""}, [0]
    found: dict[int, bytes] = {}
    for state in queue:
        if output[state] >= 0:
            found.setdefault(int(output[state]), way[state])
        for byte, following in enumerate(nextmove[row[state]].tolist()):
            if following not in way:
                way[following] = way[state] + bytes([byte])
                queue.append(following)
    return [found[index] for index in range(len(found))]


def most_telling(log_likelihood: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """Return the features that stand highest in some language by p(feature | language) × its log ratio to the mean."""
    likelihood = np.exp(log_likelihood)
    gain = likelihood * (log_likelihood - np.log(likelihood.mean(1, keepdims=True)))
    rank = np.empty(gain.shape, np.int32)
    for column in range(gain.shape[1]):
        rank[np.argsort(-gain[:, column], kind="stable"), column] = np.arange(len(gain))
    return np.sort(np.argsort(rank.min(1), kind="stable")[:number])


def perfect_hash(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return a shift for each bucket, fullest first, under which no two keys share a slot; and each key's slot."""
    buckets, bases = bucket_of(keys), slot_of(keys, np.zeros(NUM_BUCKETS, np.uint16))
    shifts, slots = np.zeros(NUM_BUCKETS, np.uint16), np.zeros(len(keys), np.int64)
    taken = np.zeros(NUM_SLOTS, bool)
    every = np.arange(NUM_SLOTS)
    members = np.split(
        np.argsort(buckets, kind="stable"), np.cumsum(np.bincount(buckets, minlength=NUM_BUCKETS))[:-1]
    )
    for bucket in sorted(range(NUM_BUCKETS), key=lambda bucket: -len(members[bucket])):
        own = members[bucket]
        if not len(own):
            break
        if len(set(bases[own].tolist())) < len(own):
            raise SystemExit("two keys of a bucket share a slot whatever the shift; change the multipliers")
        free = ~taken[every[:, None] ^ bases[own]].any(1)
        shifts[bucket] = int(np.argmax(free))
        slots[own] = bases[own] ^ int(shifts[bucket])
        if taken[slots[own]].any():
            raise SystemExit("no shift leaves a bucket's keys apart; keep fewer features")
        taken[slots[own]] = True
    return shifts, slots


def main() -> None:
    with np.load(io.BytesIO(lzma.open(MODEL_DIR / MODEL_FILE).read())) as model:
        texts = features(model["nextmove"].reshape(-1, 256), model["nextmove_row"], model["out_feat"])
        table = model["ptc"].astype(np.float32)
        priors, languages = model["pc"].tolist(), model["classes"].tolist()
    kept = most_telling(table, NUM_KEPT)
    table = table[kept]
    table -= (table.max(1, keepdims=True) + table.min(1, keepdims=True)) / 2  # a softmax does not see it
    step = float(np.abs(table).max() / 127)
    keys = np.array([int.from_bytes(texts[index], "big") for index in kept], np.uint64)
    shifts, slots = perfect_hash(keys)
    all_keys, weights = np.zeros(NUM_SLOTS, np.uint64), np.zeros((NUM_SLOTS, table.shape[1]), np.int8)
    all_keys[slots], weights[slots] = keys, np.round(table / step).astype(np.int8)
    for name, array in (("keys", all_keys), ("shifts", shifts), ("weights", weights)):
        np.save(FOLDER / f"{name}.npy", array)
    record = {
        "source": f"py3langid {metadata.version('py3langid')}",
        "step": step,
        "languages": languages,
        "priors": [round(prior, 4) for prior in priors],
    }
    (FOLDER / "languages.json").write_text(json.dumps(record) + "\n")
    licence = next(file for file in metadata.files("py3langid") or [] if file.name == "LICENSE")
    Path(FOLDER / "LICENSE").write_text(licence.read_text())


if __name__ == "__main__":
    main()
