"""The backbone of benchmarks/pretrain.py: what it hides, that it learns, and that others read its checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
import transformers
from benchmarks.pretrain import END, HIDDEN, PAD, START, Shape, Texts, losses, make_tokenizer, pretrain

from mere.config import PretrainedSettings
from mere.data.pieces.pretrained import Subwords
from tests import tiny

SHAPE = Shape(subwords=300, characters=60, layers=1, dim=32, heads=2)
TEXTS = [sentence.text for sentence in tiny.SENTENCES]


def test_every_text_can_be_spelled() -> None:
    tokenizer = make_tokenizer(TEXTS, SHAPE)
    for text in (*TEXTS, "Ωμέγα 龘 👩‍👩‍👧"):
        spelled = tokenizer.encode(text, add_special_tokens=False)
        assert "<unk>" not in spelled.tokens
        assert b"".join(map(as_bytes, spelled.tokens)).decode().replace("▁", " ") == f" {text}"
    assert any(token.startswith("<0x") for text in TEXTS for token in tokenizer.encode(text).tokens)


def as_bytes(token: str) -> bytes:
    return bytes([int(token[3:5], 16)]) if token.startswith("<0x") else token.encode()


def test_what_is_hidden() -> None:
    """Devlin et al. 2019, section 3.1: 15 % are to be told; of them 80 % hidden, 10 % another, 10 % as they are."""
    texts = Texts(tiny.SENTENCES, make_tokenizer(TEXTS, SHAPE), per_batch=200)
    told_ids, given_ids, num_subwords, seen = [], [], 0, set()
    for epoch in range(120):
        for given, whole, told in texts.epoch([epoch]):
            assert not told[(whole == START) | (whole == END) | (whole == PAD)].any()
            assert torch.equal(given[~told], whole[~told])
            num_subwords += int((whole > HIDDEN).sum())
            told_ids += whole[told].tolist()
            given_ids += given[told].tolist()
            seen |= {tuple(row[row != PAD].tolist()) for row in whole}
    assert seen == {tuple(ids) for ids in texts.ids}
    told_, given_ = np.array(told_ids), np.array(given_ids)
    assert len(told_) / num_subwords == pytest.approx(0.15, abs=0.01)
    assert np.mean(given_ == HIDDEN) == pytest.approx(0.8, abs=0.02)
    assert np.mean(given_ == told_) == pytest.approx(0.1, abs=0.02)


def test_the_seed_gives_the_checkpoint_that_transformers_and_we_read(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    how = {"shape": SHAPE, "epochs": 8, "lr": 5e-3, "per_batch": 120, "seed": 3}
    first, again = (pretrain(tiny.SENTENCES, tiny.SENTENCES, tmp_path / name, **how) for name in "ab")
    assert first["loss_on_dev"] == again["loss_on_dev"]
    assert first["loss_on_dev"]["after"] < first["loss_on_dev"]["before"] - 0.5
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "a")
    pieces = Subwords.fit(PretrainedSettings(name=str(tmp_path / "a"), words="none"), tiny.SENTENCES)
    assert pieces.checkpoint.specials.hidden == tokenizer.mask_token_id
    for text in TEXTS:
        ours = pieces.describe(text, pieces.cut(text))[:, 0] - 1
        assert tokenizer(text).input_ids == [START, *ours.tolist(), END]

    model = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "a").eval()
    given, whole, told = Texts(tiny.SENTENCES, make_tokenizer(TEXTS, SHAPE), per_batch=120).epoch([0])[0]
    wanted = torch.where(told, whole, -100)
    with torch.no_grad():
        theirs = model(input_ids=given, attention_mask=(whole != PAD).long(), labels=wanted).loss
        assert losses(model, given, whole, told).mean().item() == pytest.approx(theirs.item(), abs=0.02)
