"""The diagonal empirical Fisher information of a language: the mean over its sentences of the squared gradient.

    F_L[i] = 1/N Σ_n (dL_n / dθ_i)²      (METHOD §2; Mueller et al. 2020, section 5)

L_n is the loss of the sentence alone, with its own labels. A batch is split where its rows stop being sentences:
below, encoder and aggregator run on the whole batch, and one backward is enough (per_example_gradients); above,
switcher and heads have a loss for each sentence (mere.research.analysis.single_sentence).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from mere.data.examples import Annotated
from mere.data.targets import Targets
from mere.errors import ModelError
from mere.models.model import Model
from mere.models.tensors import TensorBatch
from mere.nn.encoder_switchers import InsideSwitcher
from mere.research.analysis.per_example_gradients import Totals, summing_squares
from mere.research.analysis.single_sentence import Alone, Top, add_top, batches, is_cut


@dataclass(frozen=True)
class Fisher:
    """The information of one language in every parameter that its loss reaches; elsewhere it is 0.

    Args:
        diagonal: parameter name to a tensor of its shape, in the order of the model.
    """

    lang: str
    sentences: int
    diagonal: dict[str, Tensor]

    def to_json(self) -> dict[str, Any]:
        """Return the sums by parameter: the values themselves are as many as the model's."""
        return {
            "language": self.lang,
            "sentences": self.sentences,
            "trace": {name: float(values.sum()) for name, values in self.diagonal.items()},
        }


class _Body(nn.Module):
    """What lies below the split, under the names of the model."""

    def __init__(self, model: Model):
        super().__init__()
        self.encoder, self.aggregator = model.encoder, model.aggregator


def fisher(
    model: Model,
    examples: Sequence[Annotated],
    *,
    lang: str,
    batch_of: Callable[[Sequence[Annotated]], TensorBatch],
    targets_of: Callable[[Sequence[Annotated], np.random.Generator], Targets],
    seed: int = 0,
) -> Fisher:
    """Return a language's Fisher information in a model.

    Args:
        model: in eval mode, on the CPU.
        examples: sentences of one language.
        batch_of, targets_of: as `Network.batch` and `Subject.targets` (mere.research.analysis.subject).
        seed: of the wrong relations and pairs that sentence i is asked about, with i.

    Raises:
        ValueError: the model is in training mode, and would drop features at random.
        ModelError: it holds a module that there is no rule for, or its switchers are inside the encoder.
    """
    if model.training:
        raise ValueError("the model is in training mode, and would drop features at random")
    totals: Totals = {}
    sentences = [Alone(e, targets_of([e], np.random.default_rng([seed, i]))) for i, e in enumerate(examples)]
    body, top = _Body(model), Top(model)
    for part in batches(sentences, top, lambda one: is_cut(model.encoder, one.example)):
        batch = batch_of([one.example for one in part])
        if isinstance(model.switcher, InsideSwitcher) and batch.lang_id.any():
            raise ModelError(
                "Fisher information is not implemented through switchers inside the encoder (switcher.kind adapters "
                "or lora). Look at a stage that does not use them: --stage."
            )
        with summing_squares(body, totals, len(part)):
            encoded = body.encoder(batch.pieces, batch.is_piece)
            shared = body.aggregator(encoded, batch.is_piece, batch.group_size)
            gradient = add_top(top, shared.detach(), batch, part, totals)
            shared.backward(gradient)
    names = [name for name, _ in model.named_parameters() if name in totals]
    return Fisher(lang, len(sentences), {name: totals[name] / len(sentences) for name in names})
