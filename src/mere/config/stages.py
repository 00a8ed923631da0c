"""Settings of training: a stage, which sentences it samples, and how their losses become a step."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from mere.config.base import Settings


class SamplingSettings(Settings):
    """Which sentences make an epoch, and which of them share a batch (mere.data.sampling)."""

    temperature: float = Field(
        1.0, gt=0, description="languages are drawn in proportion to n ** (1 / temperature)"
    )
    group_size: int = Field(1, ge=1, description="m: sentences of different languages that are concatenated")
    group_share: float = Field(0.5, ge=0, le=1, description="share of the batches that are concatenated")
    group_after: float = Field(0.0, ge=0, le=1, description="share of the stage before concatenation begins")
    pieces_per_batch: int = Field(1600, ge=16, description="budget of padded pieces in a batch")
    mention_replacement: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the sentences whose mentions are swapped for others of the same role",
    )
    mention_masking: float = Field(
        0.0,
        ge=0,
        le=1,
        description="probability that a mention is read as a name never seen: form and n-grams hidden",
    )
    restyling: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the sentences that are read in upper case, in lower case, As A Headline or without "
        "diacritics",
    )
    detokenisation: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the sentences that are read without the spaces of a tokenised corpus around punctuation",
    )
    mask_probability: float = Field(
        0.2, gt=0, lt=1, description="share of the pieces that are masked in a masked stage"
    )


class ObjectiveSettings(Settings):
    """How the losses of the languages in a batch become one step (mere.training.objectives)."""

    name: Literal["sum", "uncertainty", "pcgrad", "gradvac", "mgda", "masked"] = Field(
        "sum",
        description="sum: nothing special; pcgrad, gradvac and mgda weigh each language's own gradient; masked: "
        "masked language modelling, which reads no annotation: pieces are masked and told from their context; the "
        "encoder alone learns, from all texts there are (data.text), and dev is not scored",
    )
    scope: Literal["model", "group"] | None = Field(
        None,
        description="gradients are compared in the whole model or module by module; null: as in the paper",
    )
    beta: float | None = Field(
        None, ge=0, le=1, description="gradvac: how fast its cosine targets move; null: 0.01"
    )
    measure: int = Field(
        0, ge=0, description="steps between two measurements of the conflict between languages; 0: none"
    )

    @model_validator(mode="after")
    def _fits(self) -> ObjectiveSettings:
        if self.beta is not None and self.name != "gradvac":
            raise ValueError(f"beta is a setting of gradvac, not of {self.name}")
        if self.scope is not None and self.name in ("sum", "uncertainty", "masked"):
            raise ValueError(f"{self.name} does not compare gradients, so it has no scope")
        return self

    def options(self) -> dict[str, Any]:
        """Return what the objective's constructor takes, as far as it was given."""
        return self.model_dump(include={"scope", "beta"}, exclude_none=True)


ParameterGroup = Literal["all", "encoder", "aggregator", "switcher", "heads"]
"""What a stage may train; `mere.models.model.GROUPS` says which modules each is."""


class StageSettings(Settings):
    """One stage of training: what is sampled, what is trained, how long and how fast (mere.training)."""

    name: str = Field(description="name of the stage, as in `--set unified.epochs=3`")
    train: tuple[ParameterGroup, ...] = Field(
        ("all",), min_length=1, description="parameter groups that are trained; the rest is frozen"
    )
    epochs: float = Field(1.0, gt=0, description="epochs; one is as many sentences as the training split has")
    steps: int = Field(
        0,
        ge=0,
        description="optimiser steps instead of epochs, all its languages' models together; 0: epochs",
    )
    seconds: float = Field(
        0.0, ge=0, description="seconds of training instead of epochs, all its models together; 0: epochs"
    )
    lr: float = Field(2e-3, gt=0, description="peak learning rate")
    head_lr: float = Field(
        0.0,
        ge=0,
        description="peak learning rate of what stands above the encoder; 0: lr, as for the encoder",
    )
    freeze: int | None = Field(
        None,
        ge=0,
        description="lowest layers of a pretrained encoder that stay as they are in this stage, below them the "
        "embeddings; null: what encoder.freeze says",
    )
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="all dropout of the model in this stage; null: what the model's settings say",
    )
    warmup: float = Field(0.05, ge=0, le=1, description="share of the steps in which the rate rises")
    schedule: Literal["linear", "cosine", "constant"] = Field("cosine", description="how the rate falls to 0")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's decoupled weight decay")
    max_grad_norm: float = Field(1.0, ge=0, description="largest gradient norm; 0 does not clip")
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay per step of the averaged weights; 0 keeps the last ones"
    )
    evaluations: int = Field(
        4, ge=0, description="evaluations on dev during the stage; the best weights are kept"
    )
    dev_limit: int = Field(400, ge=0, description="dev sentences per language in those evaluations; 0: all")
    patience: int = Field(
        0, ge=0, description="evaluations without a gain before the stage stops; 0 never stops"
    )
    gradient_accumulation: int = Field(
        1,
        ge=1,
        description="parts of a batch that are computed one after the other: less memory, the same step; 1: the whole",
    )
    use_aggregator: bool = Field(True, description="False passes the aggregator by, to warm the encoder up")
    use_switcher: bool = Field(False, description="rows go through their language's switcher")
    per_language: bool = Field(
        False, description="train a copy for each language on its own sentences; only the last stage may"
    )
    lora: int = Field(
        0, ge=0, description="rank of the change of each weight matrix that is trained; 0: the matrix itself"
    )
    objective: ObjectiveSettings = Field(
        default_factory=ObjectiveSettings,
        description="see ObjectiveSettings; a name will do (`objective: masked`)",
    )
    sampling: SamplingSettings = Field(default_factory=SamplingSettings, description="see SamplingSettings")

    @field_validator("objective", mode="before")
    @classmethod
    def _name_alone(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    @property
    def learns_from_text(self) -> bool:
        """Whether the stage reads text alone, and no annotation."""
        return self.objective.name == "masked"

    @property
    def length(self) -> str:
        """How long the stage is, in words."""
        if self.steps:
            return f"{self.steps:,} steps"
        if self.seconds:
            return f"{self.seconds:,.0f} s"
        return f"{self.epochs:g} epoch" + ("" if self.epochs == 1 else "s")
