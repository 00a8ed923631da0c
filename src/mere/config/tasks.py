"""Settings of what is extracted: entities and triples, and which encoders their heads can read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mere.config.base import Settings
from mere.config.encoders import EncoderKind

Task = Literal["entities", "triples"]


class TriplesSettings(Settings):
    """Relation head, entity tagger, pair scorer, and how their losses are weighed (mere.models.triples)."""

    shared: bool = Field(
        True, description="False: relations are read by an encoder of their own, and only named to the tagger"
    )
    tell_relation: bool = Field(
        True, description="False: the tagger marks subjects and objects of a sentence's relations all at once"
    )
    hidden: int = Field(256, ge=4, description="width of the tagger's hidden layer; half for pairs")
    dropout: float = Field(0.3, ge=0, lt=1, description="dropout before each head, a probability")
    negatives: int = Field(
        1, ge=0, description="wrong relations per sentence that the tagger must answer with O"
    )
    relation_weight: float = Field(1.0, ge=0, description="weight of the relation loss")
    tag_weight: float = Field(1.0, ge=0, description="weight of the tagging loss")
    pair_weight: float = Field(0.5, ge=0, description="weight of the pair loss")
    incomplete_negative: float = Field(
        1.0, ge=0, le=1, description="weight of `relation not stated` where a sentence is annotated in part"
    )
    candidates: int = Field(
        6, ge=1, description="most probable relations per sentence that are tagged at inference"
    )


class DecodingSettings(Settings):
    """How far decoding looks at what the triple heads say (mere.decoding.limits)."""

    min_relation: float = Field(
        0.02,
        ge=0,
        le=1,
        description="least probability of a relation whose subjects and objects are looked for",
    )
    spans_per_role: int = Field(
        3, ge=1, description="most probable subjects, and objects, of a relation that are joined to pairs"
    )
    min_span: float = Field(0.03, ge=0, le=1, description="least probability of a subject or an object")
    longest_span: int = Field(
        48,
        ge=1,
        description="pieces of the longest subject or object; a training mention that is longer raises it",
    )


class SpansSettings(Settings):
    """Byte-to-span's windows, and the LSTMs that read one and write its entities (mere.models.entity_spans)."""

    window: int = Field(60, ge=2, description="pieces of a window (the paper: 60)")
    overlap: int = Field(
        30, ge=2, description="pieces that neighbouring windows share at inference; less than window (30)"
    )
    dim: int = Field(256, ge=1, description="width of the reading and the writing LSTM (320)")
    layers: int = Field(1, ge=1, description="layers of each (4)")
    dropout: float = Field(
        0.2, ge=0, lt=1, description="dropout between their layers and before the output (0.2)"
    )
    pointer: bool = Field(
        True, description="the pieces themselves score where an entity starts and ends (False)"
    )


class EntitiesSettings(Settings):
    """The entities task: how pieces get their types (mere.models.entities)."""

    decoder: Literal["crf", "types", "spans"] = Field(
        "crf",
        description='"crf": BIO tags by a linear chain; "types": a type per piece, changed only between words; '
        '"spans": start, length and type of one entity after the other, written for windows of the pieces',
    )
    hidden: int = Field(0, ge=0, description="width of a hidden layer before the tags or types; 0: none")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the tags or types, a probability")
    weight: float = Field(1.0, ge=0, description="weight of this task's loss")
    spans: SpansSettings = Field(default_factory=SpansSettings, description='see SpansSettings; for "spans"')

    @model_validator(mode="after")
    def _fits(self) -> EntitiesSettings:
        if self.spans.overlap >= self.spans.window:
            raise ValueError(
                f"spans.overlap {self.spans.overlap} must be less than spans.window {self.spans.window}"
            )
        if self.decoder == "spans" and (self.hidden or self.dropout):
            raise ValueError("the decoder spans has no hidden layer; its dropout is spans.dropout")
        return self


def misfits(name: str, encoder: EncoderKind, task: tuple[Task, ...], decoder: str) -> list[str]:
    """Say which heads cannot read the pieces of an encoder."""
    problems = []
    if not encoder.has_context and "triples" in task:
        problems.append(
            f"the task triples needs an encoder with context, which {name} has not: take byte-stream"
        )
    if not encoder.has_context and "entities" in task and decoder != "spans":
        problems.append(
            f"the encoder {name} has no context, which entities.decoder {decoder} needs: "
            "take the decoder spans, or the encoder byte-stream"
        )
    elif encoder.splits_characters and "entities" in task and decoder == "crf":
        problems.append(
            f"entities.decoder crf may begin or end an entity inside a character of the encoder {name}: "
            "take the decoder types or spans, or the encoder byte-words"
        )
    return problems
