"""A small multilingual encoder, pretrained on nothing but the training text of the quick-start corpus (claim A-7).

    python benchmarks/pretrain.py --out runs/backbone
    mere compare recipes/compare-backbone.yaml --set encoder.name=runs/backbone --out runs/cmp-backbone

A vocabulary of subwords, whose rare characters are spelled in bytes, and a Transformer of XLM-R's form (Conneau et
al. 2020) that learns to tell hidden subwords (Devlin et al. 2019, section 3.1). No annotation is read, and no other
split but to measure the loss. OUT is an ordinary checkpoint: config.json, tokenizer.json, model.safetensors; what the
pretraining came to is in OUT/pretraining.json. The same seed gives the same bytes on the same machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn

from mere.config import StageSettings
from mere.data.corpora import quickstart_corpus
from mere.data.sampling import plan_epoch
from mere.store.files import write_json
from mere.training.loop import learning_rate
from mere.types import Sentence

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
"""In XLM-R's order, so that its configuration's own ids hold."""
START, PAD, END, UNKNOWN, HIDDEN = range(5)
POSITIONS = 128
HIDE = 0.15
"""Share of the subwords that are to be told; of them 80 % are hidden, 10 % stand as another, 10 % as they are."""
TEMPERATURE = 1 / 0.3
"""XLM-R's: languages are drawn in proportion to n ** 0.3."""


@dataclass(frozen=True)
class Shape:
    """How large the encoder is, and what its subwords are made of.

    Args:
        subwords: of the vocabulary, bytes not counted.
        characters: the most frequent ones; others are spelled in bytes.
    """

    subwords: int = 2000
    characters: int = 500
    layers: int = 3
    dim: int = 192
    heads: int = 4


def make_tokenizer(texts: Sequence[str], shape: Shape) -> Tokenizer:
    """Learn subwords by byte pair encoding, words beginning with "▁"; bytes stand for characters it lacks."""
    made = Tokenizer(models.BPE(unk_token=SPECIALS[UNKNOWN], byte_fallback=True))
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    # The trainer's own choice between characters that are equally frequent is by chance.
    counts = Counter("".join(_words(made, text) for text in texts))
    alphabet = sorted(counts, key=lambda character: (-counts[character], character))[: shape.characters]
    trainer = trainers.BpeTrainer(
        vocab_size=shape.subwords,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        special_tokens=list(SPECIALS),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    stored = json.loads(made.to_str())
    vocabulary = stored["model"]["vocab"]
    vocabulary |= {f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)}
    made = Tokenizer.from_str(json.dumps(stored, ensure_ascii=False))
    ends = [(SPECIALS[START], START), (SPECIALS[END], END)]
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    made.enable_truncation(POSITIONS)
    return made


def _words(tokenizer: Tokenizer, text: str) -> str:
    """Return a text as its words are given to the merges."""
    words = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
    return "".join(word for word, _ in words)


def make_model(tokenizer: Tokenizer, shape: Shape) -> Any:
    """Return a randomly initialised XLM-R that tells hidden subwords."""
    config = transformers.XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=shape.dim,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.dim,
        max_position_embeddings=POSITIONS + PAD + 1,
        type_vocab_size=1,
    )
    return transformers.XLMRobertaForMaskedLM(config)


