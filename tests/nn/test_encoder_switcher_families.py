"""Switchers inside each family of encoders, against transformers with the change in its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

pytest.importorskip("transformers")

import transformers

from mere.errors import ConfigError
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import CompactEncoder
from tests import checkpoints
from tests.nn.encoder_switcher_examples import KINDS, LANG_ID, TEXTS, close, inside, lang_of, merged


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_lora_is_the_model_with_the_change_in_its_weights(family, folders):
    """Of transformers' own modules, whatever they do with their weights: DeBERTa's read positions, too."""
    made, pieces = checkpoints.encoder(folders[family])
    switcher = inside("lora", made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = checkpoints.encoder(folders[family])
    for row, lang_id in enumerate(LANG_ID.tolist()):
        if lang_id:
            weights = merged(switcher, plain, lang_of(lang_id))
            expected = torch.func.functional_call(plain, weights, (given, is_piece))
            close(mixed[row][is_piece[row]], expected[row][is_piece[row]])


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
@torch.no_grad()
def test_adapters_are_the_papers_formula_after_each_layer(family, folders):
    """x + Up GELU(Down norm(x)) (Bapna and Firat 2019, section 3.1), by hooks of the test's own."""
    made, pieces = checkpoints.encoder(folders[family])
    switcher = inside("adapters", made)
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = checkpoints.encoder(folders[family])
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
    made, _ = checkpoints.encoder(folders[family])
    switcher = inside("lora", made)
    first = [name for name in switcher.sites if ".0." in name.replace(".layer.0.layer", ".layer")]
    lasts = sorted(name.rpartition(".")[2] for name in switcher.sites)
    assert lasts == sorted(2 * SITES[family]), first
    numbers = sum(3 * sum(made.get_parameter(f"{site}.weight").shape) for site in switcher.sites)
    assert switcher.num_parameters() == numbers


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
    made, pieces = checkpoints.encoder(albert(tmp_path / "albert"))
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
    given, is_piece = checkpoints.padded(pieces, TEXTS)
    mixed = switcher.encode(made, given, is_piece, LANG_ID)
    plain, _ = checkpoints.encoder(tmp_path / "albert")
    assert isinstance(switcher, LoraSwitcher)
    weights = merged(switcher, plain, lang_of(3))
    expected = torch.func.functional_call(plain, weights, (given, is_piece))
    close(mixed[0][is_piece[0]], expected[0][is_piece[0]])


def test_an_encoder_without_layers_is_refused():
    made = CompactEncoder(
        context="bilstm", rows=64, row_dim=4, dim=16, layers=1, dropout=0.0, unit_dropout=0.0
    )
    with pytest.raises(ConfigError, match=r"switcher\.kind adapters: it is not known"):
        inside("adapters", made)
