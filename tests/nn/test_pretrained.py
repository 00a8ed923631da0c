"""The pretrained encoder against transformers itself: same vectors, whatever the family, the padding, the cuts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

pytest.importorskip("transformers")

import transformers

from mere.config import PretrainedSettings, Recipe
from mere.data.pieces import Subwords, fit_pieces
from mere.data.windows import subword_windows
from mere.errors import ConfigError, ModelError
from mere.metrics.report import evaluate
from mere.models.backend import load_predictor, model_of
from mere.models.model import build, build_encoder
from mere.nn.encoders import PretrainedEncoder
from mere.schema import Labels
from mere.training.parallel.processes import ONE_PROCESS
from mere.training.progress import Listener
from mere.training.run import Run, train
from mere.training.run_data import RunData
from tests import checkpoints, tiny

TEXTS = checkpoints.TEXTS
LONG = " ".join(checkpoints.TEXTS)


@torch.no_grad()
def encode(made: PretrainedEncoder, pieces: Subwords, texts: list[str]) -> list[Tensor]:
    together, is_piece = checkpoints.padded(pieces, texts)
    return [vectors[here] for vectors, here in zip(made(together, is_piece), is_piece, strict=True)]


@torch.no_grad()
def theirs(folder: Path, pieces: Subwords, ids: list[int]) -> Tensor:
    """What transformers' own model gives for the ids between their special subwords, each sentence alone."""
    if "t5" in folder.name:
        model: Any = transformers.T5EncoderModel.from_pretrained(folder).eval()
    else:
        model = transformers.AutoModel.from_pretrained(folder).eval()
    before, after = pieces.checkpoint.specials.before, pieces.checkpoint.specials.after
    states = model(input_ids=torch.tensor([[*before, *ids, *after]])).last_hidden_state[0]
    return states[len(before) : len(before) + len(ids)]


def ids_of(pieces: Subwords, text: str) -> list[int]:
    described = pieces.describe(text, pieces.cut(text))
    return [int(number) - 1 for number in described[described > 0]]


def close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_vectors_are_those_of_transformers(family, attention, folders):
    made, pieces = checkpoints.encoder(folders[family], attention=attention)
    assert made.dim == 32
    for text, vectors in zip(TEXTS, encode(made, pieces, list(TEXTS)), strict=True):
        assert close(vectors, theirs(folders[family], pieces, ids_of(pieces, text)))


@pytest.mark.parametrize("words", ["first", "mean"])
@pytest.mark.parametrize("family", ["xlm-roberta", "modernbert"])
def test_words_are_the_first_or_the_mean_of_their_subwords(family, words, folders):
    made, pieces = checkpoints.encoder(folders[family], words=words, width=3)
    for text, vectors in zip(TEXTS, encode(made, pieces, list(TEXTS)), strict=True):
        states = theirs(folders[family], pieces, ids_of(pieces, text))
        done, expected = 0, []
        for row in pieces.describe(text, pieces.cut(text)):
            own = states[done : done + int((row > 0).sum())]
            expected.append(own[0] if words == "first" else own.mean(0))
            done += len(own)
        assert done == len(states)
        assert close(vectors, torch.stack(expected))


@pytest.mark.parametrize("words", ["first", "mean", "none"])
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_padding_and_the_other_sentences_change_nothing(family, words, folders):
    made, pieces = checkpoints.encoder(folders[family], words=words)
    together = encode(made, pieces, [TEXTS[2], TEXTS[7], TEXTS[3]])
    (alone,) = encode(made, pieces, [TEXTS[7]])
    assert close(together[1], alone)
    described, is_piece = checkpoints.padded(pieces, [TEXTS[7]])
    wider = nn.functional.pad(described, (0, 0, 0, 5)), nn.functional.pad(is_piece, (0, 5))
    with torch.no_grad():
        assert close(made(*wider)[0, : len(alone)], alone)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "t5"])
