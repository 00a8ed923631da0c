"""A tokenizer with a smaller vocabulary that cuts the training texts into the very same subwords.

Most of a multilingual encoder is the table of its subwords (XLM-R base: 192 of 278 million numbers), and most of
those are of other languages. What is kept still spells every word of the scripts that the texts are written in: a
word of which a subword is gone is cut into smaller ones.

    Unigram     the best path through kept subwords stays the best (the least score, which sets the price of an
                unknown character, is kept too)
    BPE         a subword is kept with all it is merged from; no merge that the texts need is missing
    WordPiece   the longest match of the texts is kept, and nothing longer is new
"""

from __future__ import annotations

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.data.units import script_of
from mere.errors import ConfigError
from mere.types import Sentence

_LEAST_SHARE = 0.01
_KINDS = ("Unigram", "BPE", "WordPiece")


def scripts_of(sentences: Iterable[Sentence]) -> frozenset[str]:
    """Return the scripts that at least a hundredth of the words of a language of the texts are written in."""
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        words[sentence.lang].update(script_of(word) for word in sentence.text.split())
    return frozenset(
        script
        for counts in words.values()
        for script, count in counts.items()
        if count >= _LEAST_SHARE * counts.total()
    )


def trim(
    tokenizer: dict[str, Any], *, used: Set[int], scripts: Set[str] | None, written_in: Set[str]
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Return a tokenizer (as tokenizer.json has it) with part of the vocabulary, and the old id of each new one.

    Args:
        used: ids that are kept in any case: those of the texts.
        scripts: scripts whose subwords are all kept; None keeps no others.
        written_in: scripts whose single characters are kept.

    Raises:
        ConfigError: the tokenizer is of another kind than Unigram, BPE and WordPiece.
    """
    model = tokenizer["model"]
    if model.get("type") not in _KINDS:
        raise ConfigError(
            f"encoder.trim: a vocabulary of type {model.get('type')} cannot be trimmed, only {', '.join(_KINDS)}. "
            "Set encoder.trim=none."
        )
    ids = _vocabulary(model)
    byte_level = "ByteLevel" in json.dumps(tokenizer["pre_tokenizer"])
    surface = _surfaces(model, ids, byte_level)
    added = {token["id"] for token in tokenizer["added_tokens"]}
    kept = set(used) | added
    for token, id in ids.items():
        shown = surface[token]
        script = script_of(shown)
        is_single = len(shown) <= 1 and (shown.isascii() or script in {*written_in, "Common"})
        is_byte = token.startswith("<0x") or (byte_level and len(token) == 1)
        if is_single or is_byte or (scripts is not None and script in {*scripts, "Common"}):
            kept.add(id)
    if model["type"] == "Unigram":
        kept.add(min(range(len(model["vocab"])), key=lambda id: model["vocab"][id][1]))
        kept |= {model["unk_id"]} - {None}
    else:
        kept |= {ids[token] for token in (model.get("unk_token"),) if token in ids}
    if model["type"] == "BPE":
        _close(kept, ids, _merges(model))
    order = np.array(sorted(kept), dtype=np.int64)
    return _renumbered(tokenizer, order), order


def _vocabulary(model: dict[str, Any]) -> dict[str, int]:
    if model["type"] == "Unigram":
        return {token: id for id, (token, _) in enumerate(model["vocab"])}
    return dict(model["vocab"])


def _surfaces(model: dict[str, Any], tokens: Iterable[str], byte_level: bool) -> dict[str, str]:
    """Return what each subword looks like in a text, without the marks of word borders."""
    if byte_level:
        from tokenizers.decoders import ByteLevel

        decoder = ByteLevel()
        return {token: decoder.decode([token]).lstrip(" ") for token in tokens}
    prefix = model.get("continuing_subword_prefix") or ""
    return {token: token.removeprefix(prefix).lstrip("▁") for token in tokens}


def _merges(model: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the merges of a BPE model: left part, right part, what they become."""
    prefix = model.get("continuing_subword_prefix") or ""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    return [(left, right, left + right.removeprefix(prefix)) for left, right in pairs]


def _close(kept: set[int], ids: dict[str, int], merges: list[tuple[str, str, str]]) -> None:
    """Add to `kept` whatever its subwords are merged from."""
    parts: dict[int, list[int]] = defaultdict(list)
    for left, right, merged in merges:
        parts[ids[merged]] += [ids[left], ids[right]]
    waiting = list(kept)
    while waiting:
        new = [part for part in parts[waiting.pop()] if part not in kept]
        kept.update(new)
        waiting += new


def _renumbered(tokenizer: dict[str, Any], order: NDArray[np.int64]) -> dict[str, Any]:
    """Return the tokenizer with the subwords of `order` alone, numbered by their places in it."""
    new = {int(old): place for place, old in enumerate(order)}
    trimmed = copy.deepcopy({key: value for key, value in tokenizer.items() if key != "model"})
    model = dict(tokenizer["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [entry for id, entry in enumerate(model["vocab"]) if id in new]
        model["unk_id"] = new[model["unk_id"]] if model["unk_id"] is not None else None
    else:
        model["vocab"] = {token: new[id] for token, id in model["vocab"].items() if id in new}
    if model["type"] == "BPE":
        vocab = model["vocab"]
        model["merges"] = [
            [left, right]
            for left, right, merged in _merges(model)
            if left in vocab and right in vocab and merged in vocab
        ]
    trimmed["model"] = model
    trimmed["added_tokens"] = [{**token, "id": new[token["id"]]} for token in tokenizer["added_tokens"]]
    trimmed["post_processor"] = None  # special subwords are the encoder's affair
    return trimmed
