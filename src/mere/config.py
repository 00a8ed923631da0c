"""A recipe: every setting of a training run, read from YAML, validated all at once, changed by `--set a.b=c`.

Each class is owned by the room it names. An unknown key is an error that names the nearest key; every problem
of a recipe is reported together. No torch here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mere.errors import ConfigError, nearest


class Settings(BaseModel):
    """Base of all settings: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(Settings):
    """What is trained on (mere.data)."""

    path: str = Field(
        "", description="corpus folder or file; empty: the quick-start corpus, made on the spot"
    )
    languages: tuple[str, ...] | None = Field(None, description="language codes to keep; None keeps all")
    train_split: str = Field("train", description="split that is trained on")
    dev_split: str = Field("dev", description="split that stops training early and sets the thresholds")


class EncoderSettings(Settings):
    """The compact encoder: hashed features of units, then a context (mere.nn.encoders)."""

    name: str = Field("compact", description='"compact": from scratch, no download')
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


class AggregatorSettings(Settings):
    """The language-universal aggregator, LA (mere.nn.aggregator)."""

    layers: int = Field(1, ge=0, description="Transformer blocks; 0: no aggregator")
    heads: int = Field(8, ge=1, description="attention heads; must divide encoder.dim")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout inside the blocks, a probability")
    across_sentences: bool = Field(True, description="False blocks attention across sentences (the ablation)")


class SwitcherSettings(Settings):
    """The language-specific switcher, LS (mere.nn.switcher)."""

    width: int = Field(128, ge=0, description="bottleneck width; 0: no switcher")


class TriplesSettings(Settings):
    """Relation head, entity tagger, pair scorer, and how their losses are weighed (mere.models.triples)."""

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


class SamplingSettings(Settings):
    """Which sentences make an epoch, and which of them share a batch (mere.data.sampling)."""

    temperature: float = Field(
        1.0, gt=0, description="languages are drawn in proportion to n ** (1 / temperature)"
    )
    concat: int = Field(1, ge=1, description="m: sentences of different languages that are concatenated")
    concat_share: float = Field(0.5, ge=0, le=1, description="share of the batches that are concatenated")
    concat_after: float = Field(0.0, ge=0, le=1, description="share of the stage before concatenation begins")
    units_per_batch: int = Field(1600, ge=16, description="budget of padded units in a batch")
    mention_swap: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the sentences whose mentions are swapped for others of the same role",
    )
    mention_hide: float = Field(
        0.0,
        ge=0,
        le=1,
        description="probability that a mention is read as a name never seen: form and n-grams hidden",
    )


ParameterGroup = Literal["all", "encoder", "aggregator", "switcher", "heads"]
"""What a stage may train; `mere.models.triples.GROUPS` says which modules each is."""


class StageSettings(Settings):
    """One stage of training: what is sampled, what is trained, how long and how fast (mere.training)."""

    name: str = Field(description="name of the stage, as in `--set unified.epochs=3`")
    train: tuple[ParameterGroup, ...] = Field(
        ("all",), description="parameter groups that are trained; the rest is frozen"
    )
    epochs: float = Field(1.0, gt=0, description="epochs; one is as many sentences as the training split has")
    lr: float = Field(2e-3, gt=0, description="peak learning rate")
    warmup: float = Field(0.05, ge=0, le=1, description="share of the steps in which the rate rises")
    schedule: Literal["linear", "cosine", "constant"] = Field("cosine", description="how the rate falls to 0")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's decoupled weight decay")
    clip: float = Field(1.0, ge=0, description="largest gradient norm; 0 does not clip")
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
    use_aggregator: bool = Field(True, description="False passes the aggregator by, to warm the encoder up")
    use_switcher: bool = Field(False, description="rows go through their language's switcher")
    sampling: SamplingSettings = Field(default_factory=SamplingSettings, description="see SamplingSettings")


