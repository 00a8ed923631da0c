"""LoRA in the folder format of the library peft, written without it.

adapter_config.json          rank r, alpha, which modules, the base model; one flat object
adapter_model.safetensors    base_model.model.MODULE.lora_A.weight (r x inputs), ….lora_B.weight (outputs x r)

peft computes W x + s B A x with s = alpha / r. Here s is 1: alpha = r. Modules are named as in the model that
transformers loads.
Format: https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from mere.models.weights import write_tensors
from mere.store.files import write_json

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

Change = tuple[Tensor, Tensor]
"""B (outputs x rank) and A (rank x inputs) of one module."""


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
    write_tensors(folder / WEIGHTS, tensors, {"format": "pt"})
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