class Texts:
    """Sentences as subwords, in batches of about equal lengths that are a function of (seed, epoch)."""

    def __init__(self, sentences: Sequence[Sentence], tokenizer: Tokenizer, per_batch: int):
        encoded = tokenizer.encode_batch([sentence.text for sentence in sentences])
        self.ids = [np.array(one.ids) for one in encoded]
        self.size = tokenizer.get_vocab_size()
        self.per_batch = per_batch
        self.lengths = np.array([len(ids) for ids in self.ids])
        codes = sorted({sentence.lang for sentence in sentences})
        self.lang_ids = np.array([codes.index(sentence.lang) for sentence in sentences])

    def epoch(self, seed: Sequence[int], temperature: float = 1.0) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return the batches of an epoch: subwords as given, as they are, and which are to be told, each (B, P)."""
        rng = np.random.default_rng(seed)
        plan = plan_epoch(
            self.lengths, self.lang_ids, rng, temperature=temperature, pieces_per_batch=self.per_batch
        )
        return [self._hidden([self.ids[i] for i in planned.indices], rng) for planned in plan]

    def _hidden(
        self, rows: list[NDArray[np.int64]], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        whole = np.full((len(rows), max(map(len, rows))), PAD)
        for row, ids in zip(whole, rows, strict=True):
            row[: len(ids)] = ids
        told = (whole > HIDDEN) & (rng.random(whole.shape) < HIDE)
        kind = rng.random(whole.shape)
        given = np.where(told & (kind < 0.8), HIDDEN, whole)
        another = rng.integers(HIDDEN + 1, self.size, whole.shape)
        given = np.where(told & (kind >= 0.9), another, given)
        return torch.from_numpy(given), torch.from_numpy(whole), torch.from_numpy(told)


def losses(model: Any, given: Tensor, whole: Tensor, told: Tensor) -> Tensor:
    """Return the negative log-likelihood of each subword that is to be told, in nats."""
    with torch.autocast("cpu", torch.bfloat16):
        states = model.roberta(input_ids=given, attention_mask=(whole != PAD).long()).last_hidden_state
        scores = model.lm_head(states[told])
    return nn.functional.cross_entropy(scores.float(), whole[told], reduction="none")


@torch.no_grad()
def mean_loss(model: Any, texts: Texts) -> float:
    """Return the mean loss over a drawing of hidden subwords that is always the same."""
    model.eval()
    return torch.cat([losses(model, *batch) for batch in texts.epoch([0])]).mean().item()


def pretrain(
    train: Sequence[Sentence],
    dev: Sequence[Sentence],
    out: Path,
    *,
    shape: Shape,
    epochs: int,
    lr: float,
    per_batch: int,
    seed: int,
) -> dict[str, Any]:
    """Pretrain on the texts of `train`, write the checkpoint, and return what it came to.

    Args:
        dev: other sentences, to measure the loss on. lr: the peak. per_batch: padded subwords of a batch.
    """
    began = time.process_time()
    torch.manual_seed(seed)
    tokenizer = make_tokenizer([sentence.text for sentence in train], shape)
    model = make_model(tokenizer, shape)
    texts = Texts(train, tokenizer, per_batch)
    others = Texts(dev, tokenizer, per_batch)
    before = mean_loss(model, others)
    stage = StageSettings(name="pretraining", lr=lr, warmup=0.1, schedule="linear")
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
    step, num_steps = 0, sum(len(texts.epoch([seed, epoch], TEMPERATURE)) for epoch in range(epochs))
    for epoch in range(epochs):
        model.train()
        total: list[float] = []
        for batch in texts.epoch([seed, epoch], TEMPERATURE):
            loss = losses(model, *batch).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(stage, step, num_steps)
            optimizer.step()
            step += 1
            total.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(total):.3f}", flush=True)
    model.eval()
    model.save_pretrained(out)
    named = {
        "bos_token": START,
        "pad_token": PAD,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "mask_token": HIDDEN,
    }
    named |= {"cls_token": START, "sep_token": END}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{name: SPECIALS[id] for name, id in named.items()}
    ).save_pretrained(out)
    record = {
        "loss_on_dev": {"before": round(before, 3), "after": round(mean_loss(model, others), 3)},
        "seconds_of_cpu": round(time.process_time() - began, 1),
        "parameters": sum(parameter.numel() for parameter in model.roberta.parameters()),
        "subwords": tokenizer.get_vocab_size(),
        "epochs": epochs,
        "steps": num_steps,
        "seed": seed,
    }
    write_json(out / "pretraining.json", record)
    return record


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=1e-3, help="peak learning rate")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    corpus = quickstart_corpus()
    record = pretrain(
        corpus.sentences("train"),
        corpus.sentences("dev"),
        arguments.out,
        shape=Shape(),
        epochs=arguments.epochs,
        lr=arguments.lr,
        per_batch=700,
        seed=arguments.seed,
    )
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