class Recipe(Settings):
    """One training run from corpus to model."""

    name: str = Field("run", description="name of the run, in its results and its model card")
    task: Literal["triples"] = Field("triples", description="what is extracted")
    seed: int = Field(0, ge=0, description="seeds initialisation, sampling and dropout")
    threads: int = Field(0, ge=0, description="CPU threads; 0 takes what torch finds")
    precision: Literal["fp32", "bf16"] = Field("bf16", description="bf16: autocast; the CRF stays in fp32")
    checkpoint_minutes: float = Field(
        3.0, ge=0, description="minutes between checkpoints; 0: after every step"
    )
    start: str = Field(
        "", description="safetensors file of weights to start from, such as a finished stage's; empty: random"
    )
    data: DataSettings = Field(default_factory=DataSettings)
    encoder: EncoderSettings = Field(default_factory=EncoderSettings)
    aggregator: AggregatorSettings = Field(default_factory=AggregatorSettings)
    switcher: SwitcherSettings = Field(default_factory=SwitcherSettings)
    triples: TriplesSettings = Field(default_factory=TriplesSettings)
    stages: tuple[StageSettings, ...] = Field(min_length=1, description="run one after the other")

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
        if self.encoder.dim % 2 or (self.aggregator.layers and self.encoder.dim % self.aggregator.heads):
            problems.append(f"encoder.dim {self.encoder.dim} must be even and divisible by aggregator.heads")
        for stage in self.stages:
            if not stage.use_aggregator and stage.sampling.concat > 1:
                problems.append(f"stage {stage.name} concatenates sentences, but passes the aggregator by")
            if stage.use_switcher and not self.switcher.width:
                problems.append(f"stage {stage.name} uses the switcher, but switcher.width is 0")
            if "switcher" in stage.train and not stage.use_switcher:
                problems.append(
                    f"stage {stage.name} trains the switcher, but does not use it (use_switcher: true)"
                )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @classmethod
    def read(cls, path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
        """Read a recipe from YAML and apply overrides such as `stage2.lr=1e-3` or `data.path=corpus`.

        Raises:
            ConfigError: the file is missing or malformed, or any key or value is wrong (all are listed).
        """
        path = Path(path)
        if not path.is_file():
            near = nearest(
                path.name, [p.name for p in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
            )
            raise ConfigError(f"{path}: there is no such recipe.{near}")
        try:
            tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not readable as YAML: {error}") from None
        if not isinstance(tree, dict):
            raise ConfigError(f"{path}: a recipe is a mapping of settings, found {type(tree).__name__}.")
        return cls.from_tree(tree, overrides, where=str(path))

    @classmethod
    def from_tree(cls, tree: dict[str, Any], overrides: Sequence[str] = (), where: str = "recipe") -> Recipe:
        """Validate settings that were read already, with overrides on top; `tree` stays as it is.

        Raises:
            ConfigError: any key or value is wrong (all are listed).
        """
        tree = copy.deepcopy(tree)
        for override in overrides:
            _apply(tree, override)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            problems = error.errors()
        if any(len(problem["loc"]) > 1 and problem["loc"][0] == "stages" for problem in problems):
            # pydantic leaves a wrong stage out and then misses it: that is no problem of its own
            problems = [problem for problem in problems if problem["type"] != "too_short"]
        names = [str(stage.get("name")) for stage in _stages(tree)]
        raise ConfigError([_explain(problem, where, names) for problem in problems])

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _apply(tree: dict[str, Any], override: str) -> None:
    """Set `a.b=c` in the tree; `stage2` and a stage's own name both lead to that stage."""
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'--set {override}: write it as key=value, for example "--set stage1.lr=1e-3".')
    node: Any = tree
    *parents, leaf = key.strip().split(".")
    for depth, name in enumerate(parents):
        if depth == 0 and (stage := _stage(tree, name)) is not None:
            node = stage
        elif isinstance(node, list):
            raise ConfigError(f'--set {key}: write "stage1.…" or "<stage name>.…" for a stage.')
        else:
            node = node.setdefault(name, {})
        if not isinstance(node, dict | list):
            raise ConfigError(f'--set {key}: "{name}" is a value, not a group of settings.')
    if isinstance(node, list):
        raise ConfigError(f'--set {key}: write "stage1.…" or "<stage name>.…" for a stage.')
    if not parents and leaf not in Recipe.model_fields and _stage(tree, leaf) is not None:
        raise ConfigError(f'--set {key}: is a stage. Name a setting of it, for example "{key}.lr=1e-3".')
    try:
        node[leaf] = yaml.safe_load(value)
        if isinstance(node[leaf], str) and not value.strip().startswith(("'", '"')):
            node[leaf] = float(value)  # YAML 1.1 reads 1e-3 as text
    except ValueError:
        pass
    except yaml.YAMLError:
        node[leaf] = value


def _stages(tree: dict[str, Any]) -> list[dict[str, Any]]:
    stages = tree.get("stages")
    return [stage for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []


def _stage(tree: dict[str, Any], name: str) -> dict[str, Any] | None:
    stages = _stages(tree)
    for index, stage in enumerate(stages, start=1):
        if name in (f"stage{index}", stage.get("name")):
            return stage
    if name.startswith("stage") and name[5:].isdigit():
        raise ConfigError(f"--set {name}.…: the recipe has {len(stages)} stages.")
    return None


def _explain(problem: Any, where: str, stage_names: Iterable[str]) -> str:
    """One line for one of pydantic's problems: where, what, and the nearest key."""
    path = ".".join(str(part + 1 if isinstance(part, int) else part) for part in problem["loc"])
    path = path.replace("stages.", "stage")
    if problem["type"] == "extra_forbidden":
        known = [*_keys_at(problem["loc"][:-1]), *(stage_names if len(problem["loc"]) == 1 else ())]
        return f'{where}: unknown key "{path}".{nearest(str(problem["loc"][-1]), known)}'
    if problem["type"] == "missing":
        return f'{where}: "{path}" is missing.'
    given = problem.get("input")
    shown = f", found {given!r}" if isinstance(given, str | int | float | bool) else ""
    said = problem["msg"].removeprefix("Value error, ")
    return f'{where}: "{path}": {said}{shown}.' if path else f"{where}: {said}."


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Recipe
    for part in loc:
        if isinstance(part, int):
            model = StageSettings
        else:
            annotation = model.model_fields[part].annotation
            if get_origin(annotation) is not None:  # tuple[…], which Python 3.10 takes for a class
                continue
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
    return list(model.model_fields)
