"""Switchers inside the encoder: each row by its language, against transformers with the change in its weights."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("transformers")

import transformers
from tests import checkpoints, tiny

from mere.config import PretrainedSettings
from mere.data.pieces import Subwords, fit_pieces
from mere.errors import ConfigError, ModelError
from mere.models.delta import specialised
from mere.models.model import build_encoder
from mere.nn.encoders import CompactEncoder, Encoder, PretrainedEncoder
from mere.nn.inside import AdapterSwitcher, Factors, InsideSwitcher, LoraSwitcher

LANGUAGES = ("de", "type", "ja")  # one is a word of ModuleDict's own
TEXTS = [checkpoints.TEXTS[i] for i in (0, 4, 7, 1, 11)]
LANG_ID = torch.tensor([3, 1, 0, 2, 1])
KINDS = ("adapters", "lora")
Batch = tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("checkpoints")
    return {family: checkpoints.make(family, base / family, positions=128) for family in checkpoints.FAMILIES}


def encoder(folder: Path, **given: Any) -> tuple[PretrainedEncoder, Subwords]:
    settings = PretrainedSettings(name=str(folder), **{"words": "none", **given})
    pieces = fit_pieces(settings, tiny.SENTENCES)
    assert isinstance(pieces, Subwords)
    made = build_encoder(settings, pieces)
    assert isinstance(made, PretrainedEncoder)
    made.start()
    return made.eval(), pieces


def inside(kind: str, into: Encoder, *, moved: bool = True, **given: Any) -> InsideSwitcher:
    """A switcher of a kind, away from its identity start unless told otherwise."""
    torch.manual_seed(3)
    size = {"width": 6} if kind == "adapters" else {"rank": 3}
    make: Any = AdapterSwitcher if kind == "adapters" else LoraSwitcher
    made: InsideSwitcher = make(encoder=into, languages=LANGUAGES, **size, **given)
    if moved:
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.2)
    return made


def batch(pieces: Subwords, texts: list[str]) -> Batch:
    rows = [torch.from_numpy(pieces.describe(text, pieces.cut(text))) for text in texts]
    together = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return together, together[..., 0] > 0


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def lang_of(lang_id: int) -> str:
    return LANGUAGES[lang_id - 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_a_mixed_batch_is_its_rows_one_by_one(family, kind, folders):
    made, pieces = encoder(folders[family])
    switcher = inside(kind, made)
    given, is_piece = batch(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    for row in range(len(TEXTS)):
        one = slice(row, row + 1)
        alone = switcher.encode(made, given[one], is_piece[one], LANG_ID[one])
        close(mixed[row][is_piece[row]], alone[0][is_piece[row]])
    others = switcher.encode(made, given, is_piece, LANG_ID.roll(1))
    assert all((mixed[row] - others[row])[is_piece[row]].abs().max() > 0.01 for row in range(len(TEXTS)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_the_universal_path_and_a_fresh_switcher_are_the_encoder_bit_for_bit(family, kind, folders):
    plain, pieces = encoder(folders[family])
    given, is_piece = batch(pieces, TEXTS)
    expected = plain(given, is_piece)
    made, _ = encoder(folders[family])
    names = set(made.state_dict())
    fresh = inside(kind, made, moved=False)
    assert torch.equal(
        fresh.encode(made, given, is_piece, torch.tensor([3, 1, 3, 2, 1]))[is_piece], expected[is_piece]
    )
    assert set(made.state_dict()) == names, "the encoder keeps the names of its weights"
    made, _ = encoder(folders[family])
    moved = inside(kind, made)
    assert torch.equal(moved.encode(made, given, is_piece, torch.zeros(5, dtype=torch.long)), expected)
    assert torch.equal(made(given, is_piece), expected)
    if (
        not moved.one_language_at_a_time
    ):  # else its rows are a batch of their own, which rounds in its own way
        mixed = moved.encode(made, given, is_piece, LANG_ID)
        assert torch.equal(mixed[2][is_piece[2]], expected[2][is_piece[2]])


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_in_half_precision_too(kind, folders):
    plain, pieces = encoder(folders["bert"])
    made, _ = encoder(folders["bert"])
    switcher = inside(kind, made)
    given, is_piece = batch(pieces, TEXTS)
    exact = switcher.encode(made, given, is_piece, LANG_ID)
    with torch.autocast("cpu", torch.bfloat16):
        half, universal = switcher.encode(made, given, is_piece, LANG_ID), plain(given, is_piece)
    assert torch.equal(half[2][is_piece[2]], universal[2][is_piece[2]])
    assert half.dtype == universal.dtype
    torch.testing.assert_close(half.float()[is_piece], exact[is_piece], atol=0.1, rtol=0.1)


def merged(switcher: LoraSwitcher, made: Encoder, lang: str) -> dict[str, Tensor]:
    """The encoder's weights with a language's change in them, by the paper's formula W + B A."""
    weights = {}
    for site in switcher.sites:
        part = switcher.part(lang, site)
        assert isinstance(part, Factors)
        weights[f"{site}.weight"] = made.get_parameter(f"{site}.weight") + part.up @ part.down
    return weights


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_lora_is_the_model_with_the_change_in_its_weights(family, folders):
    """Of transformers' own modules, whatever they do with their weights: DeBERTa's read positions, too."""
    made, pieces = encoder(folders[family])
    switcher = inside("lora", made)
    given, is_piece = batch(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = encoder(folders[family])
    for row, lang_id in enumerate(LANG_ID.tolist()):
        if lang_id:
            weights = merged(switcher, plain, lang_of(lang_id))
            expected = torch.func.functional_call(plain, weights, (given, is_piece))
            close(mixed[row][is_piece[row]], expected[row][is_piece[row]])


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_adapters_are_the_papers_formula_after_each_layer(family, folders):
    """x + Up GELU(Down norm(x)) (Bapna and Firat 2019, section 3.1), by hooks of the test's own."""
    made, pieces = encoder(folders[family])
    switcher = inside("adapters", made)
    given, is_piece = batch(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = encoder(folders[family])
    state = switcher.state_dict()

    def adapter(name: str) -> Callable[..., Any]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            x = output[0] if isinstance(output, tuple) else output
            own = {k: state[f"{name}.{k}"] for k in ("scale", "down", "down_bias", "up", "up_bias")}
            normed = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
            hidden = nn.functional.gelu((normed * own["scale"]) @ own["down"] + own["down_bias"])
            x = x + hidden @ own["up"] + own["up_bias"]
            return (x, *output[1:]) if isinstance(output, tuple) else x

        return hook

    row, lang = 1, "de"
    hooks = [plain.get_submodule(s).register_forward_hook(adapter(f"of.{lang}.{s}")) for s in switcher.sites]
    assert len(hooks) == 2, "one for each layer"
    close(mixed[row][is_piece[row]], plain(given, is_piece)[row][is_piece[row]])


SITES = {
    "bert": ("query", "key", "value", "dense", "dense", "dense"),
    "xlm-roberta": ("query", "key", "value", "dense", "dense", "dense"),
    "deberta-v2": ("query_proj", "key_proj", "value_proj", "dense", "dense", "dense"),
    "modernbert": ("Wqkv", "Wo", "Wi", "Wo"),
    "distilbert": ("q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"),
    "t5": ("q", "k", "v", "o", "wi", "wo"),
}
"""The linear layers of the attention and the feed-forward part of a layer, by their names in transformers."""


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_where_lora_goes_by_hand(family, folders):
    made, _ = encoder(folders[family])
    switcher = inside("lora", made)
    first = [name for name in switcher.sites if ".0." in name.replace(".layer.0.layer", ".layer")]
    lasts = sorted(name.rpartition(".")[2] for name in switcher.sites)
    assert lasts == sorted(2 * SITES[family]), first
    numbers = sum(3 * sum(made.get_parameter(f"{site}.weight").shape) for site in switcher.sites)
    assert switcher.num_parameters() == numbers


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_in_several_windows_takes_one_route(kind, folders):
    made, pieces = encoder(folders["xlm-roberta"], max_pieces=40)
    switcher = inside(kind, made)
    long = " ".join(checkpoints.TEXTS)
    given, is_piece = batch(pieces, [TEXTS[0], long, TEXTS[1]])
    assert int((given[1] > 0).sum()) > 2 * made.size
    lang_id = torch.tensor([1, 3, 0])
    with torch.no_grad():
        mixed = switcher.encode(made, given, is_piece, lang_id)
        for row in range(3):
            one = slice(row, row + 1)
            alone = switcher.encode(made, given[one], is_piece[one], lang_id[one])
            close(mixed[row][is_piece[row]], alone[0][is_piece[row]])


def gradients(made: Encoder, switcher: InsideSwitcher) -> dict[str, Tensor]:
    parameters = [*made.named_parameters(), *switcher.named_parameters()]
    return {name: p.grad.clone() for name, p in parameters if p.grad is not None}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_checkpointed_layers_are_computed_again_by_the_same_route(family, kind, folders):
    """Two batches, by other languages, before the first backward; and two backwards through one graph."""
    found = []
    for on in (False, True):
        made, pieces = encoder(folders[family], gradient_checkpointing=on, dropout=0.0)
        switcher = inside(kind, made).train()
        made.train()
        given, is_piece = batch(pieces, TEXTS)
        one = switcher.encode(made, given, is_piece, LANG_ID)[is_piece].square().sum()
        other = switcher.encode(made, given, is_piece, LANG_ID.roll(2))[is_piece].sin().sum()
        one.backward(retain_graph=True)
        other.backward()
        one.backward()
        found.append(gradients(made, switcher))
    assert found[0].keys() == found[1].keys()
    assert any(name.startswith("of.type_.") for name in found[0])
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_rows_go_through_is_trained_and_nothing_below(kind, folders):
    made, pieces = encoder(folders["bert"])
    switcher = inside(kind, made)
    made.requires_grad_(False)
    seen: list[bool] = []
    made.backbone.embeddings.register_forward_hook(lambda *call: seen.append(call[2].requires_grad))
    given, is_piece = batch(pieces, TEXTS)
    vectors = switcher.encode(made, given, is_piece, torch.tensor([3, 1, 0, 3, 1]))
    vectors[is_piece].square().sum().backward()
    assert seen == [False], "no gradient goes into the embeddings"
    own = {name.split(".")[1] for name in gradients(made, switcher)}
    assert own == {"de", "ja"}
    assert all(p.grad is None for p in made.parameters())


def test_threads_do_not_see_each_others_languages(folders):
    made, pieces = encoder(folders["bert"])
    switcher = inside("lora", made)
    given, is_piece = batch(pieces, TEXTS)
    routes = [torch.full((5,), lang_id) for lang_id in range(4)]
    with torch.no_grad():
        expected = [switcher.encode(made, given, is_piece, route) for route in routes]
    begin, right = threading.Barrier(4), [0] * 4

    def work(place: int) -> None:
        with torch.no_grad():
            begin.wait()
            for _ in range(10):
                found = switcher.encode(made, given, is_piece, routes[place])
                right[place] += int(torch.equal(found, expected[place]))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [10] * 4


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_language_added_later_changes_no_bit_of_the_others(kind, folders):
    made, pieces = encoder(folders["xlm-roberta"])
    switcher = inside(kind, made)
    given, is_piece = batch(pieces, TEXTS)
    before = switcher.encode(made, given, is_piece, LANG_ID)
    switcher.add("uk", like="ja")
    switcher.add("pl")
    assert switcher.languages == (*LANGUAGES, "uk", "pl")
    assert torch.equal(switcher.encode(made, given, is_piece, LANG_ID), before)
    uk, ja, pl, universal = (
        switcher.encode(made, given, is_piece, torch.full((5,), lang_id))[is_piece]
        for lang_id in (4, 3, 5, 0)
    )
    assert torch.equal(uk, ja)
    assert torch.equal(pl, universal)


class Both(nn.Module):
    """An encoder and what is inside it, as a model has them."""

    def __init__(self, made: Encoder, switcher: InsideSwitcher):
        super().__init__()
        self.encoder, self.switcher = made, switcher

    def forward(self, given: Tensor, is_piece: Tensor, lang_id: Tensor) -> Tensor:
        return self.switcher.encode(self.encoder, given, is_piece, lang_id)


@torch.no_grad()
def test_a_copy_with_weights_of_its_own_goes_by_its_own_switcher(folders):
    made, pieces = encoder(folders["bert"])
    model = Both(made, inside("lora", made))
    given = (*batch(pieces, TEXTS), LANG_ID)
    before = model(*given)
    name = "switcher.of.de.backbone.encoder.layer.0.attention.self.value.up"
    own = specialised(model, {name: model.get_parameter(name) + 1})
    assert torch.equal(model(*given), before)
    after = own(*given)
    changed = [(after[row] - before[row])[given[1][row]].abs().max() > 1e-3 for row in range(5)]
    assert changed == (LANG_ID == 1).tolist()


def albert(folder: Path) -> Path:
    """A family whose layers are one layer, run several times."""
    made = checkpoints.tokenizer("xlm-roberta")
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    config = transformers.AlbertConfig(
        vocab_size=made.get_vocab_size(), embedding_size=16, hidden_size=32, num_hidden_layers=3,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=128,
    )  # fmt: skip
    transformers.AlbertModel(config).save_pretrained(folder)
    return folder


@torch.no_grad()
def test_a_family_of_another_build_needs_names(tmp_path):
    made, pieces = encoder(albert(tmp_path / "albert"))
    for kind in KINDS:
        with pytest.raises(ConfigError) as refused:
            inside(kind, made)
        said = str(refused.value)
        assert f"switcher.kind {kind}: it is not known which modules of this encoder are its layers" in said
        assert "attention_head_size" not in said
        assert (
            "layers are called dense, embedding_hidden_mapping_in, ffn, ffn_output, key, query, value)"
            in said
        )
        assert "switcher.kind=bottleneck" in said
    with pytest.raises(ConfigError, match=r'no fitting module "quary"\. Did you mean "query"\?'):
        inside("lora", made, modules=["quary"])
    with pytest.raises(ConfigError, match='no fitting module "LayerNorm"'):
        inside("lora", made, modules=["LayerNorm"])
    switcher = inside("lora", made, modules=["query", "value", "ffn"])
    assert len(switcher.sites) == 3
    given, is_piece = batch(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = encoder(tmp_path / "albert")
    assert isinstance(switcher, LoraSwitcher)
    weights = merged(switcher, plain, lang_of(3))
    expected = torch.func.functional_call(plain, weights, (given, is_piece))
    close(mixed[0][is_piece[0]], expected[0][is_piece[0]])


@torch.no_grad()
def test_rows_that_are_not_sentences_are_refused_where_languages_mix(folders):
    made, pieces = encoder(folders["bert"])

    class Flat(nn.Module):
        """A layer that reads all pieces of a batch as one row, as unpadded implementations do."""

        def __init__(self, inner: nn.Linear):
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.flatten(0, 1)[None]).view(*x.shape[:2], -1)

    layer = made.backbone.encoder.layer[0].intermediate
    layer.dense = Flat(layer.dense)
    switcher = inside("lora", made)
    given, is_piece = batch(pieces, TEXTS)
    with pytest.raises(
        ModelError, match=r"intermediate\.dense\.inner writes \[1, \d+, 64\], and the batch has 5 rows"
    ):
        switcher.encode(made, given, is_piece, LANG_ID)
    switcher.encode(made, given, is_piece, torch.full((5,), 2))


def test_an_encoder_without_layers_is_refused():
    made = CompactEncoder(
        context="bilstm", rows=64, row_dim=4, dim=16, layers=1, dropout=0.0, unit_dropout=0.0
    )
    with pytest.raises(ConfigError, match=r"switcher\.kind adapters: it is not known"):
        inside("adapters", made)
