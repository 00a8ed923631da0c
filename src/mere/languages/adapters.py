"""LoRA between a model's switcher and peft's names: one language out, or one in.

site      a linear layer by its name in our encoder, "backbone.encoder.layer.0.attention.self.query"
module    the same by its name in the model that transformers loads, "encoder.layer.0.attention.self.query"
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mere.data.pieces import Pieces
from mere.errors import ModelError
from mere.languages.export import load_language
from mere.languages.peft import Adapter, Change, write_adapter
from mere.models.model import Model
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.store.files import new_folder
from mere.store.folder import ModelFolder, write_atomically

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


def sites_of(
    encoder: PretrainedEncoder, switcher: LoraSwitcher, adapter: Adapter
) -> tuple[dict[str, Change], list[str]]:
    """Return an adapter's changes by site, filled up with zeros to the switcher's rank, and what was left out.

    In a model with a head the encoder's modules have a prefix ("roberta.encoder.layer.0…"). What lies outside the
    encoder (a pooler, a head, a decoder) is left out.

    Raises:
        ModelError: it changes what the switcher does not, or was made for an encoder of another shape.
    """
    prefix = _prefix(encoder, adapter)
    inner = {name.partition(".")[0] for name, _ in encoder.backbone.named_parameters()}
    changes = {
        site: (torch.zeros(outputs, switcher.size), torch.zeros(switcher.size, inputs))
        for site, (outputs, inputs) in switcher.sites.items()
    }
    left = list(adapter.others)
    for module, change in adapter.changes.items():
        name = module.removeprefix(prefix)
        if not module.startswith(prefix) or name.partition(".")[0] not in inner:
            left.append(module)
        elif _BACKBONE + name in switcher.sites:
            changes[_BACKBONE + name] = _fitted(change, switcher, _BACKBONE + name, adapter)
        else:
            raise ModelError(
                f"{adapter.path}: changes {module}, which is not among what this model's languages change. "
                "Train the model with that module in switcher.modules, or the adapter without it."
            )
    return changes, left


def _prefix(encoder: PretrainedEncoder, adapter: Adapter) -> str:
    """Return what stands before the encoder's own names in those of the adapter's modules."""
    names = [name for name, module in encoder.backbone.named_modules() if isinstance(module, nn.Linear)]
    found = set()
    for module in adapter.changes:
        parts = module.split(".")
        for first in range(len(parts)):
            if ".".join(parts[first:]) in names:
                found.add("".join(f"{part}." for part in parts[:first]))
                break
    if encoder.path:  # T5's decoder has the same names inside
        found = {prefix for prefix in found if f".{prefix}".endswith(f".{encoder.path}.")}
    if len(found) != 1:
        raise ModelError(
            f"{adapter.path}: its modules ({', '.join(list(adapter.changes)[:2])} …) are not those of this model's "
            f"encoder ({', '.join(names[:2])} …). It was made for {adapter.base or 'an unknown model'}, the encoder "
            f"is {encoder.checkpoint.name}."
        )
    return found.pop()


def _fitted(change: Change, switcher: LoraSwitcher, site: str, adapter: Adapter) -> Change:
    up, down = change
    if (len(up), down.shape[1]) != switcher.sites[site]:
        raise ModelError(
            f"{adapter.path}: its change of {site.removeprefix(_BACKBONE)} is {len(up)} x {down.shape[1]}, in this "
            f"model's encoder that is {' x '.join(map(str, switcher.sites[site]))}. "
            f"It was made for {adapter.base or 'an unknown model'}."
        )
    if len(down) > switcher.size:
        raise ModelError(
            f"{adapter.path}: has rank {len(down)}, this model's languages have rank {switcher.size}. "
            f"Train the model with switcher.rank={len(down)}, or the adapter with r={switcher.size}."
        )
    more = switcher.size - len(down)
    return nn.functional.pad(up, (0, more)), nn.functional.pad(down, (0, 0, 0, more))


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
    write_atomically(folder / "tokenizer.json", pieces.files()["tokenizer.json"])


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
