"""LoRA in peft's format: keys and values worked by hand, and where peft is installed, peft itself on both sides."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from inside_models import LANGUAGES, batch_of, close, recipe, vectors, written
from safetensors.torch import load_file, save_file
from tests.command import mere, refused, worked
from torch import Tensor

pytest.importorskip("transformers")

import transformers
from tests import checkpoints

from mere.errors import ModelError
from mere.languages.adapters import export_adapter, sites_of
from mere.languages.imported import import_adapter
from mere.languages.peft import Adapter, read_adapter, write_adapter
from mere.models.predictor import Predictor
from mere.nn.encoder_switchers import LoraSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.store.folder import ModelFolder

UP, DOWN = (
    torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 3.0]]),
)
UNTOUCHED = ("switcher", "aggregator", "triples")  # noise there leaves the encoder as its checkpoint has it


def adapter(folder: Path, config: dict[str, Any], **more: Tensor) -> Path:
    """A folder as peft writes it, of one module with rank 2."""
    folder.mkdir(parents=True, exist_ok=True)
    key = "base_model.model.layer.0.query.lora_"
    save_file({f"{key}A.weight": DOWN, f"{key}B.weight": UP, **more}, folder / "adapter_model.safetensors")
    given = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, **config}
    (folder / "adapter_config.json").write_text(json.dumps(given), encoding="utf-8")
    return folder


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
    read = read_adapter(tmp_path)
    up, down = read.changes["layer.0.query"]
    assert torch.equal(up, UP)
    assert torch.equal(down, DOWN)
    assert (read.base, read.others) == ("org/name", ())


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 1.0),
        ({"lora_alpha": 16}, 8.0),
        ({"lora_alpha": 16, "use_rslora": True}, 16 / math.sqrt(2)),
        ({"alpha_pattern": {"value": 32, "query": 6}}, 3.0),
        ({"alpha_pattern": {r"layer\.\d+\.query": 10}}, 5.0),
        ({"alpha_pattern": {"quer": 10}}, 1.0),
        ({"r": 64, "rank_pattern": {"query": 2}, "lora_alpha": 4}, 2.0),
    ],
)
def test_the_scale_by_hand(config: dict[str, Any], scale: float, tmp_path: Path) -> None:
    """s = alpha / r (Hu et al. 2021, section 4.1), alpha / sqrt(r) for rsLoRA (Kalajdzievski 2023)."""
    up, down = read_adapter(adapter(tmp_path, config)).changes["layer.0.query"]
    torch.testing.assert_close(up @ down, scale * (UP @ DOWN))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; of peft's adapters LORA is read"),
        ({"use_dora": True}, r"more than plain LoRA, which is all that is read \(use_dora=True\)"),
        ({"bias": "all", "lora_bias": True}, r"\(bias='all', lora_bias=True\)"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights='pissa'"),
        ({"of_a_later_peft": {"on": 1}}, "of_a_later_peft="),
        ({"lora_alpha": None}, "r and lora_alpha must be numbers"),
    ],
)
def test_more_than_plain_lora_is_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        read_adapter(adapter(tmp_path, config))


def test_folders_that_are_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no adapter_config\.json here"):
        read_adapter(tmp_path)
    with pytest.raises(ModelError, match="is not LoRA of a linear layer"):
        read_adapter(
            adapter(tmp_path / "a", {}, **{"base_model.model.words.lora_embedding_A": torch.ones(2, 9)})
        )
    with pytest.raises(ModelError, match="no factors of one matrix"):
        read_adapter(
            adapter(tmp_path / "b", {}, **{"base_model.model.value.lora_A.weight": torch.ones(2, 9)})
        )
    (tmp_path / "b" / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"pickles .* are not read"):
        read_adapter(tmp_path / "b")


class Made:
    """A model of a family, not trained, and what the tests need of it."""

    def __init__(self, folder: Path, family: str, **changes: Any):
        self.checkpoint = checkpoints.make(family, folder / "checkpoint")
        parts = changes.pop("parts", UNTOUCHED)
        self.recipe = recipe({"name": str(self.checkpoint), "words": "none"}, "lora", **changes)
        self.folder = written(folder / "model", self.recipe, parts=parts)
        self.predictor = Predictor.load(self.folder)
        encoder, switcher = self.predictor.model.encoder, self.predictor.model.switcher
        assert isinstance(encoder, PretrainedEncoder)
        assert isinstance(switcher, LoraSwitcher)
        self.encoder, self.switcher = encoder, switcher

    def sites(
        self, changes: dict[str, tuple[Tensor, Tensor]], base: str = "x", others: tuple[str, ...] = ()
    ) -> Any:
        return sites_of(self.encoder, self.switcher, Adapter(Path("adapter"), changes, base, others))


def change(rank: int = 3, outputs: int = 32, inputs: int = 32) -> tuple[Tensor, Tensor]:
    return torch.randn(outputs, rank), torch.randn(rank, inputs)


def test_modules_are_found_with_a_head_and_without(tmp_path: Path) -> None:
    made = Made(tmp_path, "xlm-roberta")
    query = "encoder.layer.1.attention.self.query"
    up, down = change(2)
    for prefix in ("", "roberta."):
        head = (
            {f"{prefix}pooler.dense": change(), "classifier": change()}
            if prefix == ""
            else {"classifier": change()}
        )
        changes, left = made.sites(
            {f"{prefix}{query}": (up, down), **head}, others=("base_model.model.score.weight",)
        )
        assert set(left) == {"base_model.model.score.weight", *head}
        assert changes.keys() == made.switcher.sites.keys()
        for site, (ours, theirs) in changes.items():
            expected = up @ down if site == f"backbone.{query}" else torch.zeros(made.switcher.sites[site])
            torch.testing.assert_close(ours @ theirs, expected)
            assert theirs.shape[0] == 3, "filled up to the switcher's rank"


def test_of_t5s_two_halves_the_encoder_is_meant(tmp_path: Path) -> None:
    made = Made(tmp_path, "t5")
    name = "block.0.layer.0.SelfAttention.q"
    own = change()
    changes, left = made.sites({f"encoder.{name}": own, f"decoder.{name}": change()})
    assert left == [f"decoder.{name}"]
    assert torch.equal(changes[f"backbone.{name}"][0], own[0])
    with pytest.raises(ModelError, match="are not those of this model's encoder"):
        made.sites({f"decoder.{name}": change()})


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    made = Made(tmp_path, "bert", switcher={"modules": ["query", "value"]})
    query = "encoder.layer.0.attention.self.query"
    with pytest.raises(
        ModelError, match=r"has rank 4, this model's languages have rank 3\. .*switcher\.rank=4"
    ):
        made.sites({query: change(4)})
    with pytest.raises(
        ModelError, match=r"is 48 x 48, in this model's encoder that is 32 x 32\. It was made for org/y"
    ):
        made.sites({query: change(2, 48, 48)}, base="org/y")
    key = query.replace("query", "key")
    with pytest.raises(
        ModelError, match=f"changes {key}, which is not among what this model's languages change"
    ):
        made.sites({query: change(), key: change()})
    with pytest.raises(ModelError, match=r"changes encoder\.layer\.7"):
        made.sites({query: change(), query.replace("0", "7"): change()})
    with pytest.raises(ModelError, match="are not those of this model's encoder"):
        made.sites({"model.layers.0.attn.Wqkv": change()})


@pytest.mark.parametrize("is_new", [True, False])
def test_out_and_in_again_by_the_commands(is_new: bool, tmp_path: Path) -> None:
    """A language goes out and comes back as another, or as itself, and every other one is as it was."""
    made = Made(tmp_path, "bert")
    out, back = tmp_path / "lora-de", tmp_path / "back"
    done = worked(mere("export", made.folder, "--lang", "de", "--as", "peft", "--out", out))
    assert done.stdout == f"{out}\n"
    assert f"de: LoRA of {made.checkpoint}" in done.stderr
    assert {path.name for path in out.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    lang = "gsw" if is_new else "ja"
    done = worked(mere("import", made.folder, out, "--lang", lang, "--out", back))
    assert done.stdout == f"{back}\n"
    assert "have the same SHA-256" in done.stderr
    assert "was made for" not in done.stderr
    assert torch.equal(vectors(back, lang), vectors(made.folder, "de"))
    for other in (None, *LANGUAGES):
        if other != lang:
            assert torch.equal(vectors(back, other), vectors(made.folder, other))
    assert ModelFolder.read(back).labels.languages == ((*LANGUAGES, "gsw") if is_new else LANGUAGES)
    card = (back / "README.md").read_text(encoding="utf-8")
    assert f"- **{lang}**: LoRA trained with peft on {made.checkpoint}" in card
    assert ("6 languages (ar, de, en, ja, te, gsw)" in card) == is_new
    refused(mere("import", made.folder, out, "--lang", lang, "--out", back), "is there already")
    refused(
        mere("import", made.folder, tmp_path, "--lang", "x", "--out", tmp_path / "y"),
        "no adapter_config.json",
    )
    assert not (tmp_path / "y").exists()


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
    ours = made.predictor.model.eval().encode(batch)
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


SETTINGS: dict[str, dict[str, Any]] = {
    "bert": {"r": 3, "lora_alpha": 7, "target_modules": "all-linear"},
    "xlm-roberta": {"r": 2, "lora_alpha": 8, "use_rslora": True, "target_modules": ["query", "value"]},
    "deberta-v2": {"r": 1, "lora_alpha": 2, "target_modules": ["query_proj", "key_proj", "dense"]},
    "modernbert": {"r": 3, "lora_alpha": 4, "target_modules": ["Wqkv", "Wo", "Wi"], "lora_dropout": 0.1},
    "distilbert": {
        "r": 2,
        "lora_alpha": 2,
        "target_modules": ["v_lin"],
        "alpha_pattern": {"layer.1.*v_lin": 6},
    },
    "t5": {"r": 2, "lora_alpha": 1, "target_modules": ["q", "wo"], "rank_pattern": {"wo": 3}},
}


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_we_load_what_peft_wrote(family: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    made = Made(tmp_path, family)
    theirs = peft.get_peft_model(whole(made.checkpoint, family), peft.LoraConfig(**SETTINGS[family]))
    torch.manual_seed(2)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape) * 0.3)
    theirs.eval().save_pretrained(tmp_path / "theirs")
    done = import_adapter(made.folder, tmp_path / "theirs", "uk", tmp_path / "plus-uk")
    assert done.unchanged.languages == len(LANGUAGES)
    assert ("left out" in done.notes[0] and "pooler.dense" in done.notes[0]) == (family == "bert")
    made.predictor = Predictor.load(tmp_path / "plus-uk")
    close(*hidden(made, "uk", theirs))
    assert (vectors(tmp_path / "plus-uk", "uk") - vectors(tmp_path / "plus-uk", None)).abs().max() > 1e-3


def test_an_adapter_with_a_head_from_peft(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    made = Made(tmp_path, "bert")
    theirs = transformers.AutoModelForTokenClassification.from_pretrained(made.checkpoint, num_labels=3)
    wrapped = peft.get_peft_model(
        theirs, peft.LoraConfig(task_type="TOKEN_CLS", r=2, target_modules=["query", "key"])
    )
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape) * 0.3)
    wrapped.eval().save_pretrained(tmp_path / "theirs")
    done = import_adapter(made.folder, tmp_path / "theirs", "uk", tmp_path / "plus-uk")
    assert "base_model.model.classifier.weight" in done.notes[0]
    made.predictor = Predictor.load(tmp_path / "plus-uk")
    close(*hidden(made, "uk", wrapped.get_base_model().bert))
