"""One language's LoRA out of a model's switcher, under the names that peft uses.

site      a linear layer by its name in our encoder, "backbone.encoder.layer.0.attention.self.query"
module    the same by its name in the model that transformers loads, "encoder.layer.0.attention.self.query"
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mere.data.pieces import Pieces
from mere.errors import ModelError
from mere.files import write_whole
from mere.languages.export import load_language
from mere.languages.peft import Change, write_adapter
from mere.models.model import Model
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.store.files import new_folder
from mere.store.folder import ModelFolder

_BACKBONE = "backbone."


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


def modules_of(encoder: PretrainedEncoder, changes: Mapping[str, Change]) -> dict[str, Change]:
    """Return changes by site as changes by module."""
    prefix = f"{encoder.path}." if encoder.path else ""
    return {prefix + site.removeprefix(_BACKBONE): change for site, change in changes.items()}


def is_untrained(encoder: PretrainedEncoder) -> bool:
    """Return whether the encoder has the weights of its checkpoint still, and the checkpoint is here to tell."""
    fresh = copy.deepcopy(encoder)
    try:
        fresh.start()
    except ModelError:
        return False
    state: dict[str, Tensor] = fresh.state_dict()
    return all(torch.equal(tensor, state[name]) for name, tensor in encoder.state_dict().items())


def save_base(encoder: PretrainedEncoder, pieces: Pieces, folder: Path) -> None:
    """Write the encoder that all languages share, with its tokenizer, as a checkpoint that transformers loads."""
    encoder.save(folder)
    write_whole(folder / "tokenizer.json", pieces.files()["tokenizer.json"])


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
            save_base(encoder, stored.pieces, part / "base")
            base = str(out / "base")
        changes = {site: (up.detach(), down.detach()) for site, (up, down) in switcher.changes(lang).items()}
        write_adapter(part, modules_of(encoder, changes), rank=switcher.size, base=base)
    return base
