"""Training steps of an XLM-R-base-shaped model, beside transformers' own token classification of the same shape.

    python benchmarks/pretrained_steps.py --threads 1 --rounds 9

Batches are 16 sentences of 48 subwords. In every round each system makes one step after the other in this process,
so that a slow minute slows all; ratios are taken within a round. Weights and tokenizer are made on the spot.
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from pydantic import Field
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn

from mere.config import DataSettings, Recipe
from mere.data.corpora import load_corpora
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.metrics.intervals import Measured
from mere.models.model import build
from mere.research.provenance import origin
from mere.research.record import Experiment, Record
from mere.training.loop import StageLoop
from mere.training.run_data import labels_of
from mere.training.source import BatchSource, TrainingData
from mere.training.trainable import select_parameters
from mere.types import Sentence

ROOT = Path(__file__).parents[1]
SENTENCES, SUBWORDS = 16, 48
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
SHAPE = {
    "vocab_size": 250002, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1,
}  # fmt: skip
PLAIN = "transformers"
Step = Callable[[], object]
Spent = tuple[float, float, float]
"""Wall, CPU and user seconds."""


class Times(Record):
    """Median, least and most over the rounds: seconds, or shares of another system's in the same round.

    Args:
        wall: by the clock. cpu: of this process, user and system. user: without the system's, which hands out
            memory.
    """

    wall: Measured
    cpu: Measured
    user: Measured

    @classmethod
    def of(cls, rounds: Sequence[Spent]) -> Times:
        return cls(
            **{
                name: Measured(
                    value=round(statistics.median(values), 4),
                    low=round(min(values), 4),
                    high=round(max(values), 4),
                )
                for name, values in zip(cls.model_fields, zip(*rounds, strict=True), strict=True)
            }
        )


class System(Record):
    """What a step of one system took."""

    seconds: Times
    parameters: int
    parameters_trained: int
    description: str


class PretrainedSteps(Experiment):
    """The results of this benchmark."""

    experiment: str = "pretrained-steps"
    transformers: str
    threads: int
    rounds: int
    systems: dict[str, System]
    ratios: dict[str, Times] = Field(description='"a / b": steps of a in proportion to those of b')
    switcher_parameters: int = Field(description="of one language")
    switcher_share: float = Field(description="of the encoder's parameters")


def tokenizer(texts: Sequence[str]) -> Tokenizer:
    """Return a tokenizer of XLM-R's form with a small vocabulary."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(
        texts,
        trainers.UnigramTrainer(
            vocab_size=8000, special_tokens=list(SPECIALS), unk_token="<unk>", show_progress=False
        ),
    )
    ends = [(token, made.token_to_id(token)) for token in ("<s>", "</s>")]
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    return made


def of_length(sentences: Sequence[Sentence], cut: Tokenizer, number: int) -> list[Sentence]:
    """Return sentences of exactly `SUBWORDS`, special ones included: each runs on into the next ones' text."""
    made: list[Sentence] = []
    for index, sentence in enumerate(sentences[:-20]):
        text = " ".join(other.text for other in sentences[index : index + 20])
        ends = [end for _, end in cut.encode(text, add_special_tokens=False).offsets]
        text = text[: ends[SUBWORDS - 3]]
        if len(text) > len(sentence.text) and len(cut.encode(text).ids) == SUBWORDS:
            made.append(dataclasses.replace(sentence, text=text))
        if len(made) == number:
            break
    return made


def plain_step(folder: Path, precision: str) -> tuple[Step, nn.Module]:
    """Return what a step of transformers' Trainer does by default, on random labels: clipped, AdamW fused."""
    model: Any = transformers.AutoModelForTokenClassification.from_pretrained(folder, num_labels=17)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    ids = torch.randint(5, 8000, (SENTENCES, SUBWORDS))
    labels = torch.randint(0, 17, ids.shape)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()

    return step, model


