"""A recipe: every setting of a training run, validated all at once, and the data that it trains on."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from mere.config.base import Settings
from mere.config.encoders import (
    ENCODERS,
    AggregatorSettings,
    CompactSettings,
    EncoderSettings,
    SwitcherSettings,
    encoder_kind,
    encoder_name,
    switcher_misfits,
)
from mere.config.problems import explain
from mere.config.renames import RENAMED, former_names, with_present_names
from mere.config.stages import StageSettings
from mere.config.tasks import DecodingSettings, EntitiesSettings, Task, TriplesSettings, misfits
from mere.config.tree import apply_override, merge_trees, read_tree, stages_of
from mere.errors import ConfigError, nearest

Tracking = Literal["tensorboard", "mlflow", "wandb"]
"""Where a run can be followed (mere.training.tracking)."""


class DataSettings(Settings):
    """What is trained on (mere.data)."""

    path: str | tuple[str, ...] = Field(
        "", description="corpus folder or file, or several; empty: the quick-start corpus, made on the spot"
    )

    text: str | tuple[str, ...] = Field(
        "",
        description="more text for stages that learn from text: corpora of any format, whose annotation is not "
        "read, or files <lang>.txt of a text a line; its other languages are left out",
    )
    types: dict[str, str] = Field(
        default_factory=dict,
        description='entity types renamed ("PERS: PER") or left out ("DATE: drop"); "*" is every other one',
    )
    languages: tuple[str, ...] | None = Field(
        None, min_length=1, description="language codes to keep; None keeps all"
    )
    limit: int = Field(
        0, ge=0, description="training sentences per language, drawn by the recipe's seed; 0 takes all"
    )
    train_split: str = Field("train", description="split that is trained on")
    dev_split: str = Field("dev", description="split that stops training early and sets the thresholds")

    @property
    def paths(self) -> tuple[str, ...]:
        """The corpora, one at least; "" is the quick-start corpus."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def texts(self) -> tuple[str, ...]:
        """What is read besides by stages that learn from text; nothing, or paths."""
        return tuple(filter(None, (self.text,) if isinstance(self.text, str) else self.text))

    @property
    def where(self) -> str:
        """The corpora, for a message."""
        return " ".join(self.paths) or "the quick-start corpus"

    @field_validator("path")
    @classmethod
    def _is_somewhere(cls, path: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if path == ():
            raise ValueError('name a folder or a file; "" is the quick-start corpus')
        return path


class Recipe(Settings):
    """One training run from corpus to model."""

    name: str = Field("run", description="name of the run, in its results and its model card")
    task: tuple[Task, ...] = Field(
        ("triples",), min_length=1, description='what is extracted: "entities", "triples" or both in a list'
    )
    regime: str = Field("", description="which of the recipe's `regimes` this is (see Recipe.from_tree)")
    seed: int = Field(0, ge=0, description="seeds initialisation, sampling and dropout")
    threads: int = Field(0, ge=0, description="CPU threads; 0: as many as there are and the model can use")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="what is trained on; auto: a GPU where there is one"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="bf16: autocast, the CRF stays in fp32; auto: the faster one for this encoder on this machine, "
        "chosen when a run begins and stored with it",
    )
    sharding: Literal["none", "full"] = Field(
        "none",
        description="of several processes, full: each holds only a part of the pretrained encoder's parameters, "
        "gradients and optimiser state (FSDP); none: each holds the whole",
    )
    checkpoint_minutes: float = Field(
        3.0, ge=0, description="minutes between checkpoints; 0: after every step"
    )
    dev_pieces_per_batch: int = Field(
        4096,
        ge=16,
        description="budget of padded pieces in a batch that is scored on dev; scores do not depend on it",
    )
    start: str = Field(
        "",
        description="what to start from: a safetensors file of weights, such as a finished stage's; or a model (its "
        "folder or name), whose encoder goes on from where it is, whatever the labels; empty: random weights",
    )
    tracking: tuple[Tracking, ...] = Field(
        (), description="where a run is followed besides its log.jsonl; each needs its own package"
    )
    data: DataSettings = Field(default_factory=DataSettings)
    encoder: EncoderSettings = Field(
        default_factory=CompactSettings, description="one of the encoders, told by its `name`"
    )
    aggregator: AggregatorSettings = Field(default_factory=AggregatorSettings)
    switcher: SwitcherSettings = Field(default_factory=SwitcherSettings)
    triples: TriplesSettings = Field(default_factory=TriplesSettings)
    entities: EntitiesSettings = Field(default_factory=EntitiesSettings)
    decoding: DecodingSettings = Field(default_factory=DecodingSettings)
    stages: tuple[StageSettings, ...] = Field(min_length=1, description="run one after the other")

    @field_validator("task", "tracking", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("stages")
    @classmethod
    def _names_differ(cls, stages: tuple[StageSettings, ...]) -> tuple[StageSettings, ...]:
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stages need different names, found {names}")
        return stages

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        problems = []
        kind = encoder_kind(self.encoder)
        dim = getattr(self.encoder, "dim", 0)  # a checkpoint says its own when it is built
        if dim % 2 or (self.aggregator.layers and dim % self.aggregator.heads):
            problems.append(f"encoder.dim {dim} must be even and divisible by aggregator.heads")
        problems += misfits(self.encoder.name, kind, self.task, self.entities.decoder)
        problems += switcher_misfits(self.switcher, self.encoder)
        if self.sharding == "full":
            problems += self._not_sharded()
        problems += self._no_text()
        for stage in self.stages[:-1]:
            if stage.per_language:
                problems.append(f"stage {stage.name} is per language, so it must be the last one")
        for stage in self.stages:
            if stage.freeze is not None and not kind.is_pretrained:
                problems.append(
                    f"stage {stage.name} freezes layers of a pretrained encoder, and {self.encoder.name} is none"
                )
            if stage.lora and not stage.per_language:
                problems.append(f"stage {stage.name} has a lora rank, which only a stage per_language uses")
            if stage.steps and stage.seconds:
                problems.append(f"stage {stage.name} has a number of steps and of seconds; give one of them")
            if not stage.use_aggregator and stage.sampling.group_size > 1:
                problems.append(f"stage {stage.name} concatenates sentences, but passes the aggregator by")
            if stage.use_switcher and not self.switcher.size:
                size = "rank" if self.switcher.kind == "lora" else "width"
                problems.append(f"stage {stage.name} uses the switcher, but switcher.{size} is 0")
            if "switcher" in stage.train and not stage.use_switcher:
                problems.append(
                    f"stage {stage.name} trains the switcher, but does not use it (use_switcher: true)"
                )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _not_sharded(self) -> list[str]:
        """Say what of the recipe does not go with an encoder in parts, and how it would."""
        problems = []
        if not encoder_kind(self.encoder).is_pretrained:
            problems.append(f"sharding full is for pretrained encoders, and {self.encoder.name} is none")
        if "triples" in self.task and not self.triples.shared:
            problems.append("sharding full knows of one encoder: triples.shared true")
        for stage in self.stages:
            at_once = f"stage {stage.name}: sharding full adds the languages' gradients up at once"
            if stage.objective.name not in ("sum", "masked"):
                problems.append(f"{at_once}: objective.name sum")
            elif stage.objective.measure:
                problems.append(f"{at_once}: objective.measure 0")
            if stage.per_language:
                problems.append(f"stage {stage.name}: sharding full trains one model: per_language false")
        return [f"{problem}, or sharding none" for problem in problems]

    def _no_text(self) -> list[str]:
        """Say what of the recipe does not go with stages that learn from text."""
        from_text = [stage.learns_from_text for stage in self.stages]
        stages = [stage for stage in self.stages if stage.learns_from_text]
        problems = []
        if from_text != sorted(from_text, reverse=True) or all(from_text):
            problems.append("masked stages come first, and one that learns from annotations follows")
        if stages and not encoder_kind(self.encoder).learns_from_text:
            able = " and ".join(name for name, kind in ENCODERS.items() if kind.learns_from_text)
            problems.append(
                f"encoder.name {self.encoder.name} learns from annotations only; {able} learns from text"
            )
        for stage in stages:
            if stage.train != ("encoder",):
                problems.append(
                    f"stage {stage.name} learns from text, which is for the encoder: train [encoder]"
                )
            if stage.per_language or stage.use_switcher or stage.sampling.group_size > 1:
                problems.append(
                    f"stage {stage.name} learns from text of all languages, a sentence at a time: "
                    "per_language false, use_switcher false, sampling.group_size 1"
                )
            if stage.objective.measure:
                problems.append(f"stage {stage.name} learns from text: objective.measure 0")
        return problems

    @classmethod
    def read(cls, path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
        """Read a recipe from YAML and apply overrides such as `stage2.lr=1e-3` or `data.path=corpus`.

        Raises:
            ConfigError: the file is missing or malformed, or any key or value is wrong (all are listed).
        """
        return cls.from_tree(read_tree(path), overrides, where=str(path))

    @classmethod
    def from_tree(cls, tree: dict[str, Any], overrides: Sequence[str] = (), where: str = "recipe") -> Recipe:
        """Validate settings that were read already, with overrides on top; `tree` stays as it is.

        A recipe may hold several `regimes`, by name: settings that go on top of the others where `regime` names
        them. Overrides go on top of both; one of `encoder.name` that leads to another kind of encoder leaves the
        recipe's other settings of the encoder behind.

        Raises:
            ConfigError: any key or value is wrong (all are listed).
        """
        tree = copy.deepcopy(tree)
        regimes = tree.pop("regimes", {})
        for override in overrides:
            if override.partition("=")[0].strip() == "regime":
                apply_override(tree, override, cls.model_fields)
        if regimes:
            name = str(tree.get("regime", ""))
            if name not in regimes:
                known = ", ".join(regimes)
                raise ConfigError(f'{where}: no regime "{name}".{nearest(name, regimes)} There are: {known}.')
            tree = merge_trees(tree, regimes[name])
        kind = encoder_name(tree.get("encoder", {}))
        recipe_alone = copy.deepcopy(tree)
        for override in overrides:
            apply_override(tree, override, cls.model_fields)
        if encoder_name(tree.get("encoder", {})) != kind:  # the settings of the other kind go with it
            tree = {**recipe_alone, "encoder": {}}
            for override in overrides:
                apply_override(tree, override, cls.model_fields)
            _tell_what_is_left_behind(recipe_alone.get("encoder"), kind, encoder_name(tree["encoder"]))
        for name in sorted(former_names(tree)):
            warnings.warn(
                f'{where}: "{name}" is called "{RENAMED[name]}" now, and was read as that.', stacklevel=3
            )
        tree = with_present_names(tree)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            problems = error.errors()
        # pydantic leaves a wrong stage or task out and then misses it: that is no problem of its own
        above = {loc[:end] for loc in (problem["loc"] for problem in problems) for end in range(len(loc))}
        problems = [p for p in problems if p["type"] != "too_short" or p["loc"] not in above]
        names = [str(stage.get("name")) for stage in stages_of(tree)]
        raise ConfigError([explain(problem, where, cls, names) for problem in problems])

    @classmethod
    def from_stored(cls, tree: dict[str, Any], where: str) -> Recipe:
        """Validate the settings that a run or a model stored, perhaps under the names of an earlier version.

        Raises:
            ConfigError: as `from_tree`.
        """
        return cls.from_tree(with_present_names(tree), where=where)

    def to_yaml(self) -> str:
        """Return the recipe as YAML, every setting with its value."""
        import yaml

        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _tell_what_is_left_behind(settings: Any, before: str, now: str) -> None:
    """Warn that an encoder's settings of the recipe do not hold for the encoder that was asked for."""
    left = [key for key in settings if key not in ("kind", "name")] if isinstance(settings, dict) else []
    if left:
        warnings.warn(
            f"the encoder is {now} now, so the recipe's settings of {before} are left behind "
            f"({', '.join(left)}). Its learning rates stay: see whether they suit the encoder.",
            stacklevel=4,
        )
