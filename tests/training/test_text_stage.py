"""Stages that learn from text: what they learn, what they leave behind, and that they resume to the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mere.config import Recipe
from mere.data.batching import collate
from mere.data.examples import ExampleMaker
from mere.data.pieces import HashedUnits, fit_pieces
from mere.errors import ConfigError, DataError
from mere.models.model import build
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.nn.encoders import CompactEncoder
from mere.schema import Labels
from mere.training.loop import StageLoop
from mere.training.parallel.processes import ONE_PROCESS
from mere.training.parallel.split_batch import split_batch
from mere.training.run import train
from mere.training.run_data import RunData
from mere.training.source import BatchSource
from mere.training.text import TextData
from mere.types import Sentence
from tests import tiny
from tests.training.interrupted import cut_off

CPU = torch.device("cpu")
READ: dict[str, Any] = {
    "name": "read",
    "objective": "masked",
    "train": ["encoder"],
    "epochs": 6,
    "lr": 0.008,
    "sampling": {"pieces_per_batch": 80, "mask_probability": 0.3},
}


def stages(**changes: Any) -> list[dict[str, Any]]:
    after = [stage.model_dump() | {"epochs": 2.0} for stage in tiny.recipe().stages]
    return [READ | changes, *after]


def source(recipe: Recipe, texts: tuple[Sentence, ...] = tiny.SENTENCES) -> BatchSource:
    pieces = fit_pieces(recipe.encoder, tiny.SENTENCES, texts)
    data = TextData(texts, ExampleMaker(pieces, Labels.from_sentences(tiny.SENTENCES)))
    stage = recipe.stages[0]
    return BatchSource(data, recipe=recipe, sampling=stage.sampling, epochs=stage.epochs, seed=[0])


def begun(recipe: Recipe) -> StageLoop:
    batches = source(recipe)
    torch.manual_seed(0)
    model = build(recipe, batches.data.maker.labels)
    model.begin_text()
    return StageLoop(model, recipe, recipe.stages[0], batches)


def test_a_tiny_text_is_learned_by_heart() -> None:
    """A unit that is hidden alone is told from all units of its sentence."""
    sampling = {"pieces_per_batch": 400, "mask_probability": 0.2}
    loop = begun(tiny.recipe(stages=stages(epochs=300, lr=0.004, sampling=sampling)))
    losses = [report.losses["text"] for report in loop.run()]
    assert losses[-1] < losses[0] / 4
    model, maker = loop.model.eval(), loop.source.data.maker
    assert model.text is not None
    assert isinstance(model.encoder, CompactEncoder)
    right = []
    for sentence in tiny.SENTENCES:
        _, example = maker.text(sentence.text, sentence.lang)
        assert example is not None
        candidates = torch.from_numpy(np.unique(example.pieces, axis=0))
        for place, was in enumerate(example.pieces):
            batch = collate([example])
            maker.pieces.mask(batch.pieces, np.arange(len(example.pieces))[None] == place)
            with torch.inference_mode():
                context = model.encode(to_tensors(batch, CPU))[:, place]
                scores = model.text.matcher(context, model.encoder.units(candidates))
            right.append(bool((candidates[scores.argmax()].numpy() == was).all()))
    assert len(right) > 100
    assert sum(right) / len(right) > 0.95


def test_the_loss_is_the_cross_entropy_over_the_candidates() -> None:
    loop = begun(tiny.recipe(stages=stages()))
    batch, targets = loop.source[0]
    hidden = targets_to_tensors(targets, CPU).text
    assert hidden is not None
    assert loop.model.text is not None
    assert isinstance(loop.model.encoder, CompactEncoder)
    (items,) = loop.model.item_losses(to_tensors(batch, CPU), targets_to_tensors(targets, CPU)).values()
    vectors = loop.model.encode(to_tensors(batch, CPU))
    units = loop.model.encoder.units(hidden.candidates)
    for n in range(len(hidden.row)):
        scores = loop.model.text.matcher(vectors[hidden.row[n], hidden.piece[n]][None], units)[0]
        expected = scores.exp().sum().log() - scores[hidden.answer[n]]
        torch.testing.assert_close(items.values[n], expected)
    assert loop.model.num_items(to_tensors(batch, CPU), targets_to_tensors(targets, CPU)) == {
        "text": len(hidden.row)
    }


@pytest.mark.parametrize("size", [2, 40])
def test_shares_of_a_batch_tell_their_units_from_those_of_all(size: int) -> None:
    loop = begun(tiny.recipe(stages=stages()))
    batch, targets = loop.source[0]
    (whole,) = loop.model.item_losses(to_tensors(batch, CPU), targets_to_tensors(targets, CPU)).values()
    found: list[float] = []
    for rank in range(size):
        own, taught = split_batch(batch, targets, rank, size)
        if len(own.lang_id) and taught.text is not None and len(taught.text.row):
            (items,) = loop.model.item_losses(to_tensors(own, CPU), targets_to_tensors(taught, CPU)).values()
            found += items.values.tolist()
    assert sorted(found) == pytest.approx(sorted(whole.values.tolist()), rel=1e-4)


def test_a_long_text_is_read_in_windows_to_its_end() -> None:
    words = " ".join(f"wort{n}" for n in range(600))
    long = Sentence("long", "de", words)
    batches = source(tiny.recipe(stages=stages()), (*tiny.SENTENCES, long))
    data = batches.data
    windows = [s.text for s in data.sentences if s.id == "long"]
    assert len(windows) > 2
    assert " ".join(windows).split() == words.split()
    assert data.lengths.max() <= data.maker.pieces.window


def test_what_reading_leaves_behind_is_an_encoder(tiny_corpus: Path, tmp_path: Path) -> None:
    """The next stage begins with it; nothing else was touched, and no file keeps the matcher."""
    recipe = tiny.recipe(data={"path": str(tiny_corpus)}, stages=stages())
    train(recipe, tmp_path / "run", progress=False)
    read = load_file(tmp_path / "run" / "read.safetensors")
    stored = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert read.keys() == stored.keys()
    assert not any(name.startswith("text") for name in read)
    maker = source(recipe).data.maker
    torch.manual_seed(recipe.seed)
    first = build(recipe, maker.labels).state_dict()
    moved = {name.split(".")[0] for name, tensor in read.items() if not torch.equal(tensor, first[name])}
    assert moved == {"encoder"}
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    stages_scored = [record["stage"] for record in log if record["event"] == "evaluation"]
    assert "read" not in stages_scored
    first_score = next(record for record in log if record["event"] == "evaluation")
    assert first_score["step"] > 0, "what has read but never extracted is no candidate"


@pytest.mark.parametrize("steps", [2, 9])
def test_stopped_while_reading_and_resumed_equals_uninterrupted(
    tiny_corpus: Path, tmp_path: Path, steps: int
) -> None:
    encoder = tiny.recipe().encoder.model_dump() | {"dropout": 0.3, "unit_dropout": 0.2}
    recipe = tiny.recipe(
        data={"path": str(tiny_corpus)},
        encoder=encoder,
        stages=stages(ema=0.9, gradient_accumulation=2),
        checkpoint_minutes=0,
        precision="bf16",
    )
    whole = train(recipe, tmp_path / "whole", progress=False)
    cut_off(recipe, tmp_path / "cut", steps)
    resumed = train(recipe, tmp_path / "cut", resume=True, progress=False)
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()
    assert (tmp_path / "whole/log.jsonl").read_text() == (tmp_path / "cut/log.jsonl").read_text()


def test_a_run_is_not_resumed_on_another_text(tiny_corpus: Path, tmp_path: Path) -> None:
    text = tmp_path / "de.txt"
    text.write_text("Ein Satz mehr.\n", encoding="utf-8")
    recipe = tiny.recipe(data={"path": str(tiny_corpus), "text": str(text)}, stages=stages())
    cut_off(recipe, tmp_path / "run", 3)
    text.write_text("Ein anderer.\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"data\.text .*de\.txt: it has changed since this run began"):
        train(recipe, tmp_path / "run", resume=True, progress=False)


def test_text_that_no_stage_reads_is_told(tiny_corpus: Path) -> None:
    recipe = tiny.recipe(data={"path": str(tiny_corpus), "text": "nowhere"})
    notes = RunData.read(recipe, ONE_PROCESS).notes
    assert notes == ("data.text is not read: no stage learns from text (objective: masked)",)


def test_rare_features_are_known_where_text_has_them(tiny_corpus: Path, tmp_path: Path) -> None:
    """What occurs once in training is read all the same if the text has it again."""
    encoder = tiny.recipe().encoder.model_dump() | {"min_count": 2}
    recipe = tiny.recipe(encoder=encoder)
    again = Sentence("x", "de", "Erika Lohmann kam.")
    few, more = (fit_pieces(recipe.encoder, tiny.SENTENCES, text) for text in ((), (*tiny.SENTENCES, again)))
    assert isinstance(few, HashedUnits)
    assert isinstance(more, HashedUnits)
    assert few.features.known is not None
    assert more.features.known is not None
    assert set(few.features.known.tolist()) < set(more.features.known.tolist())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": stages(train=["encoder", "heads"])}, "which is for the encoder: train [encoder]"),
        ({"stages": stages(per_language=True)}, "stage read learns from text of all languages"),
        ({"stages": [READ]}, "and one that learns from annotations follows"),
        ({"stages": [*stages()[1:], READ]}, "masked stages come first"),
        (
            {"stages": stages(), "encoder": {"name": "byte-words"}, "task": "entities"},
            "encoder.name byte-words learns from annotations only",
        ),
    ],
)
def test_a_recipe_that_cannot_read_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        tiny.recipe(**changes)
    assert said in str(refused.value)