def our_stages(folder: Path, task: str, sentences: Sequence[Sentence], precision: str) -> list[StageLoop]:
    """Return a recipe's two stages on one model: all of it is trained, then the switchers and the heads."""
    sampling = {"pieces_per_batch": SENTENCES * (SUBWORDS - 2)}
    common = {"epochs": 20, "lr": 1e-5, "sampling": sampling}
    recipe = Recipe.from_tree(
        {
            "task": task,
            "precision": precision,
            "encoder": {"name": str(folder), "words": "none"},
            "aggregator": {"layers": 1 if task == "triples" else 0},
            "stages": [
                {"name": "unified", "train": ["encoder", "aggregator", "heads"], **common},
                {"name": "specific", "train": ["switcher", "heads"], "use_switcher": True, **common},
            ],
        }
    )
    labels = labels_of(recipe, sentences)
    maker = ExampleMaker(fit_pieces(recipe.encoder, sentences), labels)
    data = TrainingData(sentences, maker)
    torch.manual_seed(0)
    model = build(recipe, labels, maker.pieces)
    model.start()
    loops = []
    for stage in recipe.stages:
        source = BatchSource(data, recipe=recipe, sampling=stage.sampling, epochs=stage.epochs, seed=[0, 0])
        shapes = {source[step][0].pieces.shape[:2] for step in range(len(data.sentences) // SENTENCES)}
        assert shapes == {(SENTENCES, SUBWORDS - 2)}, shapes
        loops.append(StageLoop(model, recipe, stage, source))
    return loops


def stepping(loop: StageLoop) -> Step:
    """Return a step of a stage that shares its model with another one, and leaves no gradients."""
    running: Iterator[object] = loop.run()

    def step() -> None:
        select_parameters(loop.model, loop.stage.train)
        next(running)
        loop.forget_gradients()

    return step


def clocks() -> Spent:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime, used.ru_utime


def timed(steps: dict[str, Step], rounds: int) -> dict[str, list[Spent]]:
    """Return what each system's steps took, round by round, after one that does not count."""
    times: dict[str, list[Spent]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            began = clocks()
            step()
            wall, cpu, user = (now - then for now, then in zip(clocks(), began, strict=True))
            if number:
                times[name].append((wall, cpu, user))
                print(
                    f"{number:3} {name:32} wall {wall:6.2f} s, cpu {cpu:5.2f}, user {user:5.2f}", flush=True
                )
    return times


def ratio(a: Sequence[Spent], b: Sequence[Spent]) -> Times:
    return Times.of([(x[0] / y[0], x[1] / y[1], x[2] / y[2]) for x, y in zip(a, b, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "pretrained-steps.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    train = load_corpora(DataSettings()).sentences("train")
    cut = tokenizer([sentence.text for sentence in train])
    sentences = of_length(train[::7], cut, 10 * SENTENCES)
    systems: dict[str, System] = {}
    ratios: dict[str, Times] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut.save(str(folder / "tokenizer.json"))
        transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**SHAPE)).save_pretrained(folder)
        plain, model = plain_step(folder, arguments.precision)
        numbers = {PLAIN: (sum(p.numel() for p in model.parameters()),) * 2}
        told = {PLAIN: "AutoModelForTokenClassification, clipped at 1, AdamW fused"}
        for task in ("entities", "triples"):
            full, specific = f"{task}, all weights", f"{task}, switchers and heads"
            loops = our_stages(folder, task, sentences, arguments.precision)
            total = sum(p.numel() for p in loops[0].model.parameters())
            for system, loop in zip((full, specific), loops, strict=True):
                numbers[system] = total, sum(p.numel() for p in loop.parameters.values())
            told[full] = "stage 1" + (", with an aggregator of one block" if task == "triples" else "")
            told[specific] = "stage 2, the encoder frozen"
            times = timed(
                {PLAIN: plain, full: stepping(loops[0]), specific: stepping(loops[1])}, arguments.rounds
            )
            for system, spent in times.items():
                systems[system] = System(
                    seconds=Times.of(spent),
                    parameters=numbers[system][0],
                    parameters_trained=numbers[system][1],
                    description=told[system],
                )
            ratios[f"{full} / {PLAIN}"] = ratio(times[full], times[PLAIN])
            ratios[f"{full} / {specific}"] = ratio(times[full], times[specific])
            assert loops[0].model.switcher is not None
            own = next(iter(loops[0].model.switcher.of.values()))
            switcher = sum(p.numel() for p in own.parameters())
            encoder = sum(p.numel() for p in loops[0].model.encoder.parameters())
            del loops, loop
    PretrainedSteps(
        description=f"Steps on {SENTENCES} sentences of {SUBWORDS} subwords in {arguments.precision}, XLM-R base's "
        f"shape: {SHAPE}; CPU beside wall time, because other programs may share the machine.",
        command=f"python benchmarks/pretrained_steps.py --threads {arguments.threads} --rounds {arguments.rounds} "
        f"--precision {arguments.precision}",
        **origin(),
        seeds=[0],
        transformers=transformers.__version__,
        threads=arguments.threads,
        rounds=arguments.rounds,
        systems=systems,
        ratios=ratios,
        switcher_parameters=switcher,
        switcher_share=round(switcher / encoder, 6),
    ).write(arguments.out)
    for pair, found in ratios.items():
        print(f"{pair}: wall {found.wall.value}, cpu {found.cpu.value}, user {found.user.value}")


if __name__ == "__main__":
    main()
