"""What an encoder learns from text alone: units that are hidden are told from their context.

The task stands in a model for as long as a stage trains it (`objective: masked`); no model is stored with it.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from mere.models.losses import ItemLosses
from mere.models.tensors import HiddenTensors
from mere.nn.encoders import CompactEncoder
from mere.nn.unit_matcher import UnitMatcher


class TextTask(nn.Module):
    """The matcher of contexts and units, and its loss."""

    def __init__(self, encoder: CompactEncoder):
        super().__init__()
        self.matcher = UnitMatcher(dim=encoder.dim, unit_dim=encoder.unit_dim)

    def losses(
        self, encoder: CompactEncoder, pieces: Float[Tensor, "B P D"], targets: HiddenTensors
    ) -> dict[str, ItemLosses]:
        """Return the cross-entropy of each hidden piece.

        Args:
            encoder: what `pieces` come from; it reads the candidates, too.
        """
        if not self.num_items(targets):
            return {}
        logits = self.matcher(pieces[targets.row, targets.piece], encoder.units(targets.candidates))
        values = nn.functional.cross_entropy(logits, targets.answer, reduction="none")
        return {"text": ItemLosses(values, targets.row)}

    def num_items(self, targets: HiddenTensors) -> int:
        """Return how many pieces are hidden."""
        return len(targets.row)
