"""A run that is killed and resumed ends in the same bits as one that was left alone."""

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from mere.data.corpus import Corpus
from mere.errors import ConfigError, DataError, MereError, ModelError, UserError
from mere.store import files
from mere.store.files import write_json
from mere.training.checkpoint import RunProgress, load_checkpoint, save_checkpoint
from mere.training.folder import RunFolder
from mere.training.loop import StageLoop
from mere.training.run import train
from tests import apart, tiny
from tests.training.interrupted import cut_off


@pytest.fixture(scope="module")
def short(tiny_corpus):
    """Both stages in a few dozen steps, a checkpoint after each, with everything that draws random numbers."""
    base = tiny.recipe()
    stages = [stage.model_dump() for stage in base.stages]
    stages[0] |= {"epochs": 4, "lr": 0.008, "ema": 0.9, "gradient_accumulation": 2}
    stages[0]["sampling"] |= {"mention_replacement": 0.5}
    stages[1] |= {"epochs": 2}
    encoder = base.encoder.model_dump() | {"dropout": 0.3, "unit_dropout": 0.2}
    return tiny.recipe(
        data={"path": str(tiny_corpus)},
        encoder=encoder,
        stages=stages,
        checkpoint_minutes=0,
        precision="bf16",
    )


@pytest.fixture(scope="module")
def whole(short, tmp_path_factory):
    """The run that nobody stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    train(short, run, progress=False)
    return run


def assert_same_weights(a: Path, b: Path) -> None:
    assert (a / "model.safetensors").read_bytes() == (b / "model.safetensors").read_bytes()


@pytest.mark.parametrize("steps", [1, 5, 11])
def test_stopped_and_resumed_equals_uninterrupted(short, whole, tmp_path, steps):
    cut_off(short, tmp_path / "cut", steps)
    resumed = train(short, tmp_path / "cut", resume=True, progress=False)
    assert_same_weights(whole / "model", resumed)
    assert (whole / "log.jsonl").read_text() == (tmp_path / "cut/log.jsonl").read_text()


def test_killed_with_sigkill_at_any_moment_equals_uninterrupted(short, whole, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(short.model_dump(mode="json")), encoding="utf-8")
    said = tmp_path / "said.txt"
    command = ["train", str(recipe), "--out", str(tmp_path / "cut"), "--resume"]
    begin = partial(apart.begin, apart.mere, os.environ, said, *command)
    kills = 0
    for delay in (0.0, 0.35, 0.8):
        process = begin()
        while not (tmp_path / "cut" / "checkpoint.safetensors").exists() and process.is_alive():
            time.sleep(0.01)
        time.sleep(delay)
        kills += process.is_alive()
        process.kill()
        process.join()
    assert kills
    last = begin()
    last.join()
    assert last.exitcode == 0, said.read_text(encoding="utf-8")
    assert_same_weights(whole / "model", tmp_path / "cut" / "model")


def test_a_run_is_not_overwritten_nor_resumed_as_another(short, whole):
    out, model = whole, whole / "model"
    with pytest.raises(UserError, match=r"holds a run already.*--resume"):
        train(short, out, progress=False)
    other = short.model_copy(update={"seed": 5})
    with pytest.raises(ConfigError, match=r"seed: 2 -> 5"):
        train(other, out, resume=True, progress=False)
    before = (model / "model.safetensors").stat().st_mtime_ns
    assert train(short, out, resume=True, progress=False) == model  # finished: left as it is
    assert (model / "model.safetensors").stat().st_mtime_ns == before


def test_a_run_goes_on_with_settings_that_only_change_what_it_needs(short, tmp_path, tiny_corpus):
    claim = partial(RunFolder(tmp_path / "run").claim, corpus=Corpus({"train": tiny.SENTENCES}))
    assert claim(short, resume=False) == ""
    stages = [stage.model_copy(update={"gradient_accumulation": 4}) for stage in short.stages]
    said = claim(short.model_copy(update={"stages": tuple(stages)}), resume=True)
    assert "stages1.gradient_accumulation: 2 -> 4" in said
    assert said.endswith("weights agree to rounding only")
    faster = [stage.model_copy(update={"lr": 1.0}) for stage in stages]
    with pytest.raises(ConfigError, match=r"stages1.lr: 0.008 -> 1.0, stages2.gradient_acc"):
        claim(short.model_copy(update={"stages": tuple(faster)}), resume=True)


def test_resume_refuses_a_corpus_that_has_changed(short, tmp_path, tiny_corpus):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for file in tiny_corpus.iterdir():
        (corpus / file.name).write_bytes(file.read_bytes())
    recipe = short.model_copy(update={"data": short.data.model_copy(update={"path": str(corpus)})})
    train(recipe, tmp_path / "run", progress=False)
    text = (corpus / "de.train.jsonl").read_text(encoding="utf-8")
    (corpus / "de.train.jsonl").write_text(text.replace("Am Abend", "Am Morgen"), encoding="utf-8")
    with pytest.raises(DataError, match="the corpus has changed since this run began"):
        train(recipe, tmp_path / "run", resume=True, progress=False)


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"step": torch.tensor(1)}, RunProgress(stage_run=1))

    def full(tensors, file, metadata=None):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "save_file", full)
    with pytest.raises(MereError, match=r"No space left.*What was there is untouched.*--resume"):
        save_checkpoint(path, {"step": torch.tensor(2)}, RunProgress(stage_run=2))
    tensors, progress = load_checkpoint(path)
    assert tensors["step"] == 1
    assert progress.stage_run == 1
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_a_full_disk_while_writing_json_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "metrics.json"
    write_json(path, {"f1": 1})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MereError, match="No space left on device"):
        write_json(path, {"f1": 2})
    assert json.loads(path.read_text()) == {"f1": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


def test_a_run_that_an_earlier_version_began_is_still_this_run(short, tmp_path):
    """Settings under their former names."""
    claim = partial(RunFolder(tmp_path / "run").claim, corpus=Corpus({"train": tiny.SENTENCES}))
    assert claim(short, resume=False) == ""
    file = tmp_path / "run" / "run.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    record["recipe"]["dev_units_per_batch"] = record["recipe"].pop("dev_pieces_per_batch")
    for stage in record["recipe"]["stages"]:
        stage["clip"] = stage.pop("max_grad_norm")
        stage["sampling"]["concat"] = stage["sampling"].pop("group_size")
    del record["device"], record["recipe"]["device"]
    file.write_text(json.dumps(record), encoding="utf-8")
    assert claim(short, resume=True) == ""


def test_a_checkpoint_cut_short_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"x": torch.zeros(1000)}, RunProgress())
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ModelError, match=r"not a whole checkpoint"):
        load_checkpoint(path)


def test_the_saved_state_is_complete(short, tmp_path):
    """Every tensor that AdamW keeps is in the checkpoint: none is rebuilt from scratch in silence."""
    run = tmp_path / "run"
    seen = {}
    original = StageLoop.state

    def spy(self):
        state = original(self)
        if self.step:
            seen.update({name: len(self.parameters) for name in state})
        return state

    StageLoop.state = spy
    try:
        model = train(short, run, progress=False)
    finally:
        StageLoop.state = original
    names = {
        name.removeprefix("optimizer.exp_avg.") for name in seen if name.startswith("optimizer.exp_avg.")
    }
    assert names <= set(load_file(model / "model.safetensors"))
    assert len(names) > 20
