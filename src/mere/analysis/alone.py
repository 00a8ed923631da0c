"""Sentences that each stand in a batch of their own, and the heads' gradients for them, many at a time.

The rows of switcher and heads are relations and pairs, a few of each sentence, and a batch weighs them all alike.
So here each sentence has its own targets, and the model's own losses of a batch of one run under vmap over the
sentences that ask for equally many rows. Decoders of entities that vmap does not take run one after the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from mere.analysis.squares import Totals, add_squares
from mere.data.examples import Example
from mere.data.targets import Targets
from mere.models.entities import EntityTask
from mere.models.losses import ItemLosses
from mere.models.model import Model
from mere.models.tensors import EntityTensors, TensorBatch, TensorTargets, TripleTensors, targets_to_tensors
from mere.nn.encoders import Encoder, PretrainedEncoder

PIECES_PER_BATCH = 2048
_MOST_NUMBERS = 1 << 26
"""Per-sentence gradients of switcher and heads that are in memory at a time: 256 MB."""


@dataclass(frozen=True)
class Alone:
    """A sentence and what it teaches in a batch of its own."""

    example: Example
    targets: Targets

    @property
    def shape(self) -> tuple[Any, ...]:
        """What sentences that go through vmap together agree in: all sizes but the number of pieces."""
        parts: list[Any] = []
        for task in (self.targets.triples, self.targets.entities):
            for field in dataclasses.fields(task) if task is not None else ():
                array = getattr(task, field.name)
                parts.append(array.shape[:-1] if field.name == "tags" else array.shape)
                if field.name == "is_known":  # the loss looks at its values
                    parts.append(array.tobytes())
        return tuple(parts)


class Top(nn.Module):
    """The model above the aggregator, under its names: the loss of a sentence from its aggregated pieces."""

    def __init__(self, model: Model):
        super().__init__()
        self.switcher, self.entities, self.triples = model.switcher, model.entities, model.triples
        has_encoder = model.triples is not None and model.triples.classifier is not None
        self.takes_vmap = not has_encoder and (self.entities is None or isinstance(self.entities, EntityTask))

    def forward(
        self, shared: Float[Tensor, "B P D"], batch: TensorBatch, targets: TensorTargets
    ) -> Float[Tensor, ""]:
        pieces = self.switcher(shared, batch.lang_id) if self.switcher is not None else shared
        losses: dict[str, ItemLosses] = {}
        if self.entities is not None and targets.entities is not None:
            losses |= self.entities.losses(pieces, batch, targets.entities)
        if self.triples is not None and targets.triples is not None:
            losses |= self.triples.losses(pieces, batch, targets.triples)
        return (
            torch.stack([items.mean().to(shared) for items in losses.values()]).sum()
            if losses
            else 0 * shared.sum()
        )

    def reached(self, lang_id: int) -> dict[str, Tensor]:
        """Return the parameters that a row of this language may use: of the switchers its own."""
        own = (
            f"switcher.of.{self.switcher.languages[lang_id - 1]}."
            if self.switcher and lang_id
            else "switcher.of. "
        )
        return {
            name: parameter.detach()
            for name, parameter in self.named_parameters()
            if not name.startswith("switcher.") or name.startswith(own)
        }


def is_cut(encoder: Encoder, example: Example) -> bool:
    """Return whether the encoder reads the sentence in several windows, so that a row is not a sentence."""
    return isinstance(encoder, PretrainedEncoder) and int((example.pieces > 0).sum()) > encoder.size


def batches(
    sentences: Sequence[Alone], top: Top, stands_alone: Callable[[Alone], bool]
) -> Iterator[list[Alone]]:
    """Cut sentences of one language into batches, like with like, short with short.

    Args:
        stands_alone: whether a sentence must be a batch of its own.
    """
    most = max(1, _MOST_NUMBERS // sum(p.numel() for p in top.parameters())) if top.takes_vmap else 64
    keyed = [((stands_alone(one), _shape(one, top)), one) for one in sentences]
    part: list[Alone] = []
    last: Any = None
    for key, one in sorted(keyed, key=lambda pair: (*pair[0], _length(pair[1]))):
        full = len(part) >= most or (len(part) + 1) * _length(one) > PIECES_PER_BATCH
        if part and (full or key[0] or key != last):
            yield part
            part = []
        part.append(one)
        last = key
    if part:
        yield part


def _shape(one: Alone, top: Top) -> str:
    return repr(one.shape) if top.takes_vmap else ""


def _length(one: Alone) -> int:
    return len(one.example.pieces)


def add_top(
    top: Top, shared: Float[Tensor, "N P D"], batch: TensorBatch, part: Sequence[Alone], totals: Totals
) -> Float[Tensor, "N P D"]:
    """Add the squares of the parameters of `top` to `totals`; return the gradient of each sentence's pieces.

    Args:
        shared: the aggregator's pieces of one of `batches`, detached. batch: the same sentences.
    """
    targets = [targets_to_tensors(one.targets, shared.device) for one in part]
    if top.takes_vmap:
        return _together(top, shared, batch, targets, totals)
    return _one_by_one(top, shared, batch, targets, totals)


def _together(
    top: Top, shared: Tensor, batch: TensorBatch, targets: Sequence[TensorTargets], totals: Totals
) -> Tensor:
    length, lang_id = shared.shape[1], batch.lang_id[:1]
    triples = _stacked([t.triples for t in targets], length)
    entities = _stacked([t.entities for t in targets], length)
    known = {"is_known": entities.pop("is_known")[0]} if entities else {}
    constant = {name: parameter.detach() for name, parameter in top.named_parameters()}

    def loss(
        parameters: dict[str, Tensor],
        pieces: Tensor,
        rows: dict[str, Tensor],
        triples: dict[str, Tensor],
        entities: dict[str, Tensor],
    ) -> Tensor:
        one = TensorBatch(
            pieces=batch.pieces[:1],  # the heads do not read them
            is_piece=rows["is_piece"][None],
            begins_word=rows["begins_word"][None],
            lang_id=lang_id,
        )
        wanted = TensorTargets(
            TripleTensors(**triples) if triples else None,
            EntityTensors(**entities, **known) if entities else None,
        )
        return functional_call(top, constant | parameters, (pieces[None], one, wanted))

    rows = {"is_piece": batch.is_piece, "begins_word": batch.begins_word}
    each = vmap(grad(loss, argnums=(0, 1)), in_dims=(None, 0, 0, 0, 0))
    by_parameter, by_pieces = each(top.reached(int(lang_id)), shared, rows, triples, entities)
    for name, gradients in by_parameter.items():
        add_squares(totals, name, gradients.square().sum(0))
    return by_pieces


def _stacked(each: Sequence[Any], length: int) -> dict[str, Tensor]:
    """Stack the fields of every sentence's targets, tags padded with O to `length` pieces."""
    fields: dict[str, Tensor] = {}
    for field in dataclasses.fields(each[0]) if each[0] is not None else ():
        tensors = [getattr(targets, field.name) for targets in each]
        if field.name == "tags":
            tensors = [nn.functional.pad(t, (0, length - t.shape[-1])) for t in tensors]
        fields[field.name] = torch.stack(tensors)
    return fields


def _one_by_one(
    top: Top, shared: Tensor, batch: TensorBatch, targets: Sequence[TensorTargets], totals: Totals
) -> Tensor:
    gradients = torch.zeros_like(shared)
    used = {name: p.requires_grad_() for name, p in top.reached(int(batch.lang_id[0])).items()}
    for row, wanted in enumerate(targets):
        length = int(batch.is_piece[row].sum())
        place = (slice(row, row + 1), slice(length))
        one = TensorBatch(
            batch.pieces[place], batch.is_piece[place], batch.begins_word[place], batch.lang_id[row : row + 1]
        )
        pieces = shared[place].requires_grad_()
        loss = functional_call(top, used, (pieces, one, wanted))
        by_pieces, *found = torch.autograd.grad(loss, [pieces, *used.values()], allow_unused=True)
        gradients[place] = by_pieces
        for name, gradient in zip(used, found, strict=True):
            if gradient is not None:
                add_squares(totals, name, gradient.square_())
    return gradients
