"""The whole model, as the figure: encoder, aggregator, switcher, then the heads of each task (METHOD §1).

encode    pieces of each sentence in their context, by its language if the switcher is inside the encoder
mix       the aggregator, across the sentences of a group
refine    the switcher after the aggregator, each row by its language
tasks     what is extracted, each with heads of its own: entities, triples
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from mere.config import EncoderSettings, EntitiesSettings, Recipe, SwitcherSettings, encoder_kind
from mere.data.pieces import Pieces
from mere.decoding.limits import Limits
from mere.errors import ConfigError
from mere.models.entities import EntityDecoder, EntityTask
from mere.models.entity_spans import SpansTask
from mere.models.entity_types import TypesTask
from mere.models.losses import ItemLosses
from mere.models.tensors import TensorBatch, TensorTargets
from mere.models.text import TextTask
from mere.models.triples import TripleTask
from mere.nn.aggregator import Aggregator
from mere.nn.encoder_switchers import AdapterSwitcher, LoraSwitcher
from mere.nn.encoders import CompactEncoder, Encoder
from mere.nn.switcher import LanguageSwitcher, Switcher
from mere.schema import Labels


class Model(nn.Module):
    """Encoder, aggregator, switcher and the heads of its tasks.

    Args:
        limits: how far decoding looks at what the heads say.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        aggregator: Aggregator,
        switcher: LanguageSwitcher | None,
        entities: EntityDecoder[Any] | None,
        triples: TripleTask | None,
        limits: Limits | None = None,
    ):
        super().__init__()
        self.limits = limits or Limits()
        self.encoder = encoder
        self.aggregator = aggregator
        self.switcher = switcher
        self.entities = entities
        self.triples = triples
        self.text: TextTask | None = None

    def begin_text(self) -> None:
        """Take in what learns from text, new; `end_text` gives it up."""
        assert isinstance(self.encoder, CompactEncoder)  # a recipe with another is refused
        self.text = TextTask(self.encoder).to(next(self.parameters()).device)

    def end_text(self) -> None:
        """Be again what is stored: what learned from text is gone, the encoder has what came of it."""
        self.text = None

    def start(self) -> None:
        """Give every encoder that was pretrained its weights."""
        for module in self.modules():
            if isinstance(module, Encoder):
                module.start()

    def forward(self, batch: TensorBatch) -> Float[Tensor, "B P D"]:
        """Return the pieces as the heads read them."""
        return self.refine(self.encode(batch), batch)

    def refine(self, encoded: Float[Tensor, "B P D"], batch: TensorBatch) -> Float[Tensor, "B P D"]:
        """Return the encoder's pieces as the heads read them: mixed, then each row by its language."""
        shared = self.aggregator(encoded, batch.is_piece, batch.group_size)  # (B, P, D)
        return shared if self.switcher is None else self.switcher(shared, batch.lang_id)

    def encode(self, batch: TensorBatch) -> Float[Tensor, "B P D"]:
        """Return the pieces as the aggregator reads them."""
        if self.switcher is None:
            return self.encoder(batch.pieces, batch.is_piece)
        return self.switcher.encode(self.encoder, batch.pieces, batch.is_piece, batch.lang_id)

    def item_losses(self, batch: TensorBatch, targets: TensorTargets) -> dict[str, ItemLosses]:
        """Return the weighted losses of every task, item by item; where text is learned, of that alone."""
        if self.text is not None and targets.text is not None:
            assert isinstance(self.encoder, CompactEncoder)
            return self.text.losses(self.encoder, self.encode(batch), targets.text)
        pieces = self(batch)
        losses: dict[str, ItemLosses] = {}
        if self.entities is not None and targets.entities is not None:
            losses |= self.entities.losses(pieces, batch, targets.entities)
        if self.triples is not None and targets.triples is not None:
            losses |= self.triples.losses(pieces, batch, targets.triples)
        return losses

    def num_items(self, batch: TensorBatch, targets: TensorTargets) -> dict[str, int]:
        """Return how many items each loss of a batch has, from its targets alone; a loss of none is left out."""
        if self.text is not None and targets.text is not None:
            count = self.text.num_items(targets.text)
            return {"text": count} if count else {}
        counts: dict[str, int] = {}
        if self.entities is not None and targets.entities is not None:
            counts |= {"entity": self.entities.num_items(batch, targets.entities)}
        if self.triples is not None and targets.triples is not None:
            counts |= self.triples.num_items(targets.triples)
        return {name: count for name, count in counts.items() if count}

    def losses(self, batch: TensorBatch, targets: TensorTargets) -> dict[str, Float[Tensor, ""]]:
        """Return the batch's loss of every task."""
        return {name: items.mean() for name, items in self.item_losses(batch, targets).items()}


