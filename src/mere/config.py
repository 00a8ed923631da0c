"""A recipe: every setting of a training run, read from YAML, validated all at once, changed by `--set a.b=c`.

Each class is owned by the room it names. An unknown key is an error that names the nearest key; every problem
of a recipe is reported together. No torch here.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from mere.errors import ConfigError, nearest


class Settings(BaseModel):
    """Base of all settings: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(Settings):
    """What is trained on (mere.data)."""

    path: str | tuple[str, ...] = Field(
        "", description="corpus folder or file, or several; empty: the quick-start corpus, made on the spot"
    )

    @property
    def where(self) -> str:
        """The corpora, for a message."""
        paths = self.path if isinstance(self.path, str) else " ".join(self.path)
        return paths or "the quick-start corpus"

    types: dict[str, str] = Field(
        default_factory=dict,
        description='entity types renamed ("PERS: PER") or left out ("DATE: drop"); "*" is every other one',
    )
    languages: tuple[str, ...] | None = Field(None, description="language codes to keep; None keeps all")
    limit: int = Field(
        0, ge=0, description="training sentences per language, drawn by the recipe's seed; 0 takes all"
    )
    train_split: str = Field("train", description="split that is trained on")
    dev_split: str = Field("dev", description="split that stops training early and sets the thresholds")


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


EncoderSettings = (
    CompactSettings | ByteWordsSettings | ByteStreamSettings | BytesSettings | PretrainedSettings
)
_ENCODERS: dict[str, type[Settings]] = {
    "compact": CompactSettings,
    "byte-words": ByteWordsSettings,
    "byte-stream": ByteStreamSettings,
    "bytes": BytesSettings,
    "pretrained": PretrainedSettings,
}
OWN_ENCODERS = tuple(name for name in _ENCODERS if name != "pretrained")
"""Those that begin from scratch."""


