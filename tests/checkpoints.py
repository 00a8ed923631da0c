"""Tiny checkpoints of six families, made on the spot: real tokenizers and models of transformers, random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn

from mere.config import PretrainedSettings
from mere.data.pieces import Subwords, fit_pieces
from mere.models.model import build_encoder
from mere.nn.encoders import PretrainedEncoder
from tests import tiny

FAMILIES = ("bert", "xlm-roberta", "deberta-v2", "modernbert", "distilbert", "t5")
TEXTS = tuple(sentence.text for sentence in tiny.SENTENCES)
_SPECIALS = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "distilbert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "xlm-roberta": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    "deberta-v2": ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"),
    "modernbert": ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"),
    "t5": ("<pad>", "</s>", "<unk>"),
}


def tokenizer(family: str, texts: Iterable[str] = TEXTS, size: int = 400) -> Tokenizer:
    """Train a tokenizer of a family's form: normaliser, pre-tokeniser, model and template as the family has them."""
    specials = list(_SPECIALS[family])
    unknown = next(token for token in specials if "unk" in token.lower())
    if family in ("bert", "distilbert"):
        made = Tokenizer(models.WordPiece(unk_token=unknown))
        made.normalizer = normalizers.BertNormalizer(lowercase=family == "distilbert")
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(
            vocab_size=size, special_tokens=specials, show_progress=False
        )
    elif family == "modernbert":
        made = Tokenizer(models.BPE())
        made.normalizer = normalizers.NFC()
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=size + 200, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
        )
    else:
        made = Tokenizer(models.Unigram())
        metaspace = pre_tokenizers.Metaspace()
        if family == "deberta-v2":
            steps = [normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), normalizers.NFC()]
            made.normalizer = normalizers.Sequence([*steps, normalizers.Strip(left=False)])
            made.pre_tokenizer = pre_tokenizers.Sequence([metaspace])
        else:
            steps = [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
            made.normalizer = normalizers.Sequence(steps)
            made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
        trainer = trainers.UnigramTrainer(
            vocab_size=size, special_tokens=specials, unk_token=unknown, show_progress=False
        )
    made.train_from_iterator(texts, trainer)
    first, last = (
        (None, "</s>")
        if family == "t5"
        else (("<s>", "</s>") if family == "xlm-roberta" else ("[CLS]", "[SEP]"))
    )
    template = f"{first} $A {last}" if first else f"$A {last}"
    ends = [(token, made.token_to_id(token)) for token in (first, last) if token]
    made.post_processor = processors.TemplateProcessing(single=template, special_tokens=ends)
    return made


def model(family: str, made: Tokenizer, positions: int = 64) -> Any:
    """Return a randomly initialised model of the family, as its checkpoints hold it."""
    vocabulary = made.get_vocab_size() + (8 if family == "deberta-v2" else 0)  # as DeBERTa's, padded
    pad = made.token_to_id(next(token for token in _SPECIALS[family] if "pad" in token.lower()))
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    common = {"vocab_size": vocabulary, "pad_token_id": pad}
    if family == "bert":
        config: Any = transformers.BertConfig(**common, **shape, max_position_embeddings=positions)
        return transformers.BertForMaskedLM(config)
    if family == "xlm-roberta":
        config = transformers.XLMRobertaConfig(**common, **shape, max_position_embeddings=positions + pad + 1)
        return transformers.XLMRobertaForMaskedLM(config)
    if family == "deberta-v2":
        buckets = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16}
        v3 = {"share_att_key": True, "norm_rel_ebd": "layer_norm", "position_biased_input": False}
        config = transformers.DebertaV2Config(
            **common, **shape, **buckets, **v3, max_position_embeddings=positions, type_vocab_size=0
        )
        return transformers.DebertaV2Model(config)
    if family == "modernbert":
        ends = {"cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2, "eos_token_id": 2}
        config = transformers.ModernBertConfig(
            **common, **shape, **ends, max_position_embeddings=positions, local_attention=16
        )
        return transformers.ModernBertForMaskedLM(config)
    if family == "distilbert":
        config = transformers.DistilBertConfig(
            **common, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=positions
        )
        return transformers.DistilBertModel(config)
    config = transformers.T5Config(
        **common, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=pad
    )
    return transformers.T5ForConditionalGeneration(config)


def make(
    family: str, folder: Path, *, texts: Iterable[str] = TEXTS, size: int = 400, positions: int = 64
) -> Path:
    """Write a checkpoint of a family: config.json, tokenizer.json, model.safetensors."""
    torch.manual_seed(7)
    made = tokenizer(family, texts, size)
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    model(family, made, positions).save_pretrained(folder)
    return folder


def encoder(folder: Path, **given: Any) -> tuple[PretrainedEncoder, Subwords]:
    chosen = PretrainedSettings(name=str(folder), **{"words": "none", **given})
    pieces = fit_pieces(chosen, tiny.SENTENCES)
    assert isinstance(pieces, Subwords)
    made = build_encoder(chosen, pieces)
    assert isinstance(made, PretrainedEncoder)
    made.start()
    return made.eval(), pieces


def padded(pieces: Subwords, texts: list[str]) -> tuple[Tensor, Tensor]:
    rows = [torch.from_numpy(pieces.describe(text, pieces.cut(text))) for text in texts]
    together = nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return together, together[..., 0] > 0
