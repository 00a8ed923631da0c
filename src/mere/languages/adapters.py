"""One language's LoRA out of a model's switcher, in the folder format of the library peft, written without it.

adapter_config.json          rank r, alpha, which modules, the base model; one flat object
adapter_model.safetensors    base_model.model.MODULE.lora_A.weight (r x inputs), ….lora_B.weight (outputs x r)

peft computes W x + s B A x with s = alpha / r. Here s is 1: alpha = r.
Format: https://huggingface.co/docs/peft/developer_guides/checkpoint

site      a linear layer by its name in our encoder, "backbone.encoder.layer.0.attention.self.query"
module    the same by its name in the model that transformers loads, "encoder.layer.0.attention.self.query"
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mere.errors import ModelError
from mere.files import write_whole
from mere.languages.export import load_language
from mere.models.model import Model
from mere.models.weights import write_tensors
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.store.files import new_folder, write_json
from mere.store.folder import ModelFolder

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

Change = tuple[Tensor, Tensor]
"""B (outputs x rank) and A (rank x inputs) of one module."""


def lora_of(model: Model, where: str) -> tuple[PretrainedEncoder, LoraSwitcher]:
    """Return the encoder and the switcher of a model whose languages are LoRA of a pretrained encoder.

    Raises:
        ModelError: it is another model; `where` is it, for the message.
    """
    if not isinstance(model.encoder, PretrainedEncoder):
        raise ModelError(f"{where}: peft works on models of transformers, and this encoder is none.")
    if not isinstance(model.switcher, LoraSwitcher):
        raise ModelError(
            f"{where}: its languages are not LoRA in the encoder, so peft's format cannot hold them. "
            "Train with switcher.kind=lora."
        )
    return model.encoder, model.switcher


def is_untrained(encoder: PretrainedEncoder) -> bool:
    """Return whether the encoder has the weights of its checkpoint still, and the checkpoint is here to tell."""
    fresh = copy.deepcopy(encoder)
    try:
        fresh.start()
    except ModelError:
        return False
    state: dict[str, Tensor] = fresh.state_dict()
    return all(torch.equal(tensor, state[name]) for name, tensor in encoder.state_dict().items())


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


def export_adapter(model: str | Path, lang: str, out: str | Path) -> str:
    """Write a language's LoRA as peft loads it, and return the model that it belongs to: its name or folder.

    That is the checkpoint if the encoder's shared weights are its still; else they are written too, to OUT/base.

    Args:
        model: a model folder; it stays as it is. out: the new folder; it must not exist.

    Raises:
        UserError: the model does not know the language, or `out` is there.
        ModelError: the model is wrong, or its languages are not LoRA of a pretrained encoder.
    """
    stored, out = ModelFolder.read(model), Path(out)
    with new_folder(out) as part:
        encoder, switcher = lora_of(load_language(stored, lang), str(stored.path))
        base = encoder.checkpoint.name
        if not is_untrained(encoder):
            encoder.save(part / "base")
            write_whole(part / "base" / "tokenizer.json", stored.pieces.files()["tokenizer.json"])
            base = str(out / "base")
        prefix = f"{encoder.path}." if encoder.path else ""
        changes = {
            prefix + site.removeprefix("backbone."): (up.detach(), down.detach())
            for site, (up, down) in switcher.changes(lang).items()
        }
        write_adapter(part, changes, rank=switcher.size, base=base)
    return base
