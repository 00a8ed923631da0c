"""A vector per sentence at every box of the figure: the mean over its pieces, before and after each box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from mere.data.examples import Annotated
from mere.research.analysis.analysed_run import Network

PIECES_PER_BATCH = 4096


@torch.no_grad()
def sentence_vectors(network: Network, examples: Sequence[Annotated]) -> dict[str, Float[np.ndarray, "N D"]]:
    """Return the sentences' vectors after the encoder, and after the aggregator and switcher if the stage uses them.

    Rows are in the order of `examples`.
    """
    order = np.argsort([len(example.pieces) for example in examples], kind="stable")
    found: dict[str, list[np.ndarray]] = {}
    size = max(1, PIECES_PER_BATCH // max(len(example.pieces) for example in examples))
    for start in range(0, len(order), size):
        batch = network.batch([examples[row] for row in order[start : start + size]])
        weight = batch.is_piece.float() / batch.is_piece.sum(1, keepdim=True)  # (B, P)
        model = network.model
        after = {"encoder": model.encoder(batch.pieces, batch.is_piece)}
        if network.use_aggregator and model.aggregator.blocks:
            after["aggregator"] = model.aggregator(after["encoder"], batch.is_piece, batch.group_size)
        if network.use_switcher and model.switcher is not None:
            after["switcher"] = model(batch)
        for box, pieces in after.items():
            pooled = (weight.unsqueeze(1) @ pieces.float()).squeeze(1)  # (B, D)
            found.setdefault(box, []).append(pooled.numpy())
    back = np.argsort(order)
    return {box: np.concatenate(parts)[back] for box, parts in found.items()}