def test_a_long_sentence_is_read_in_windows(family, folders):
    """Each subword's vector is the one that its window gives, read alone by transformers."""
    made, pieces = checkpoints.encoder(folders[family], max_pieces=40)
    ids = ids_of(pieces, LONG)
    size = 40 - len(pieces.checkpoint.specials.before) - len(pieces.checkpoint.specials.after)
    assert made.size == size < len(ids)
    vectors = encode(made, pieces, ["Ulm.", LONG])[1]
    _, firsts, taken = subword_windows([len(ids)], size)
    for index, place in enumerate(taken[0]):
        first = firsts[place // size]
        assert first + place % size == index
    for number, first in enumerate(firsts):
        states = theirs(folders[family], pieces, ids[first : first + size])
        here = np.flatnonzero(taken[0] // size == number)
        assert close(vectors[here], states[here - first])


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=4), size=st.integers(1, 20))
def test_every_subword_is_taken_from_where_it_has_most_context(lengths: list[int], size: int) -> None:
    rows, firsts, taken = subword_windows(lengths, size)
    assert taken.shape == (len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        own = [first for other, first in zip(rows, firsts, strict=True) if other == row]
        for place in range(length):
            window, offset = divmod(int(taken[row, place]), size)
            assert rows[window] == row
            assert firsts[window] + offset == place
            margins = {first: min(place - first, first + size - 1 - place) for first in own}
            assert margins[firsts[window]] == max(margins.values())


@pytest.mark.parametrize("trim", ["scripts", "texts"])
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_a_trimmed_encoder_gives_the_same_vectors(family, trim, tmp_path):
    foreign = ["Владимир родился в Новгороде.", "Мария Петрова писала книги о Владимире.", "Новгород зимой."]
    folder = checkpoints.make(family, tmp_path / family, texts=(*TEXTS, *foreign), size=500)
    for words in ("first", "none"):
        whole, small = (
            checkpoints.encoder(folder, words=words),
            checkpoints.encoder(folder, words=words, trim=trim),
        )
        for a, b in zip(encode(*whole, list(TEXTS)), encode(*small, list(TEXTS)), strict=True):
            assert torch.equal(a, b)
    rows = [made.backbone.get_input_embeddings().num_embeddings for made, _ in (whole, small)]
    assert rows[1] < rows[0]
    numbers = [sum(p.numel() for p in made.parameters()) for made, _ in (whole, small)]
    assert numbers[0] - numbers[1] == 32 * (rows[0] - rows[1])


@pytest.mark.parametrize("trim", ["none", "texts"])
def test_what_is_left_of_a_vocabulary_is_told(trim, folders, tiny_corpus):
    chosen = recipe(folders["bert"], tiny_corpus, epochs=1, trim=trim)
    run_data = RunData.read(chosen, ONE_PROCESS)
    table = build_encoder(chosen.encoder, run_data.pieces).backbone.get_input_embeddings()
    whole = transformers.AutoModel.from_pretrained(folders["bert"]).get_input_embeddings()
    told = f"{table.num_embeddings} of the encoder's {whole.num_embeddings} subwords are kept"
    assert run_data.notes == ((told,) if trim == "texts" else ())
    assert (table.num_embeddings < whole.num_embeddings) == (trim == "texts")


def test_start_loads_what_pretraining_left(folders):
    made, pieces = checkpoints.encoder(folders["bert"])
    before = made.backbone.embeddings.word_embeddings.weight.detach().clone()
    torch.manual_seed(1)
    fresh = build_encoder(PretrainedSettings(name=str(folders["bert"]), words="none"), pieces)
    assert not torch.equal(fresh.backbone.embeddings.word_embeddings.weight, before)
    fresh.start()
    assert torch.equal(fresh.backbone.embeddings.word_embeddings.weight, before)
    assert not any("pooler" in name for name in made.state_dict())


BY_HAND = {
    "bert": (
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.output.dense.bias",
        "encoder.layer.1.output.dense.bias",
    ),
    "xlm-roberta": (
        "embeddings.position_embeddings.weight",
        "encoder.layer.0.attention.self.key.weight",
        "encoder.layer.1.intermediate.dense.bias",
    ),
    "deberta-v2": (
        "encoder.rel_embeddings.weight",
        "encoder.layer.0.attention.self.key_proj.weight",
        "encoder.layer.1.output.LayerNorm.bias",
    ),
    "modernbert": (
        "embeddings.norm.weight",
        "layers.0.mlp.Wi.weight",
        "layers.1.attn.Wo.weight",
        "final_norm.weight",
    ),
    "distilbert": (
        "embeddings.LayerNorm.bias",
        "transformer.layer.0.ffn.lin1.weight",
        "transformer.layer.1.ffn.lin2.bias",
    ),
    "t5": (
        "embed_tokens.weight",
        "block.0.layer.0.SelfAttention.q.weight",
        "block.1.layer.1.DenseReluDense.wi.weight",
        "final_layer_norm.weight",
    ),
}
"""A parameter below the layers, in the first, in the second, and above them where there is one."""


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_the_rate_of_each_layer_by_hand(family, folders):
    """Two layers, decay 1/2: embeddings 1/8, then 1/4, 1/2, and 1 above the layers."""
    names = [f"backbone.{name}" for name in BY_HAND[family]]
    made, _ = checkpoints.encoder(folders[family], layer_decay=0.5)
    assert set(names) <= {name for name, _ in made.named_parameters()}
    assert [made.lr_scale(name) for name in names] == [0.125, 0.25, 0.5, 1.0][: len(names)]
    frozen, _ = checkpoints.encoder(folders[family], freeze=1)
    assert [frozen.lr_scale(name) for name in names] == [0.0, 0.0, 1.0, 1.0][: len(names)]
    tables, _ = checkpoints.encoder(folders[family], freeze=0)
    assert [tables.lr_scale(name) for name in names[:2]] == [0.0, 1.0]


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_checkpointing_changes_no_gradient(family, folders):
    grads = []
    for on in (False, True):
        made, pieces = checkpoints.encoder(folders[family], gradient_checkpointing=on, dropout=0.0)
        made.train()
        made(*checkpoints.padded(pieces, list(TEXTS[:3]))).square().sum().backward()
        grads.append({n: p.grad for n, p in made.named_parameters() if p.grad is not None})
    assert grads[0].keys() == grads[1].keys()
    assert all(torch.allclose(grads[0][n], grads[1][n], atol=1e-4, rtol=1e-4) for n in grads[0])


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_dropout_is_the_settings_or_its_own(family, folders):
    made, pieces = checkpoints.encoder(folders[family], dropout=0.0)
    given = checkpoints.padded(pieces, list(TEXTS[:3]))
    with torch.no_grad():
        assert torch.equal(made.train()(*given)[given[1]], made.eval()(*given)[given[1]])
        half, _ = checkpoints.encoder(folders[family], dropout=0.5)
        assert not close(half.train()(*given)[given[1]], half.eval()(*given)[given[1]])


def test_settings_that_the_encoder_does_not_have(folders):
    with pytest.raises(ConfigError, match=r"encoder\.max_pieces: .*bert has 128 positions, found 129"):
        checkpoints.encoder(folders["bert"], max_pieces=129)
    with pytest.raises(ConfigError, match=r"encoder\.max_pieces: .*xlm-roberta has 128 positions"):
        checkpoints.encoder(folders["xlm-roberta"], max_pieces=129)
    with pytest.raises(ConfigError, match="leaves no place beside the special subwords"):
        checkpoints.encoder(folders["bert"], max_pieces=2)
    with pytest.raises(ConfigError, match=r"encoder\.freeze: .*bert has 2 layers, found 3"):
        checkpoints.encoder(folders["bert"], freeze=3)
    recipe = tiny.recipe(encoder={"name": str(folders["bert"])}, aggregator={"layers": 1, "heads": 5})
    pieces = fit_pieces(recipe.encoder, tiny.SENTENCES)
    with pytest.raises(ConfigError, match=r"aggregator\.heads: 5 heads cannot share the 32 dimensions"):
        build(recipe, Labels(("r",), (), ("de",)), pieces)


@pytest.fixture
def broken(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a checkpoint to break."""
    return Path(shutil.copytree(folders["bert"], tmp_path / "bert"))


def test_pickles_and_foreign_code_are_not_read(broken):
    weights = transformers.AutoModel.from_pretrained(broken).state_dict()
    (broken / "model.safetensors").unlink()
    torch.save(weights, broken / "pytorch_model.bin")
    with pytest.raises(ModelError, match="They must be in safetensors; pickles are not read"):
        checkpoints.encoder(broken)
    config = (broken / "config.json").read_text(encoding="utf-8").replace('"bert"', '"unheard-of"')
    (broken / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ModelError, match="no family 'unheard-of' of its own, and code that comes with"):
        checkpoints.encoder(broken)


def test_a_checkpoint_with_half_its_weights(broken):
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layer.1." not in name}
    save_file(kept, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"16 weights of the encoder are missing, first encoder\.layer\.1"):
        checkpoints.encoder(broken)


def recipe(folder: Path, corpus: Path, *, epochs: float, **given: Any) -> Recipe:
    stage = tiny.recipe().stages[0].model_dump() | {"epochs": epochs, "lr": 0.004, "evaluations": 1}
    return tiny.recipe(
        data={"path": str(corpus)},
        encoder={"name": str(folder), "dropout": 0.0, **given},
        stages=[stage],
    )


@pytest.mark.slow
def test_learns_the_corpus_by_heart(folders, tiny_corpus, tmp_path):
    model = train(recipe(folders["xlm-roberta"], tiny_corpus, epochs=60), tmp_path / "run", progress=False)
    predicted = load_predictor(model).predict(
        [s.text for s in tiny.SENTENCES], [s.lang for s in tiny.SENTENCES]
    )
    report = evaluate(tiny.SENTENCES, predicted, resamples=0).to_json()
    assert report["metrics"]["triple_f1/strict"]["micro"]["value"] == 1.0


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_a_model_folder_needs_no_checkpoint(family, folders, tiny_corpus, tmp_path):
    """A step of training, then the checkpoint goes: the folder predicts, bit for bit, what the run did."""
    gone = Path(shutil.copytree(folders[family], tmp_path / "gone"))
    words = {"t5": "none", "modernbert": "mean"}.get(family, "first")
    chosen = recipe(gone, tiny_corpus, epochs=0.1, words=words, trim="texts" if family == "bert" else "none")
    run = Run(chosen, tmp_path / "run", resume=False, listener=Listener())
    began = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    folder = run.finish()
    changed = [n for n, tensor in run.model.state_dict().items() if not torch.equal(tensor, began[n])]
    assert any(name.startswith("encoder.backbone.") for name in changed)
    shutil.rmtree(gone)
    given = [s.text for s in tiny.SENTENCES], [s.lang for s in tiny.SENTENCES]
    loaded = load_predictor(folder)
    assert loaded.predict(*given, threshold=0.0) == run.predictor.predict(*given, threshold=0.0)
    state = model_of(loaded).state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in run.model.state_dict().items())
    (folder / "pieces" / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json: not the file that the model was written with"):
        load_predictor(folder)