def build(recipe: Recipe, labels: Labels, pieces: Pieces | None = None) -> Model:
    """Assemble the model that a recipe describes, randomly initialised from torch's current seed.

    Args:
        pieces: what the encoder reads; a pretrained one is built by the configuration that they hold.

    Raises:
        ConfigError: the recipe does not fit the pretrained encoder.
    """
    encoder = build_encoder(recipe.encoder, pieces)
    dim = encoder.dim
    if recipe.aggregator.layers and dim % (2 * recipe.aggregator.heads):
        raise ConfigError(
            f"aggregator.heads: {recipe.aggregator.heads} heads cannot share the {dim} dimensions of the encoder "
            f"{recipe.encoder.name}: twice their number must divide it."
        )
    return Model(
        encoder=encoder,
        aggregator=Aggregator(dim=dim, **recipe.aggregator.model_dump()),
        switcher=build_switcher(recipe.switcher, encoder, labels.languages),
        entities=(
            build_entities(recipe.entities, dim=dim, num_types=len(labels.types))
            if "entities" in recipe.task
            else None
        ),
        triples=(
            TripleTask(
                dim=dim,
                num_relations=len(labels.relations),
                settings=recipe.triples,
                classifier=None if recipe.triples.shared else build_encoder(recipe.encoder, pieces),
            )
            if "triples" in recipe.task
            else None
        ),
        limits=Limits(relations=recipe.triples.candidates, **recipe.decoding.model_dump()),
    )


def build_encoder(settings: EncoderSettings, pieces: Pieces | None = None) -> Encoder:
    """Return the encoder that `settings` name, randomly initialised; see `build` for `pieces`."""
    encoder: Encoder = encoder_kind(settings).module_class().of(settings, pieces)
    return encoder


def build_switcher(
    settings: SwitcherSettings, encoder: Encoder, languages: Sequence[str]
) -> LanguageSwitcher | None:
    """Return the switcher that `settings` name, changing nothing yet; one inside the encoder is hooked to it."""
    if not settings.size:
        return None
    if settings.kind == "bottleneck":
        return Switcher(dim=encoder.dim, width=settings.width, languages=languages)
    given: dict[str, Any] = {"encoder": encoder, "languages": languages, "modules": settings.modules}
    if settings.kind == "adapters":
        return AdapterSwitcher(width=settings.width, **given)
    return LoraSwitcher(rank=settings.rank, **given)


def build_entities(settings: EntitiesSettings, *, dim: int, num_types: int) -> EntityDecoder[Any]:
    """Return the decoder of entities that `settings` name, randomly initialised."""
    if settings.decoder == "types":
        return TypesTask(dim=dim, num_types=num_types, settings=settings)
    if settings.decoder == "spans":
        return SpansTask(dim=dim, num_types=num_types, settings=settings)
    return EntityTask(dim=dim, num_types=num_types, settings=settings)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "encoder": ("encoder", "text"),
    "aggregator": ("aggregator",),
    "switcher": ("switcher",),
    "heads": ("entities", "triples"),
}
"""Parameter groups a stage may name in `train`, and the modules of each; "all" is all of them."""
