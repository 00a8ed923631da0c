"""CharNER's decoder (Kuru et al. 2016; Mueller et al. 2020, section 3; METHOD §2): a type per piece.

    emit      log p(type | piece), O and each type: there is no B and no I
    decode    the types of the largest sum of log-probabilities that change only where a word may begin

Touching mentions of one type become one entity (mere.decoding.types). A type that a corpus does not
annotate may stand wherever it annotates nothing: the loss there is that of all types that may.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from mere.config import EntitiesSettings
from mere.decoding.entities import LogProbs
from mere.models.entities import PieceTask
from mere.models.losses import ItemLosses
from mere.models.tensors import EntityTensors, TensorBatch


class TypesTask(PieceTask):
    """A softmax over 1 + K types at each piece."""

    def __init__(self, *, dim: int, num_types: int, settings: EntitiesSettings):
        super().__init__(dim=dim, num_scores=1 + num_types, settings=settings)

    def losses(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: EntityTensors
    ) -> dict[str, ItemLosses]:
        """Return the negative log-likelihood of the type of each piece of the taught sentences."""
        if not len(targets.row):
            return {}
        log_p = self.emissions(pieces[targets.row]).log_softmax(-1)  # (N, P, 1 + K)
        types = (targets.tags + 1) // 2  # (N, P): O stays 0, B and I of type t become 1 + t
        is_piece = batch.is_piece[targets.row]
        if targets.is_known.all():
            likelihood = log_p.gather(-1, types.unsqueeze(-1)).squeeze(-1)
        else:
            given = nn.functional.one_hot(types, log_p.shape[-1]).bool()
            unknown = nn.functional.pad(~targets.is_known, (1, 0))  # (N, 1 + K), O itself is not
            allowed = given | ((types == 0).unsqueeze(-1) & unknown.unsqueeze(1))
            likelihood = log_p.masked_fill(~allowed, -float("inf")).logsumexp(-1)
        row = targets.row[:, None].expand(is_piece.shape)
        return {"entity": ItemLosses(-self.weight * likelihood[is_piece], row[is_piece])}

    def num_items(self, batch: TensorBatch, targets: EntityTensors) -> int:
        return int(batch.is_piece[targets.row].sum())

    def scores(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> LogProbs:
        return LogProbs(self.emissions(pieces).log_softmax(-1).cpu().numpy())
