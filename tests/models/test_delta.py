"""A language's own weights: differences give back every bit, copies share the rest, folders route by language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mere.errors import ModelError
from mere.models.backend import load_predictor, predictor_of
from mere.models.delta import changed, difference, specialised
from mere.models.model import Model, build
from mere.schema import UNIVERSAL
from tests.models.seven_languages import ALL, LABELS, MAKER, PIECES, TEXTS, example, numbers, recipe_of, run
from tests.store.folders import write_model

Tensors = dict[str, Tensor]


def state(model: nn.Module) -> Tensors:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def bits(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def assert_gives_back(base: Tensors, own: Tensors) -> dict[str, Tensor]:
    delta = difference(base, own)
    before = {name: bits(tensor) for name, tensor in base.items()}
    whole = {**base, **changed(base, delta)}
    assert whole.keys() == own.keys()
    assert all(bits(whole[name]) == bits(own[name]) for name in own)
    assert all(bits(base[name]) == before[name] for name in base), "the base is left alone"
    return delta


def tensors(seed: int) -> Tensors:
    generator = torch.Generator().manual_seed(seed)
    return {
        "table.weight": torch.randn(10, 3, generator=generator),
        "layer.cube": torch.randn(5, 2, 2, generator=generator),
        "layer.bias": torch.randn(8, generator=generator),
        "layer.half": torch.randn(6, 4, generator=generator).bfloat16(),
        "layer.scale": torch.randn((), generator=generator),
        "steps": torch.arange(4),
    }


def test_nothing_changed_nothing_stored() -> None:
    assert difference(tensors(0), tensors(0)) == {}
    assert changed(tensors(0), {}) == {}


def test_everything_changed() -> None:
    own = tensors(1) | {"steps": torch.tensor([7, 1, 2, 3])}
    delta = assert_gives_back(tensors(0), own)
    assert set(delta) == {f"whole.{name}" for name in own}


@pytest.mark.parametrize(
    ("rows", "kind"), [([3], "rows"), ([0, 2, 5, 9], "rows"), ([0, 1, 2, 3, 4], "whole")]
)
def test_less_than_half_of_the_rows_are_stored_as_rows(rows: list[int], kind: str) -> None:
    base, own = tensors(0), tensors(0)
    own["table.weight"][rows, 1] += 1
    delta = assert_gives_back(base, own)
    if kind == "rows":
        assert set(delta) == {"rows.table.weight", "values.table.weight"}
        assert delta["rows.table.weight"].tolist() == rows
        assert delta["values.table.weight"].shape == (len(rows), 3)
    else:
        assert set(delta) == {"whole.table.weight"}


def test_the_least_change_is_kept() -> None:
    base, own = tensors(0), tensors(0)
    own["table.weight"][2, 2] = torch.nextafter(own["table.weight"][2, 2], torch.tensor(9.0))
    own["layer.cube"][4, 0, 1] *= -1
    own["layer.half"][5, 3] = torch.nextafter(
        own["layer.half"][5, 3], torch.tensor(9.0, dtype=torch.bfloat16)
    )
    own["layer.bias"][7] = 1e-45
    own["steps"][0] = 1
    delta = assert_gives_back(base, own)
    assert delta["rows.table.weight"].tolist() == [2]
    assert {"whole.layer.bias", "whole.steps"} <= set(delta), "a vector has no rows"
    assert not any("scale" in name for name in delta)


def test_a_difference_keeps_its_own_copy() -> None:
    base, own = tensors(0), tensors(1)
    delta = difference(base, own)
    for tensor in own.values():
        tensor.zero_()
    assert delta["whole.layer.bias"].any()


def trained_on(model: Model, seed: int) -> Model:
    """A copy in which one tensor of every module, an LSTM's among them, and a few rows of the table differ."""
    other = build(recipe_of(model), LABELS)
    other.load_state_dict(model.state_dict())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if name == "encoder.embedding.table.weight":
                rows = torch.randperm(len(parameter), generator=generator)[:700]
                parameter[rows] += torch.randn(len(rows), parameter.shape[1], generator=generator)
            elif name.endswith(
                ("weight_hh_l0", "bias_ih_l0", "qkv.weight", "norm.weight", "out.bias", "query")
            ):
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return other.eval()


def test_a_specialised_model_is_the_other_model_bit_for_bit(model: Model) -> None:
    other = trained_on(model, 1)
    examples = [example(text, lang) for text, lang in ALL]
    before, wanted = run(model, examples), run(other, examples)
    assert not torch.equal(before.pieces, wanted.pieces)
    own = changed(model.state_dict(), assert_gives_back(state(model), state(other)))
    ours = specialised(model, own)
    for found, expected in zip(numbers(run(ours, examples)), numbers(wanted), strict=True):
        assert torch.equal(found, expected)
    for found, expected in zip(numbers(run(model, examples)), numbers(before), strict=True):
        assert torch.equal(found, expected), "the shared model is as it was"
    theirs, shared = dict(ours.named_parameters()), dict(model.named_parameters())
    assert theirs.keys() == shared.keys()
    assert {name for name in theirs if theirs[name] is not shared[name]} == own.keys()
    assert 0 < len(own) < len(theirs) / 2
    assert {id(b) for b in ours.buffers()} == {id(b) for b in model.buffers()}