def _encoder_name(value: Any) -> str:
    """Return which encoder settings are for: one of `_ENCODERS`, or an unknown word.

    `kind` says it, else the name: one of ours, a folder, a hub name with its owner ("org/name"), or a bare hub
    name ("bert-base-cased"). A bare word that is nearly one of ours is taken for a slip.
    """
    given = value if isinstance(value, dict) else {key: getattr(value, key, None) for key in ("kind", "name")}
    if given.get("kind") is not None:
        return str(given["kind"])
    name = str(given.get("name") or "compact")
    if name in _ENCODERS or re.search(r"[/\\.~]", name) or Path(name).is_dir():
        return name if name in _ENCODERS else "pretrained"
    return name if difflib.get_close_matches(name, _ENCODERS, cutoff=0.7) else "pretrained"


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

    shared: bool = Field(
        True, description="False: relations are read by an encoder of their own, and only named to the tagger"
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


class ObjectiveSettings(Settings):
    """How the losses of the languages in a batch become one step (mere.training.objectives)."""

    name: Literal["sum", "uncertainty", "pcgrad", "gradvac", "mgda"] = Field(
        "sum", description="sum: nothing special; the last three weigh each language's own gradient"
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
        if self.scope is not None and self.name in ("sum", "uncertainty"):
            raise ValueError(f"{self.name} does not compare gradients, so it has no scope")
        return self

    def options(self) -> dict[str, Any]:
        """Return what the objective's constructor takes, as far as it was given."""
        return self.model_dump(include={"scope", "beta"}, exclude_none=True)


ParameterGroup = Literal["all", "encoder", "aggregator", "switcher", "heads"]
"""What a stage may train; `mere.models.model.GROUPS` says which modules each is."""

Task = Literal["entities", "triples"]


class StageSettings(Settings):
    """One stage of training: what is sampled, what is trained, how long and how fast (mere.training)."""

    name: str = Field(description="name of the stage, as in `--set unified.epochs=3`")
    train: tuple[ParameterGroup, ...] = Field(
        ("all",), description="parameter groups that are trained; the rest is frozen"
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
    per_language: bool = Field(
        False, description="train a copy for each language on its own sentences; only the last stage may"
    )
    lora: int = Field(
        0, ge=0, description="rank of the change of each weight matrix that is trained; 0: the matrix itself"
    )
    objective: ObjectiveSettings = Field(
        default_factory=ObjectiveSettings, description="see ObjectiveSettings"
    )
    sampling: SamplingSettings = Field(default_factory=SamplingSettings, description="see SamplingSettings")


class Recipe(Settings):
    """One training run from corpus to model."""

    name: str = Field("run", description="name of the run, in its results and its model card")
    task: tuple[Task, ...] = Field(
        ("triples",), min_length=1, description='what is extracted: "entities", "triples" or both in a list'
    )
    regime: str = Field("", description="which of the recipe's `regimes` this is (see Recipe.from_tree)")
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
    encoder: Annotated[
        Annotated[CompactSettings, Tag("compact")]
        | Annotated[ByteWordsSettings, Tag("byte-words")]
        | Annotated[ByteStreamSettings, Tag("byte-stream")]
        | Annotated[BytesSettings, Tag("bytes")]
        | Annotated[PretrainedSettings, Tag("pretrained")],
        Discriminator(_encoder_name),
    ] = Field(default_factory=CompactSettings, description="one of the encoders, told by its `name`")
    aggregator: AggregatorSettings = Field(default_factory=AggregatorSettings)
    switcher: SwitcherSettings = Field(default_factory=SwitcherSettings)
    triples: TriplesSettings = Field(default_factory=TriplesSettings)
    entities: EntitiesSettings = Field(default_factory=EntitiesSettings)
    stages: tuple[StageSettings, ...] = Field(min_length=1, description="run one after the other")

    @field_validator("task", mode="before")
    @classmethod
    def _one_task_is_a_list_of_one(cls, task: Any) -> Any:
        return [task] if isinstance(task, str) else task

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
        if not isinstance(self.encoder, PretrainedSettings):  # its width is known when it is built
            dim = self.encoder.dim
            if dim % 2 or (self.aggregator.layers and dim % self.aggregator.heads):
                problems.append(f"encoder.dim {dim} must be even and divisible by aggregator.heads")
        problems += _misfits(self.encoder.name, self.task, self.entities.decoder)
        for stage in self.stages[:-1]:
            if stage.per_language:
                problems.append(f"stage {stage.name} is per language, so it must be the last one")
        for stage in self.stages:
            if stage.lora and not stage.per_language:
                problems.append(f"stage {stage.name} has a lora rank, which only a stage per_language uses")
            if stage.steps and stage.seconds:
                problems.append(f"stage {stage.name} has a number of steps and of seconds; give one of them")
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
                _apply(tree, override)
        if regimes:
            name = str(tree.get("regime", ""))
            if name not in regimes:
                known = ", ".join(regimes)
                raise ConfigError(f'{where}: no regime "{name}".{nearest(name, regimes)} There are: {known}.')
            tree = _merged(tree, regimes[name])
        kind = _encoder_name(tree.get("encoder", {}))
        recipe_alone = copy.deepcopy(tree)
        for override in overrides:
            _apply(tree, override)
        if _encoder_name(tree.get("encoder", {})) != kind:  # the settings of the other kind go with it
            tree = {**recipe_alone, "encoder": {}}
            for override in overrides:
                _apply(tree, override)
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            problems = error.errors()
        # pydantic leaves a wrong stage or task out and then misses it: that is no problem of its own
        lists = {problem["loc"][0] for problem in problems if len(problem["loc"]) > 1}
        problems = [p for p in problems if p["type"] != "too_short" or p["loc"][0] not in lists]
        names = [str(stage.get("name")) for stage in _stages(tree)]
        raise ConfigError([_explain(problem, where, names) for problem in problems])

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def read_tree(path: str | Path) -> dict[str, Any]:
    """Read a recipe's settings as they stand in its file, with its `regimes`; nothing is validated.

    Raises:
        ConfigError: the file is missing, or is no mapping in YAML.
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
    return tree


def _merged(tree: dict[str, Any], on_top: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others on top, group by group; a list is replaced whole."""
    merged = dict(tree)
    for key, value in on_top.items():
        before = merged.get(key)
        merged[key] = (
            _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
        )
    return merged


def _misfits(encoder: str, task: tuple[Task, ...], decoder: str) -> list[str]:
    """Say which heads cannot read the pieces of an encoder."""
    problems = []
    if encoder == "bytes" and "triples" in task:
        problems.append(
            "the task triples needs an encoder with context, which bytes has not: take byte-stream"
        )
    if encoder == "bytes" and "entities" in task and decoder != "spans":
        problems.append(
            f"the encoder bytes has no context, which entities.decoder {decoder} needs: "
            "take the decoder spans, or the encoder byte-stream"
        )
    if encoder == "byte-stream" and "entities" in task and decoder == "crf":
        problems.append(
            "entities.decoder crf may begin or end an entity inside a character of the encoder byte-stream: "
            "take the decoder types or spans, or the encoder byte-words"
        )
    return problems


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
    loc = problem["loc"]
    if loc[:1] == ("encoder",) and len(loc) > 1 and loc[1] in _ENCODERS:
        loc = (loc[0], *loc[2:])  # pydantic names the kind of encoder too
    path = ".".join(str(part + 1 if isinstance(part, int) else part) for part in loc)
    path = path.replace("stages.", "stage")
    if problem["type"] == "extra_forbidden":
        known = [*_keys_at(problem["loc"][:-1]), *(stage_names if len(problem["loc"]) == 1 else ())]
        return f'{where}: unknown key "{path}".{nearest(str(problem["loc"][-1]), known)}'
    if problem["type"] == "union_tag_invalid":
        name = _encoder_name(problem["input"])
        return (
            f'{where}: unknown encoder "{name}".{nearest(name, _ENCODERS)} There are: {", ".join(OWN_ENCODERS)}, '
            "and any hub name or folder with encoder.kind=pretrained."
        )
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
        elif part in _ENCODERS:
            model = _ENCODERS[part]
        elif part in model.model_fields:
            annotation = model.model_fields[part].annotation
            if get_origin(annotation) is not None:  # tuple[…], which Python 3.10 takes for a class
                continue
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
    return list(model.model_fields)
