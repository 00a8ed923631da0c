"""LoRA in the folder format of the library peft, read and written without it.

adapter_config.json          rank r, alpha, which modules, the base model; one flat object
adapter_model.safetensors    base_model.model.MODULE.lora_A.weight (r x inputs), ….lora_B.weight (outputs x r)

peft computes W x + s B A x with s = alpha / r, or alpha / sqrt(r) if use_rslora. Here s is 1: what is written has
alpha = r, and what is read has its s multiplied into B. Modules are named as in the model that transformers loads.
Format: https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mere.errors import ModelError
from mere.store.files import read_json
from mere.store.folder import read_tensors, save_tensors, write_json

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_FACTOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<factor>[AB])\.weight")
_HARMLESS = {
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "exclude_modules", "inference_mode", "layers_pattern",
    "layers_to_transform", "lora_alpha", "lora_dropout", "megatron_core", "modules_to_save", "peft_type",
    "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules",
    "task_type", "use_rslora",
}  # fmt: skip
"""Settings that are read below, or that say how the adapter was made and not what it computes."""
_INITS = (True, False, "gaussian", "eva")
"""Starts of training that leave the base model's weights as they are."""

Change = tuple[Tensor, Tensor]
"""B (outputs x rank) and A (rank x inputs) of one module."""


@dataclass(frozen=True)
class Adapter:
    """What a folder holds.

    Args:
        changes: by module, to be added as B A.
        base: name or folder of the model that it was made for; "" where the folder does not tell.
        others: weights beside LoRA, such as those of a head, by their names.
    """

    path: Path
    changes: Mapping[str, Change]
    base: str
    others: tuple[str, ...]


def write_adapter(folder: Path, changes: Mapping[str, Change], *, rank: int, base: str) -> None:
    """Write LoRA of one rank for peft; the configuration comes last, so a folder that has it is whole.

    Raises:
        TrainingError: the disk is full or not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for module, (up, down) in changes.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = down
        tensors[f"base_model.model.{module}.lora_B.weight"] = up
    save_tensors(folder / WEIGHTS, tensors, {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "target_modules": sorted(changes),
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        "inference_mode": True,
    }
    write_json(folder / CONFIG, config)


def read_adapter(folder: Path) -> Adapter:
    """Read LoRA that peft has written.

    Raises:
        ModelError: a file is missing or cut short, or the adapter is not plain LoRA.
    """
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder}: no {CONFIG} here, so this is no adapter in peft's format.")
    config = read_json(folder / CONFIG)
    _refuse_other_kinds(folder, config)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder / WEIGHTS}: this file is missing; pickles (adapter_model.bin) are not read. Save it again with "
            "peft: model.save_pretrained(FOLDER)."
        )
    factors: dict[str, dict[str, Tensor]] = {}
    others = []
    for name, tensor in read_tensors(folder / WEIGHTS).items():
        match = _FACTOR.fullmatch(name)
        if match is None and ".lora_" in name:
            raise ModelError(
                f"{folder / WEIGHTS}: {name} is not LoRA of a linear layer, which is all that is read."
            )
        if match is None:
            others.append(name)
        else:
            factors.setdefault(match["module"], {})[match["factor"]] = tensor.float()
    if not factors:
        raise ModelError(f"{folder / WEIGHTS}: holds no LoRA of a linear layer.")
    changes = {}
    for module, pair in factors.items():
        if pair.keys() != {"A", "B"} or pair["A"].ndim != 2 or pair["A"].shape[0] != pair["B"].shape[-1]:
            shapes = {f"lora_{key}": list(tensor.shape) for key, tensor in pair.items()}
            raise ModelError(
                f"{folder / WEIGHTS}: {module} has {shapes}, which are no factors of one matrix."
            )
        changes[module] = (pair["B"] * _scale(config, module, rank=len(pair["A"])), pair["A"])
    return Adapter(folder, changes, str(config.get("base_model_name_or_path") or ""), tuple(sorted(others)))


def _refuse_other_kinds(folder: Path, config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise ModelError(
            f"{folder / CONFIG}: peft_type is {config.get('peft_type')!r}; of peft's adapters LORA is read."
        )
    if not isinstance(config.get("lora_alpha"), int | float) or not isinstance(config.get("r"), int):
        raise ModelError(
            f"{folder / CONFIG}: r and lora_alpha must be numbers. Save the adapter again with peft."
        )
    allowed = {"bias": ("none",), "init_lora_weights": _INITS}
    unread = [
        f"{key}={value!r}"
        for key, value in sorted(config.items())
        if key not in _HARMLESS and (value not in allowed[key] if key in allowed else value)
    ]
    if unread:
        raise ModelError(
            f"{folder / CONFIG}: more than plain LoRA, which is all that is read ({', '.join(unread)}). Merge it with "
            "peft (merge_and_unload) and train on the merged encoder, or train plain LoRA."
        )


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """Return s of a module; `alpha_pattern` has regular expressions for ends of names."""
    alpha = config["lora_alpha"]
    for pattern, own in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = own
            break
    return float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))
