"""A pretrained encoder of any family in Hugging Face's format, read through transformers (box "Encoder").

    S -> subwords of a sentence in order, special ones left out      W -> windows of at most `size` subwords

What differs between families is in mere.nn.encoders.family. Weights come from safetensors, never from pickles or
from a checkpoint's own code. A model folder needs no checkpoint: its encoder is built from the configuration in it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.config import PretrainedSettings, Settings
from mere.data.pieces.hub import fetch, find
from mere.data.pieces.pretrained import Checkpoint, Subwords
from mere.data.windows import subword_windows
from mere.errors import ConfigError, ModelError
from mere.nn.encoders.base import Encoder
from mere.nn.encoders.family import auto, build, encoder_of, position_layers, positions, quiet
from mere.nn.routing import recomputation_contexts, rows_of

_LAST = ("norm", "final_norm", "final_layer_norm")
"""What families call the norm above their last layer."""


class PretrainedEncoder(Encoder):
    """The last hidden states of a pretrained model, one vector per piece; begins random, `start` loads weights.

    A sentence of more subwords than `max_pieces` is read in windows that share a quarter; each subword takes its
    vector from the window in whose middle it is nearer.

    Args:
        checkpoint: configuration and special subwords.
        settings: how words are read, which layers are used and trained, and at what cost of memory.

    Raises:
        ModelError: transformers is missing or does not know the family.
        ConfigError: a setting that the family does not have.
    """

    def __init__(self, checkpoint: Checkpoint, settings: PretrainedSettings):
        super().__init__()
        self.checkpoint = checkpoint
        self.words = "mean" if settings.words == "mean" else "first"
        self.freeze = freeze = settings.freeze
        self.layer_decay = settings.layer_decay
        whole = build(checkpoint, settings.attention, settings.dropout, settings.layers)
        self.backbone = encoder_of(whole)
        self.path = next(name for name, module in whole.named_modules() if module is self.backbone)
        config = self.backbone.config
        self.dim = int(config.hidden_size)
        self.pad = config.pad_token_id if isinstance(config.pad_token_id, int) else 0
        self.num_layers = int(config.num_hidden_layers)
        self._layers = {
            name
            for name, module in self.backbone.named_modules()
            if isinstance(module, nn.ModuleList) and len(module) == self.num_layers
        }
        self.size = self._window(settings.max_pieces)
        if not self._layers and (freeze is not None or self.layer_decay < 1):
            raise ConfigError(
                f"encoder: {checkpoint.name} has no layers of their own: leave freeze and layer_decay."
            )
        if freeze is not None and freeze > self.num_layers:
            raise ConfigError(
                f"encoder.freeze: {checkpoint.name} has {self.num_layers} layers, found {freeze}."
            )
        if settings.gradient_checkpointing:
            enable = getattr(
                self.backbone, "activation_checkpointing_enable", self.backbone.gradient_checkpointing_enable
            )  # transformers renamed it in the course of version 5
            try:
                enable({"use_reentrant": False, "context_fn": recomputation_contexts})
            except ValueError as error:
                raise ConfigError(f"encoder.gradient_checkpointing: {error}") from None

    @classmethod
    def of(cls, settings: Settings, pieces: object) -> Encoder:
        if not isinstance(pieces, Subwords):
            raise TypeError("a pretrained encoder is built from its pieces: build(recipe, labels, pieces)")
        assert isinstance(settings, PretrainedSettings)
        return cls(pieces.checkpoint, settings)

    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        is_subword = (pieces > 0).flatten(1)  # (B, P * F)
        place = is_subword.cumsum(1) - 1  # of each subword in its sentence
        count = is_subword.sum(1)  # (B,)
        row, column = is_subword.nonzero(as_tuple=True)
        ids = pieces.new_full((len(pieces), int(count.max())), self.pad)
        ids[row, place[row, column]] = pieces.flatten(1)[row, column] - 1  # (B, S)
        subwords = self._read(ids, count)  # (B, S, D)
        per_piece = (pieces > 0).sum(-1)  # (B, P)
        if self.words == "first":
            first = (per_piece.cumsum(1) - per_piece).clamp(max=ids.shape[1] - 1)
            return subwords.gather(1, first.unsqueeze(-1).expand(-1, -1, self.dim))
        piece = row * is_piece.shape[1] + column // pieces.shape[2]
        total = subwords.new_zeros(is_piece.numel(), self.dim)
        total = total.index_add(0, piece, subwords[row, place[row, column]])
        return total.view(*is_piece.shape, self.dim) / per_piece.clamp(min=1).unsqueeze(-1)

    def _read(self, ids: Int[Tensor, "B S"], count: Int[Tensor, " B"]) -> Float[Tensor, "B S D"]:
        """Return the hidden state of each subword, each sentence between its special subwords."""
        before, after = self.checkpoint.specials.before, self.checkpoint.specials.after
        size = min(self.size, ids.shape[1])
        rows, firsts, taken = subword_windows(count.tolist(), size)
        source = torch.tensor(rows, device=ids.device)  # (W,)
        first = torch.tensor(firsts, device=ids.device)
        length = (count[source] - first).clamp(max=size)
        offset = torch.arange(size, device=ids.device)
        window = ids[source.unsqueeze(1), (first.unsqueeze(1) + offset).clamp(max=ids.shape[1] - 1)]
        window = torch.where(offset < length.unsqueeze(1), window, self.pad)  # (W, size)
        opening = window.new_tensor(before).expand(len(rows), -1)
        closing = window.new_tensor(after).expand(len(rows), -1)
        given = torch.cat([opening, window, torch.full_like(closing, self.pad)], 1)
        begin = len(before) + length.unsqueeze(1)
        given = given.scatter(1, begin + torch.arange(len(after), device=ids.device), closing)
        is_given = torch.arange(given.shape[1], device=ids.device) < begin + len(after)
        with rows_of(source):
            states = self.states(given, is_given)
        states = states[:, len(before) : len(before) + size].flatten(0, 1)  # (W * size, D)
        return states[torch.from_numpy(taken).to(ids.device)]

    def states(self, ids: Int[Tensor, "W S"], is_given: Bool[Tensor, "W S"]) -> Float[Tensor, "W S D"]:
        """Return the backbone's last hidden states of windows of subwords, special ones included."""
        return self.backbone(input_ids=ids.long(), attention_mask=is_given.long()).last_hidden_state

    def layers(self) -> dict[str, nn.Module]:
        lists = [n for n in self._layers if not any(n.startswith(f"{other}.") for other in self._layers)]
        if len(lists) != 1:
            return {}
        (name,) = lists
        layers = self.backbone.get_submodule(name)
        return {f"backbone.{name}.{index}": layer for index, layer in enumerate(layers)}

    @property
    def table(self) -> nn.Embedding:
        """The embedding table of the subwords."""
        table = self.backbone.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        return table

    def read_by_all(self) -> set[str]:
        return {f"backbone.{name}" for name in position_layers(self.backbone)}

    def lr_scale(self, name: str, freeze: int | None = None) -> float:
        """Layer-wise decay (ELECTRA, Clark et al. 2020, appendix A): the last layer has one step of it."""
        freeze = self.freeze if freeze is None else freeze
        if freeze is not None and freeze > self.num_layers:
            raise ConfigError(f"freeze: {self.checkpoint.name} has {self.num_layers} layers, found {freeze}.")
        depth = self._depth(name)
        if freeze is not None and depth <= freeze:
            return 0.0
        return self.layer_decay ** (self.num_layers + 1 - depth)

    def _depth(self, name: str) -> int:
        """Return 0 for embeddings and what all layers share, i for the i-th layer, one more for the norm above."""
        parts = name.removeprefix("backbone.").split(".")
        for place, part in enumerate(parts):
            if part.isdigit() and ".".join(parts[:place]) in self._layers:
                return 1 + int(part)
        return self.num_layers + 1 if parts[0] in _LAST else 0

    @torch.no_grad()
    def start(self) -> None:
        """Load the pretrained weights, of the subwords that were kept.

        Raises:
            ModelError: the checkpoint has gone, has no safetensors, or misses weights of the encoder.
        """
        folder = find(self.checkpoint.name)
        try:
            with quiet():
                loaded, report = auto(self.backbone.config).from_pretrained(
                    str(folder),
                    dtype=torch.float32,
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(
                f"{folder}: no weights that can be read ({str(error).splitlines()[0]}). They must be in safetensors; "
                f"pickles are not read. Fetch them: {fetch(self.checkpoint.name)}"
            ) from None
        missing = [name for name in report["missing_keys"] if "pooler" not in name]
        if missing:
            raise ModelError(
                f"{folder}: {len(missing)} weights of the encoder are missing, first {min(missing)}. "
                "This is no checkpoint of the whole encoder: fetch another."
            )
        known = self.backbone.state_dict().keys()
        weights = {  # without the layers above those that are used
            name: tensor
            for name, tensor in encoder_of(loaded).state_dict().items()
            if name in known or not self._is_unused_layer(name)
        }
        if self.checkpoint.kept is not None:
            table = self.table.weight
            name = next(n for n, parameter in self.backbone.named_parameters() if parameter is table)
            weights[name] = weights[name][torch.from_numpy(self.checkpoint.kept)]
        self.backbone.load_state_dict(weights, strict=True)

    def _is_unused_layer(self, name: str) -> bool:
        return any(
            (place := name.removeprefix(f"{layers}.").partition(".")[0]).isdigit()
            and int(place) >= self.num_layers
            for layers in self._layers
            if name.startswith(f"{layers}.")
        )

    def save(self, folder: Path) -> None:
        """Write the encoder as a checkpoint that transformers loads, without its tokenizer."""
        whole = build(self.checkpoint, "sdpa", None, self.num_layers)
        encoder_of(whole).load_state_dict(self.backbone.state_dict())
        with quiet():
            whole.save_pretrained(folder)

    def _window(self, max_pieces: int) -> int:
        """Return how many subwords are read at a time, besides the special ones."""
        specials = self.checkpoint.specials
        places = positions(self.backbone)
        if max_pieces > places:
            raise ConfigError(
                f"encoder.max_pieces: {self.checkpoint.name} has {places} positions, found {max_pieces}."
            )
        size = (max_pieces or places) - len(specials.before) - len(specials.after)
        if size < 1:
            raise ConfigError(
                f"encoder.max_pieces: {max_pieces} leaves no place beside the special subwords."
            )
        return size
