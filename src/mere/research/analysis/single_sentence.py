"""Sentences that each stand in a batch of their own, and the heads' gradients for them, many at a time.

The rows of switcher and heads are relations and pairs, a few of each sentence, and a batch weighs them all alike.
So here each sentence has its own targets, filled up with items of weight 0 to the number that others have, and the
model's own losses of one sentence run under vmap. Decoders of entities that vmap does not take, and a classifier
with an encoder of its own, run one sentence after the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from mere.data.examples import Annotated
from mere.data.targets import EntityTargets, Targets
from mere.models.entities import EntityTask
from mere.models.model import Model, Upper
from mere.models.tensors import EntityTensors, TensorBatch, TensorTargets, TripleTensors, targets_to_tensors
from mere.nn.encoders import Encoder, PretrainedEncoder
from mere.nn.switcher import module_name
from mere.research.analysis.per_example_gradients import Totals, total_of

PIECES_PER_BATCH = 2048
_MOST_NUMBERS = 1 << 26
"""Per-sentence gradients of switcher and heads that are in memory at a time: 256 MB."""


@dataclass(frozen=True)
class Alone:
    """A sentence and what it teaches in a batch of its own."""

    example: Annotated
    targets: Targets

    @property
    def length(self) -> int:
        return len(self.example.pieces)

    @property
    def kind(self) -> str:
        """What sentences that go through vmap together must agree in: types taught, whose values the loss reads."""
        entities = self.targets.entities
        return repr(entities.is_known.tolist()) if isinstance(entities, EntityTargets) else ""

    @property
    def items(self) -> int:
        """How many sequences it asks the tagger for."""
        return len(self.targets.triples.tag_row) if self.targets.triples is not None else 0


class Top(Upper):
    """The model above the aggregator, under its names: the loss of a sentence from its aggregated pieces."""

    def __init__(self, model: Model):
        super().__init__()
        self.switcher, self.entities, self.triples = model.switcher, model.entities, model.triples
        has_encoder = model.triples is not None and model.triples.classifier is not None
        self.takes_vmap = not has_encoder and (self.entities is None or isinstance(self.entities, EntityTask))

    def forward(
        self,
        shared: Float[Tensor, "B P D"],
        batch: TensorBatch,
        targets: TensorTargets,
        weights: Mapping[str, Tensor],
    ) -> Float[Tensor, ""]:
        """Sum the losses; of those that `weights` names the weighted sum of the items, of others the mean."""
        total = 0 * shared.sum()
        for name, items in self.task_losses(self.refine(shared, batch), batch, targets).items():
            total = total + ((items.values * weights[name]).sum() if name in weights else items.mean())
        return total

    def reached(self, lang_id: int) -> dict[str, Tensor]:
        """Return the parameters that a row of this language may use: of the switchers its own."""
        own = (
            f"switcher.of.{module_name(self.switcher.languages[lang_id - 1])}."
            if self.switcher and lang_id
            else "switcher.of. "
        )
        return {
            name: parameter.detach()
            for name, parameter in self.named_parameters()
            if not name.startswith("switcher.") or name.startswith(own)
        }


def is_cut(encoder: Encoder, example: Annotated) -> bool:
    """Return whether the encoder reads the sentence in several windows, so that a row is not a sentence."""
    return isinstance(encoder, PretrainedEncoder) and int((example.pieces > 0).sum()) > encoder.size


def batches(
    sentences: Sequence[Alone], top: Top, stands_alone: Callable[[Alone], bool]
) -> Iterator[list[Alone]]:
    """Cut sentences of one language into batches, like with like, short with short.

    Args:
        stands_alone: whether a sentence must be a batch of its own.
    """
    numbers = sum(p.numel() for p in top.reached(1).values())
    most = max(1, _MOST_NUMBERS // numbers) if top.takes_vmap else 64
    keyed = [((stands_alone(one), one.kind if top.takes_vmap else ""), one) for one in sentences]
    part: list[Alone] = []
    last: Any = None
    for key, one in sorted(keyed, key=lambda pair: (*pair[0], pair[1].items, pair[1].length)):
        longest = max([one.length, *(other.length for other in part)])
        full = len(part) >= most or (len(part) + 1) * longest > PIECES_PER_BATCH
        if part and (full or key[0] or key != last):
            yield part
            part = []
        part.append(one)
        last = key
    if part:
        yield part


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
    triples, weights = filled([t.triples for t in targets if t.triples is not None], length)
    entities = _stacked([t.entities for t in targets if t.entities is not None], length)
    known = {"is_known": entities.pop("is_known")[0]} if entities else {}
    constant = {name: parameter.detach() for name, parameter in top.named_parameters()}

    def loss(parameters: dict[str, Tensor], pieces: Tensor, rows: dict[str, dict[str, Tensor]]) -> Tensor:
        one = TensorBatch(
            pieces=batch.pieces[:1],  # the heads do not read them
            is_piece=rows["batch"]["is_piece"][None],
            begins_word=rows["batch"]["begins_word"][None],
            lang_id=lang_id,
        )
        wanted = TensorTargets(
            TripleTensors(**rows["triples"]) if triples else None,
            EntityTensors(**rows["entities"], **known) if entities else None,
        )
        return functional_call(top, constant | parameters, (pieces[None], one, wanted, rows["weights"]))

    rows = {
        "batch": {"is_piece": batch.is_piece, "begins_word": batch.begins_word},
        "triples": triples,
        "entities": entities,
        "weights": weights,
    }
    used = top.reached(int(lang_id))
    by_parameter, by_pieces = vmap(grad(loss, argnums=(0, 1)), in_dims=(None, 0, 0))(used, shared, rows)
    for name, gradients in by_parameter.items():
        total_of(totals, name, used[name]).add_(gradients.square().sum(0))
    return by_pieces


def filled(each: Sequence[TripleTensors], length: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Stack sentences' targets, filled up to as many items as any has; return them and the weights of items.

    An item that fills up is relation 0 with no entity, or the pair of the first piece with itself; it weighs 0,
    and one of n of the sentence's own 1 / n.
    """
    if not each:
        return {}, {}
    fields = _stacked(each, length)
    counts = {
        "tag": torch.tensor([len(t.tag_row) for t in each]),
        "pair": torch.tensor([len(t.pair_row) for t in each]),
    }
    weights = {}
    for name, number in counts.items():
        is_own = torch.arange(int(number.max())) < number[:, None]
        weights[name] = is_own / number.clamp(min=1)[:, None]
        if name == "pair":
            filler = torch.tensor([0, 1, 0, 1])
            fields["pair_spans"] = torch.where(is_own[..., None], fields["pair_spans"], filler)
    return fields, weights


def _stacked(each: Sequence[Any], length: int) -> dict[str, Tensor]:
    """Stack the fields of every sentence's targets: tags to `length` pieces, items to their number, with zeros."""
    fields: dict[str, Tensor] = {}
    for field in dataclasses.fields(each[0]) if each else ():
        tensors = [getattr(targets, field.name) for targets in each]
        if field.name == "tags":
            tensors = [nn.functional.pad(t, (0, length - t.shape[-1])) for t in tensors]
        most = max(len(t) for t in tensors)
        tensors = [nn.functional.pad(t, (0, 0) * (t.ndim - 1) + (0, most - len(t))) for t in tensors]
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
        loss = functional_call(top, used, (pieces, one, wanted, {}))
        by_pieces, *found = torch.autograd.grad(loss, [pieces, *used.values()], allow_unused=True)
        gradients[place] = by_pieces
        for name, gradient in zip(used, found, strict=True):
            if gradient is not None:
                total_of(totals, name, used[name]).add_(gradient.square_())
    return gradients
