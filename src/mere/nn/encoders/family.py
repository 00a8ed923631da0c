"""What differs between the families of encoders in transformers: how each is built, named and measured.

With mere.nn.encoders.pretrained this is the only room that knows transformers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from mere.data.pieces.pretrained import Checkpoint
from mere.errors import ConfigError, ModelError
from mere.hub import INSTALL


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and from listing the heads that it leaves out."""
    import transformers

    logging: Any = transformers.utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


@contextmanager
def written_out(backbone: Any) -> Iterator[None]:
    """Let attention be plain matrix products for as long as a graph is traced: it is then known as attention."""
    before = backbone.config._attn_implementation
    try:
        backbone.set_attn_implementation("eager")
    except (ValueError, AttributeError):  # a family that has its own way alone
        yield
        return
    try:
        yield
    finally:
        backbone.set_attn_implementation(before)


def build(checkpoint: Checkpoint, attention: str, dropout: float | None, layers: int) -> Any:
    """Return what transformers builds by a checkpoint's configuration, randomly initialised.

    Args:
        layers: how many of its layers, from the lowest; 0: all.

    Raises:
        ModelError: transformers is missing, or does not know the family.
        ConfigError: the checkpoint has fewer layers.
    """
    try:
        from transformers import CONFIG_MAPPING
    except ImportError:
        raise ModelError(f"{checkpoint.name}: needs the package transformers. Run: {INSTALL}") from None
    settings = copy.deepcopy(checkpoint.config)
    family = settings.pop("model_type", None)
    if family not in CONFIG_MAPPING:
        raise ModelError(
            f"{checkpoint.name}: transformers has no family {family!r} of its own, and code that comes with a "
            "checkpoint is not run. Take another encoder, or a newer transformers."
        )
    if dropout is not None:
        settings |= {
            key: dropout
            for key, value in settings.items()
            if re.search(r"dropout", key) and isinstance(value, float)
        }
    config = CONFIG_MAPPING[family].from_dict(settings)
    if layers:
        if layers > config.num_hidden_layers:
            raise ConfigError(
                f"encoder.layers: {checkpoint.name} has {config.num_hidden_layers} layers, found {layers}."
            )
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:layers]
    given = {} if attention == "sdpa" else {"attn_implementation": attention}  # sdpa is what families prefer
    try:
        return auto(config).from_config(config, dtype=torch.float32, **given)
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{checkpoint.name}: not an encoder that transformers can build ({error})."
        ) from None


def auto(config: Any) -> Any:
    """Return transformers' class that builds the encoder alone of what has a decoder too (T5)."""
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, AutoModel, AutoModelForTextEncoding

    return AutoModelForTextEncoding if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING else AutoModel


def encoder_of(model: Any) -> Any:
    """Return the module whose last hidden states are wanted, without a pooler above them."""
    if type(model).__name__.endswith("EncoderModel"):  # T5: the table is tied to one beside the encoder
        return model.encoder
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def positions(backbone: Any) -> int:
    """Return how many subwords, special ones included, the backbone reads at a time."""
    for name, module in backbone.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1  # RoBERTa counts from there
            return module.num_embeddings - unused
    config = backbone.config
    return int(
        getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 512
    )


def position_layers(backbone: Any) -> list[str]:
    """Return the linear layers that read relative positions, one row for all sentences: DeBERTa's attention."""
    config = backbone.config
    if not getattr(config, "relative_attention", False):
        return []
    shared = ("query_proj", "key_proj") if getattr(config, "share_att_key", False) else ()
    positional = ("pos_query_proj", "pos_key_proj", "pos_q_proj", "pos_proj")
    return [name for name, _ in backbone.named_modules() if name.rpartition(".")[2] in (*positional, *shared)]
