"""A recipe: every setting of a training run, read from YAML, validated all at once, changed by `--set a.b=c`.

Each class is owned by the room it names. An unknown key is an error that names the nearest key; every problem
of a recipe is reported together. No torch here.
"""

from mere.config.base import Settings
from mere.config.encoders import (
    ENCODERS,
    OWN_ENCODERS,
    BytesSettings,
    ByteStreamSettings,
    ByteWordsSettings,
    CompactSettings,
    EncoderKind,
    EncoderSettings,
    PretrainedSettings,
    SwitcherSettings,
    encoder_kind,
)
from mere.config.recipe import DataSettings, Recipe
from mere.config.stages import ObjectiveSettings, ParameterGroup, SamplingSettings, StageSettings
from mere.config.tasks import DecodingSettings, EntitiesSettings, Task, TriplesSettings
from mere.config.tree import read_tree

__all__ = [
    "ENCODERS",
    "OWN_ENCODERS",
    "ByteStreamSettings",
    "ByteWordsSettings",
    "BytesSettings",
    "CompactSettings",
    "DataSettings",
    "DecodingSettings",
    "EncoderKind",
    "EncoderSettings",
    "EntitiesSettings",
    "ObjectiveSettings",
    "ParameterGroup",
    "PretrainedSettings",
    "Recipe",
    "SamplingSettings",
    "Settings",
    "StageSettings",
    "SwitcherSettings",
    "Task",
    "TriplesSettings",
    "encoder_kind",
    "read_tree",
]
