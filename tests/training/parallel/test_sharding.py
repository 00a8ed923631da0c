"""Which encoders are not cut into parts; what is, is trained by two processes in test_processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from mere.data.pieces import fit_pieces
from mere.errors import ConfigError
from mere.models.model import Model, build
from mere.schema import Labels
from mere.training.parallel.processes import Processes
from mere.training.parallel.sharding import shard_encoder
from tests import checkpoints, tiny


def made(folder: Path, **changes: Any) -> Model:
    encoder = {"name": str(checkpoints.make("deberta-v2", folder))}
    recipe = tiny.recipe(encoder=encoder, sharding="full", **changes)
    pieces = fit_pieces(recipe.encoder, tiny.SENTENCES)
    return build(recipe, Labels.from_sentences(tiny.SENTENCES), pieces)


def test_an_encoder_that_languages_go_through_one_by_one_is_refused(tmp_path: Path) -> None:
    """DeBERTa's LoRA: a process computes it once per language of its rows, and others have other languages."""
    model = made(tmp_path / "encoder", switcher={"kind": "lora", "rank": 2})
    with pytest.raises(ConfigError, match=r"language by language.*switcher.kind=adapters.*or sharding=none"):
        shard_encoder(model, Processes(0, 2), torch.device("cpu"))


def test_an_encoder_without_known_layers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = made(tmp_path / "encoder")
    monkeypatch.setattr(model.encoder, "layers", dict)
    with pytest.raises(ConfigError, match=r"not known which modules .* are its layers.*sharding=none"):
        shard_encoder(model, Processes(0, 2), torch.device("cpu"))
