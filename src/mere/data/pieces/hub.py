"""A pretrained encoder's files: where they lie, its configuration, its tokenizer. Nothing is downloaded.

A checkpoint is a folder in Hugging Face's format: config.json, tokenizer.json, model.safetensors. It is given by
its path, or by a hub name that `hf download` has fetched into the cache (HF_HOME).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere import hub
from mere.config import OWN_ENCODERS
from mere.errors import ModelError
from mere.hub import INSTALL

NEEDS = "Its vocabulary may need: pip install sentencepiece protobuf"


@dataclass(frozen=True)
class Specials:
    """Subwords with a meaning of their own, by id.

    Args:
        before: those that begin every sequence ([CLS]). after: those that end it ([SEP]).
        unknown: stands for what the vocabulary cannot spell. hidden: stands for what is not shown ([MASK]).
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int
    hidden: int


def find(name: str) -> Path:
    """Return the folder of a checkpoint, by its path or by its hub name in the cache.

    Raises:
        ModelError: it is neither; the message has the command that fetches it.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(
                f"{folder}: no config.json here, so this is no checkpoint in Hugging Face's format."
            )
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"{name}: there is no such folder. Give a checkpoint's folder, or its hub name.")
    library = hub.library(name)
    try:
        cached = library.try_to_load_from_cache(name, "config.json")
    except library.errors.HFValidationError:
        raise ModelError(f"{name}: neither a folder nor a hub name (org/name).") from None
    if not isinstance(cached, str):
        raise ModelError(
            f"{name}: neither a folder, nor in the Hugging Face cache, nor one of {', '.join(OWN_ENCODERS)}. "
            f"Fetch it: {fetch(name)}"
        )
    return Path(cached).parent


def fetch(name: str) -> str:
    """Return the command that fetches a checkpoint: its JSON, its weights without pickles, its vocabulary."""
    return hub.command(name, ("*.json", "*.safetensors", "*.model", "*.txt"))


def read_config(folder: Path) -> dict[str, Any]:
    """Read a checkpoint's config.json."""
    return _read_json(folder / "config.json")


def read_tokenizer(folder: Path) -> tuple[str, Specials]:
    """Return a checkpoint's fast tokenizer as tokenizer.json has it, and its special subwords.

    A checkpoint that has only a slow one's files is converted by transformers.

    Raises:
        ModelError: it cannot be read or converted; the message says what to install.
    """
    file = folder / "tokenizer.json"
    stored = file.read_text(encoding="utf-8") if file.is_file() else _converted(folder)
    tokenizer = load_tokenizer(stored, str(file))
    probe = "a"
    alone = tokenizer.encode(probe, add_special_tokens=False).ids
    whole = tokenizer.encode(probe).ids
    first = next(i for i in range(len(whole)) if whole[i : i + len(alone)] == alone)
    named = _named(folder)
    model = json.loads(stored)["model"]
    unknown = model.get("unk_id")
    if unknown is None:
        unknown = _first_id(tokenizer, model.get("unk_token"), named.get("unk_token"), "[UNK]", "<unk>")
    hidden = _first_id(tokenizer, named.get("mask_token"), "[MASK]", "<mask>")
    fill = next((id for id in (unknown, hidden, *whole) if id is not None), 0)
    return stored, Specials(
        before=tuple(whole[:first]),
        after=tuple(whole[first + len(alone) :]),
        unknown=fill if unknown is None else unknown,
        hidden=fill if hidden is None else hidden,
    )


def load_tokenizer(stored: str, where: str) -> Any:
    """Return the tokenizer that `stored` describes; it cuts nothing off and takes "[CLS]" in a text as text.

    Raises:
        ModelError: the package tokenizers is missing, or does not understand it.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ModelError(f"{where}: needs the package tokenizers. Run: {INSTALL}") from None
    try:
        tokenizer = Tokenizer.from_str(stored)
    except Exception as error:  # the library raises no narrower class
        raise ModelError(
            f"{where}: not a tokenizer that this version of tokenizers reads ({error})."
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _converted(folder: Path) -> str:
    if not any(file for kind in ("*.model", "vocab.*") for file in folder.glob(kind)):
        raise ModelError(
            f"{folder}: has neither tokenizer.json nor a vocabulary. Fetch the checkpoint again."
        )
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise ModelError(f"{folder}: has no tokenizer.json; to make one, run: {INSTALL}") from None
    try:
        fast = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        stored = str(fast.backend_tokenizer.to_str())
    except (ImportError, OSError, ValueError, AttributeError, TypeError) as error:
        said = str(error).strip().splitlines()
        raise ModelError(
            f"{folder}: has no tokenizer.json, and transformers cannot make one ({said[0] if said else error!r}). "
            + NEEDS
        ) from None
    size, rows = fast.backend_tokenizer.get_vocab_size(), read_config(folder).get("vocab_size", 0)
    if 2 * size < rows:  # what transformers makes where it finds no vocabulary that it can read
        raise ModelError(f"{folder}: has no tokenizer.json, and its vocabulary could not be read. {NEEDS}")
    return stored


def _named(folder: Path) -> dict[str, str]:
    """Return the special subwords that the checkpoint's files name, such as {"mask_token": "<mask>"}."""
    named: dict[str, str] = {}
    for file in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / file).is_file():
            for key, value in _read_json(folder / file).items():
                content = value.get("content") if isinstance(value, dict) else value
                if key.endswith("_token") and isinstance(content, str):
                    named[key] = content
    return named


def _first_id(tokenizer: Any, *names: str | None) -> int | None:
    ids = (tokenizer.token_to_id(name) for name in names if name is not None)
    return next((id for id in ids if id is not None), None)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not readable as JSON ({error}). Fetch the checkpoint again.") from None
    if not isinstance(record, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(record).__name__}.")
    return record