def test_a_specialised_lstm_reads_its_own_weights() -> None:
    """nn.LSTM keeps a list of its weights besides their names: a copy that forgot it would compute the old output."""
    torch.manual_seed(0)
    base, other = nn.LSTM(3, 4, num_layers=2), nn.LSTM(3, 4, num_layers=2)
    x = torch.randn(5, 2, 3)
    for names in (
        ["weight_ih_l0"],
        ["bias_hh_l1", "weight_hh_l1"],
        [name for name, _ in base.named_parameters()],
    ):
        own = {name: other.state_dict()[name].clone() for name in names}
        expected = nn.LSTM(3, 4, num_layers=2)
        expected.load_state_dict({**base.state_dict(), **own})
        assert torch.equal(specialised(base, own)(x)[0], expected(x)[0])
        assert not torch.equal(base(x)[0], expected(x)[0])


THRESHOLDS = {UNIVERSAL: 0.01, "de": 0.02, "te": 0.0}


def folder_of(path: Path, model: Model, own: dict[str, Tensors]) -> Path:
    return write_model(
        path,
        model,
        recipe=recipe_of(model),
        labels=LABELS,
        pieces=PIECES,
        thresholds=THRESHOLDS,
        metrics={},
        card="# own\n",
        own=own,
    )


@pytest.fixture
def three(model: Model) -> dict[str, Model]:
    """The shared model, under UNIVERSAL, and those of two languages."""
    return {UNIVERSAL: model, "de": trained_on(model, 1), "te": trained_on(model, 2)}


@pytest.fixture
def folder(three: dict[str, Model], tmp_path: Path) -> Path:
    deltas = {
        lang: difference(three[UNIVERSAL].state_dict(), three[lang].state_dict()) for lang in ("de", "te")
    }
    return folder_of(tmp_path / "model", three[UNIVERSAL], deltas)


def test_a_folder_gives_back_every_language(folder: Path, three: dict[str, Model]) -> None:
    loaded = load_predictor(folder)
    assert loaded.own.keys() == {"de", "te"}
    for lang, model in three.items():
        backend: Any = loaded.own.get(lang, loaded.backend)
        found = backend.model.state_dict()
        assert all(bits(found[name]) == bits(tensor) for name, tensor in model.state_dict().items())
    whole, own = folder / "model.safetensors", folder / "languages" / "de.safetensors"
    assert own.stat().st_size < whole.stat().st_size


def test_texts_are_read_by_the_model_of_their_language(folder: Path, three: dict[str, Model]) -> None:
    """Mixed batches give what each model gives alone; who has no weights of his own is read by the shared ones."""
    loaded = load_predictor(folder)
    rows = [*ALL, *((text, None) for text, _ in ALL), *((text, "xx") for text in TEXTS["de"])]
    texts, langs = [text for text, _ in rows], [lang for _, lang in rows]
    found = loaded.predict(texts, langs, threshold=0.0)
    alone = {
        name: predictor_of(model, MAKER).predict(texts, langs, threshold=0.0) for name, model in three.items()
    }
    differs = 0
    for index, lang in enumerate(langs):
        expected = alone[lang if lang in ("de", "te") else UNIVERSAL][index]
        assert [triple.key for triple in found[index].triples] == [triple.key for triple in expected.triples]
        scores = [triple.score or 0.0 for triple in expected.triples]
        assert [triple.score or 0.0 for triple in found[index].triples] == pytest.approx(scores, abs=1e-5)
        differs += alone["de"][index] != alone[UNIVERSAL][index]
    assert differs > 10, "or routing would not show"


def test_own_weights_that_are_not_whole(folder: Path) -> None:
    path = folder / "languages" / "te.safetensors"
    data = path.read_bytes()
    for spoilt, said in ((data[:-9], "not a whole safetensors file"), (None, "this file is missing")):
        if spoilt is None:
            path.unlink()
        else:
            path.write_bytes(spoilt)
        with pytest.raises(ModelError) as raised:
            load_predictor(folder)
        assert str(raised.value).startswith(f"{path}: {said}")
    path.write_bytes((folder / "languages" / "de.safetensors").read_bytes())
    with pytest.raises(ModelError, match="not the file that the model was written with"):
        load_predictor(folder)


def test_a_folder_without_own_weights_names_none(model: Model, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "model", model, {})
    assert json.loads((path / "config.json").read_text(encoding="utf-8"))["languages"] == {}
    assert not (path / "languages").exists()
    assert load_predictor(path).own == {}
