"""Settings of what reads a text: the encoders, told apart by their names, and the aggregator and switcher on top."""

from __future__ import annotations

import difflib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from mere.config.base import Settings


class CompactSettings(Settings):
    """The compact encoder: hashed features of units, then a context (mere.nn.encoders.compact)."""

    name: Literal["compact"] = Field("compact", description="from scratch, no download")
    context: Literal["bilstm", "transformer"] = Field("bilstm", description="what mixes units of a sentence")
    rows: int = Field(65536, ge=64, description="rows of the hash table")
    min_count: int = Field(1, ge=1, description="a feature that occurs less often in training is not read")
    row_dim: int = Field(96, ge=4, description="width of a row; units have four groups of rows")
    dim: int = Field(512, ge=8, description="width D of the output; must be even")
    layers: int = Field(2, ge=1, description="context layers")
    dropout: float = Field(0.3, ge=0, lt=1, description="dropout between layers, a probability")
    unit_dropout: float = Field(
        0.1, ge=0, lt=1, description="probability that a unit's form is hidden in training"
    )


class ByteWordsSettings(Settings):
    """The byte CRF's encoder: a BiLSTM over each word's bytes, then one over the words (mere.nn.encoders.words)."""

    name: Literal["byte-words"] = Field(description="words by their bytes, from scratch, no download")
    width: int = Field(24, ge=1, description="bytes of a word that are read (the paper: 64)")
    byte_dim: int = Field(64, ge=1, description="width of a byte's vector (256)")
    word_dim: int = Field(128, ge=2, description="width of the word BiLSTM, both directions; even (512)")
    word_layers: int = Field(1, ge=1, description="its layers; every layer's final states are kept (2)")
    dim: int = Field(512, ge=8, description="width D of the output, both directions; even (1024)")
    layers: int = Field(1, ge=1, description="layers over the words (1)")
    dropout: float = Field(0.5, ge=0, lt=1, description="dropout before and after the words' context (0.2)")
    byte_dropout: float = Field(
        0.0, ge=0, lt=1, description="probability that a byte is hidden in training (0)"
    )


class ByteStreamSettings(Settings):
    """CharNER's encoder: a deep BiLSTM over the bytes of the sentence (mere.nn.encoders.stream)."""

    name: Literal["byte-stream"] = Field(description="a sentence by its bytes, from scratch, no download")
    byte_dim: int = Field(64, ge=1, description="width of a byte's vector (the paper: 128)")
    dim: int = Field(256, ge=8, description="width D of the output, both directions; even (256)")
    layers: int = Field(3, ge=1, description="BiLSTM layers (5)")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout between layers")
    byte_dropout: float = Field(0.0, ge=0, lt=1, description="probability that a byte is hidden in training")


class BytesSettings(Settings):
    """Byte-to-span's encoder: a vector per byte and no context, which its windows give (mere.nn.encoders.stream)."""

    name: Literal["bytes"] = Field(description="bytes for windows to read, from scratch, no download")
    dim: int = Field(64, ge=8, description="width D of a byte's vector; even (the paper: 256)")
    byte_dropout: float = Field(
        0.3, ge=0, lt=1, description="probability that a byte is hidden in training (0.3)"
    )


class PretrainedSettings(Settings):
    """Any encoder in Hugging Face's format: BERT, XLM-R, DeBERTa, ModernBERT, T5 … (mere.nn.encoders.pretrained)."""

    kind: Literal["pretrained"] = Field(
        "pretrained",
        description="follows from the name; say it where the name is nearly that of another encoder",
    )
    name: str = Field(
        min_length=1, description="hub name such as xlm-roberta-base, or folder; nothing is downloaded"
    )
    words: Literal["first", "mean", "none"] = Field(
        "first",
        description="a word is its first subword, the mean of its subwords, or none: every subword is a piece",
    )
    width: int = Field(8, ge=1, description="subwords of one piece; a word of more is several pieces")
    layers: int = Field(0, ge=0, description="the lowest layers that are used; 0: all")
    freeze: int | None = Field(
        None,
        ge=0,
        description="lowest layers that stay as they are, below them the embeddings; null: none at all",
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="each layer's learning rate is this share of the one above it"
    )
    gradient_checkpointing: bool = Field(
        False, description="layers are computed again in the backward pass: less memory, a third more time"
    )
    attention: Literal["sdpa", "eager"] = Field(
        "sdpa", description="sdpa: torch's fused kernels, in families that have them; eager: written out"
    )
    trim: Literal["none", "scripts", "texts"] = Field(
        "none",
        description="subwords that are kept: all, those in scripts of the training texts, or those that occur there",
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="all dropout inside the encoder; null: what its configuration says"
    )
    max_pieces: int = Field(
        0,
        ge=0,
        description="subwords read at a time, special ones included, longer sentences in overlapping windows; "
        "0: as many as there are positions",
    )

    @field_validator("name")
    @classmethod
    def _is_no_kind(cls, name: str) -> str:
        if name == "pretrained":
            raise ValueError(
                "the hub name or the folder of an encoder, such as xlm-roberta-base, is expected"
            )
        return name


