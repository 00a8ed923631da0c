"""LoRA in peft's format: keys and values worked by hand, and peft itself reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.command import mere, worked
from tests.models.encoder_switcher_models import batch_of, close, recipe, written

pytest.importorskip("transformers")

import transformers

from mere.errors import ModelError
from mere.languages.adapters import export_adapter, write_adapter
from mere.models.backend import load_predictor, model_of
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import PretrainedEncoder
from tests import checkpoints

UP, DOWN = (
    torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 3.0]]),
)
UNTOUCHED = ("switcher", "aggregator", "triples")  # noise there leaves the encoder as its checkpoint has it


def test_what_is_written_by_hand(tmp_path: Path) -> None:
    write_adapter(tmp_path, {"layer.0.query": (UP, DOWN)}, rank=2, base="org/name")
    stored = load_file(tmp_path / "adapter_model.safetensors")
    assert stored.keys() == {f"base_model.model.layer.0.query.lora_{factor}.weight" for factor in "AB"}
    assert torch.equal(stored["base_model.model.layer.0.query.lora_A.weight"], DOWN)
    assert torch.equal(stored["base_model.model.layer.0.query.lora_B.weight"], UP)
    config = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["lora_alpha"] / config["r"] == 1, "the scale is ours"
    assert (config["peft_type"], config["target_modules"], config["bias"]) == (
        "LORA",
        ["layer.0.query"],
        "none",
    )


class Made:
    """A model of a family, not trained, and what the tests need of it."""

    def __init__(self, folder: Path, family: str, **changes: Any):
        self.checkpoint = checkpoints.make(family, folder / "checkpoint")
        parts = changes.pop("parts", UNTOUCHED)
        self.recipe = recipe({"name": str(self.checkpoint), "words": "none"}, "lora", **changes)
        self.folder = written(folder / "model", self.recipe, parts=parts)
        self.predictor = load_predictor(self.folder)
        encoder, switcher = model_of(self.predictor).encoder, model_of(self.predictor).switcher
        assert isinstance(encoder, PretrainedEncoder)
        assert isinstance(switcher, LoraSwitcher)
        self.encoder, self.switcher = encoder, switcher


def test_the_command_writes_a_language(tmp_path: Path) -> None:
    made = Made(tmp_path, "bert")
    out = tmp_path / "lora-de"
    done = worked(mere("export", made.folder, "--lang", "de", "--as", "peft", "--out", out))
    assert done.stdout == f"{out}\n"
    assert f"de: LoRA of {made.checkpoint}" in done.stderr
    assert {path.name for path in out.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}


def test_models_that_peft_cannot_hold(tmp_path: Path) -> None:
    checkpoint = checkpoints.make("bert", tmp_path / "checkpoint")
    model = written(tmp_path / "model", recipe({"name": str(checkpoint)}, "adapters"))
    with pytest.raises(ModelError, match=r"its languages are not LoRA in the encoder.*switcher\.kind=lora"):
        export_adapter(model, "de", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@torch.inference_mode()
def hidden(made: Made, lang: str, theirs: Any) -> tuple[Tensor, Tensor]:
    """The subwords' vectors by a language's route, and what a model of transformers gives for the same ids."""
    batch = batch_of(made.predictor.maker, lang)
    ours = model_of(made.predictor).eval().encode(batch)
    specials = made.encoder.checkpoint.specials
    rows = []
    for pieces, is_piece in zip(batch.pieces, batch.is_piece, strict=True):
        ids = [*specials.before, *(pieces[is_piece][:, 0] - 1).tolist(), *specials.after]
        states = theirs(input_ids=torch.tensor([ids])).last_hidden_state[0]
        rows.append(states[len(specials.before) : len(ids) - len(specials.after)])
    return ours[batch.is_piece], torch.cat(rows)


def whole(folder: str | Path, family: str) -> Any:
    auto = transformers.AutoModelForTextEncoding if family == "t5" else transformers.AutoModel
    return auto.from_pretrained(folder).eval()


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_peft_loads_what_we_write(family: str, trained: bool, tmp_path: Path) -> None:
    """With the checkpoint where the encoder has its weights still, else with the encoder that is written beside."""
    peft = pytest.importorskip("peft")
    made = Made(tmp_path, family, parts=(*UNTOUCHED, "encoder") if trained else UNTOUCHED)
    base = export_adapter(made.folder, "te", tmp_path / "lora")
    assert base == (str(tmp_path / "lora" / "base") if trained else str(made.checkpoint))
    if trained:
        assert (tmp_path / "lora" / "base" / "tokenizer.json").is_file()
    theirs = peft.PeftModel.from_pretrained(whole(base, family), tmp_path / "lora").eval()
    close(*hidden(made, "te", theirs))
    with theirs.disable_adapter():
        ours, plain = hidden(made, "te", theirs)
    assert (ours - plain).abs().max() > 1e-3