@dataclass(frozen=True)
class EncoderKind:
    """A row of the table of encoders: everything that differs between them beside their own code.

    Args:
        settings: the class of its settings.
        pieces: the class that cuts texts into what it reads (mere.data.pieces), as "module:class".
        module: the class that computes it (mere.nn.encoders), as "module:class"; imported when a model is built.
        is_pretrained: it begins with the weights of a checkpoint, which also says its width.
        learns_from_text: a masked stage can train it.
        has_context: a piece's vector depends on the others of its sentence.
        splits_characters: a piece may end inside a character.
    """

    settings: type[Settings]
    pieces: str
    module: str
    is_pretrained: bool = False
    learns_from_text: bool = False
    has_context: bool = True
    splits_characters: bool = False

    def pieces_class(self) -> Any:
        """Import and return the class of its pieces."""
        return _imported(self.pieces)

    def module_class(self) -> Any:
        """Import and return the class of its module; that needs torch."""
        return _imported(self.module)


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


_PIECES, _NN = "mere.data.pieces", "mere.nn.encoders"
ENCODERS: dict[str, EncoderKind] = {
    "compact": EncoderKind(
        CompactSettings, f"{_PIECES}:HashedUnits", f"{_NN}:CompactEncoder", learns_from_text=True
    ),
    "byte-words": EncoderKind(ByteWordsSettings, f"{_PIECES}:WordBytes", f"{_NN}:ByteWordsEncoder"),
    "byte-stream": EncoderKind(
        ByteStreamSettings, f"{_PIECES}:TextBytes", f"{_NN}:ByteStreamEncoder", splits_characters=True
    ),
    "bytes": EncoderKind(
        BytesSettings,
        f"{_PIECES}:TextBytes",
        f"{_NN}:BytesEncoder",
        has_context=False,
        splits_characters=True,
    ),
    "pretrained": EncoderKind(
        PretrainedSettings, f"{_PIECES}:Subwords", f"{_NN}:PretrainedEncoder", is_pretrained=True
    ),
}
"""Every encoder there is, by the `name` (or `kind`) of its settings."""
OWN_ENCODERS = tuple(name for name, kind in ENCODERS.items() if not kind.is_pretrained)
"""Those that begin from scratch."""


def encoder_name(value: Any) -> str:
    """Return which encoder settings are for: one of `ENCODERS`, or an unknown word.

    `kind` says it, else the name: one of ours, a folder, a hub name with its owner ("org/name"), or a bare hub
    name ("bert-base-cased"). A bare word that is nearly one of ours is taken for a slip.
    """
    given = value if isinstance(value, dict) else {key: getattr(value, key, None) for key in ("kind", "name")}
    if given.get("kind") is not None:
        return str(given["kind"])
    name = str(given.get("name") or "compact")
    if name in ENCODERS or re.search(r"[/\\.~]", name) or Path(name).is_dir():
        return name if name in ENCODERS else "pretrained"
    return name if difflib.get_close_matches(name, ENCODERS, cutoff=0.7) else "pretrained"


def encoder_kind(settings: Settings) -> EncoderKind:
    """Return the row of the table that an encoder's settings belong to."""
    return ENCODERS[encoder_name(settings)]


EncoderSettings = Annotated[
    Annotated[CompactSettings, Tag("compact")]
    | Annotated[ByteWordsSettings, Tag("byte-words")]
    | Annotated[ByteStreamSettings, Tag("byte-stream")]
    | Annotated[BytesSettings, Tag("bytes")]
    | Annotated[PretrainedSettings, Tag("pretrained")],
    Discriminator(encoder_name),
]
"""Those of any encoder."""


class AggregatorSettings(Settings):
    """The language-universal aggregator, LA (mere.nn.aggregator)."""

    layers: int = Field(1, ge=0, description="Transformer blocks; 0: no aggregator")
    heads: int = Field(8, ge=1, description="attention heads; must divide encoder.dim")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout inside the blocks, a probability")
    across_sentences: bool = Field(True, description="False blocks attention across sentences (the ablation)")


class SwitcherSettings(Settings):
    """The language-specific switcher, LS (mere.nn.switcher, mere.nn.encoder_switchers)."""

    kind: Literal["bottleneck", "adapters", "lora"] = Field(
        "bottleneck",
        description="bottleneck: one after the aggregator; adapters: one after each Transformer layer of the encoder; "
        "lora: a low-rank change of the linear layers of its attention and feed-forward parts",
    )
    width: int = Field(128, ge=0, description="width of a bottleneck or an adapter; 0: no switcher")
    rank: int = Field(8, ge=0, description="rank of lora; 0: no switcher")
    modules: tuple[str, ...] | None = Field(
        None,
        description="where in the encoder adapters or lora go: names of its modules, or their last parts "
        "([query, value]); null: everywhere as above",
    )

    @property
    def size(self) -> int:
        """The width or the rank, whichever the kind has; 0: there is no switcher."""
        return self.rank if self.kind == "lora" else self.width


def switcher_misfits(switcher: SwitcherSettings, encoder: Settings) -> list[str]:
    """Say where a switcher cannot go into an encoder."""
    problems = []
    if switcher.modules is not None and switcher.kind == "bottleneck":
        problems.append(
            "switcher.modules says where adapters or lora go; a bottleneck stands after the aggregator"
        )
    has_layers = encoder_kind(encoder).is_pretrained or getattr(encoder, "context", "") == "transformer"
    if switcher.modules == ():
        problems.append("switcher.modules is empty: name modules of the encoder, or leave it out")
    if switcher.size and switcher.kind != "bottleneck" and not has_layers:
        problems.append(
            f"switcher.kind {switcher.kind} needs an encoder of Transformer layers: a pretrained one, or compact with "
            "encoder.context=transformer; else take switcher.kind=bottleneck"
        )
    return problems
