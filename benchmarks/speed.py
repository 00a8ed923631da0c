"""Speed of the entities task at CoNLL length: training and inference, beside this machine's own peak of matmul.

    python benchmarks/speed.py --data DATA --threads 2

Everything is measured in one process, one after the other, three times; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mere.config import Recipe
from mere.data.corpora import load_corpora
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.models.backend import predictor_of
from mere.models.model import build
from mere.research.provenance import commit, hardware, software
from mere.training.loop import StageLoop
from mere.training.run_data import labels_of
from mere.training.source import BatchSource, TrainingData

ROOT = Path(__file__).parents[1]
ENCODERS: dict[str, dict[str, Any]] = {
    "byte-words": {"name": "byte-words"},
    "byte-words, the paper's widths": {
        "name": "byte-words", "width": 64, "byte_dim": 256, "word_dim": 512, "word_layers": 2, "dim": 1024,
    },
    "compact": {
        "name": "compact", "row_dim": 48, "dim": 384, "layers": 1, "min_count": 2, "dropout": 0.5, "unit_dropout": 0.4,
    },
}  # fmt: skip
REPEATS = 3


def peak(dtype: torch.dtype) -> float:
    """Return the rate of a large matrix product in GFLOP/s."""
    a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
    a @ b
    return max(2 * 2048**3 / seconds(lambda: a @ b) / 1e9 for _ in range(5))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(encoder: dict[str, Any], data: str, steps: int) -> dict[str, float]:
    """Return sentences/s of training in batches of 64 and of inference, and the arithmetic of a training step."""
    recipe = Recipe.from_tree(
        {
            "task": "entities",
            "data": {"path": data, "languages": ["en"]},
            "encoder": encoder,
            "aggregator": {"layers": 0},
            "switcher": {"width": 0},
            "stages": [{"name": "s", "epochs": 4, "sampling": {"pieces_per_batch": 1000}}],
        }
    )
    corpus = load_corpora(recipe.data)
    sentences = corpus.sentences("train")
    labels = labels_of(recipe, sentences)
    maker = ExampleMaker(fit_pieces(recipe.encoder, sentences), labels)
    source = BatchSource(
        TrainingData(sentences, maker),
        recipe=recipe,
        sampling=recipe.stages[0].sampling,
        epochs=4,
        seed=[0, 0],
    )
    loop = StageLoop(build(recipe, labels), recipe, recipe.stages[0], source)
    running = loop.run()
    for _ in range(5):
        next(running)
    rates, sizes = [], []
    for _ in range(REPEATS):
        seen = 0
        began = time.perf_counter()
        for _ in range(steps):
            size = next(running).sentences
            seen += size
            sizes.append(size)
        rates.append(seen / (time.perf_counter() - began))
    predictor = predictor_of(loop.model, maker, precision="bf16")
    test = corpus.sentences("test")
    texts, langs = [s.text for s in test], [s.lang for s in test]
    predictor.predict(texts[:200], langs[:200])
    found = [len(texts) / seconds(lambda: predictor.predict(texts, langs)) for _ in range(REPEATS)]
    return {
        "training_sentences_per_second": round(statistics.median(rates), 1),
        "sentences_per_batch": round(statistics.mean(sizes), 1),
        "inference_sentences_per_second": round(statistics.median(found), 1),
        "training_gflop_per_sentence": round(flops(loop, REPEATS * steps) / 1e9, 4),
    }


def flops(loop: StageLoop, steps: int) -> float:
    """Return the multiply-adds, twice, of a training step per sentence: forward and backward of all matrices.

    torch's counter does not see inside an LSTM, whose matrices are counted by hand: a backward costs two forwards.
    """
    from torch.utils.flop_counter import FlopCounterMode

    lstm = [0]

    def count(module: torch.nn.LSTM, inputs: tuple[torch.Tensor, ...], output: object) -> None:
        places = inputs[0].shape[0] * inputs[0].shape[1]
        lstm[0] += 3 * 2 * places * 4 * module.hidden_size * (module.input_size + module.hidden_size)

    hooks = [m.register_forward_hook(count) for m in loop.model.modules() if isinstance(m, torch.nn.LSTM)]
    loop.step, seen = 5, 0
    running = loop.run()
    with FlopCounterMode(display=False) as counter:
        for _ in range(steps):  # the very batches that were timed: they differ in length
            seen += next(running).sentences
    for hook in hooks:
        hook.remove()
    return (counter.get_total_flops() + lstm[0]) / seen


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    peaks = {
        "fp32_gflops": round(peak(torch.float32), 1),
        "bf16_gflops": round(peak(torch.bfloat16), 1),
    }
    systems = {}
    for name, encoder in ENCODERS.items():
        found = measured(encoder, arguments.data, arguments.steps)
        rate = found["training_sentences_per_second"] * found["training_gflop_per_sentence"]
        systems[name] = found | {"share_of_bf16_peak": round(rate / peaks["bf16_gflops"], 4)}
        print(name, systems[name])
    record = {
        "experiment": "speed",
        "command": f"python benchmarks/speed.py --data DATA --threads {arguments.threads}",
        "commit": commit(),
        "date": str(datetime.now(UTC).date()),
        "hardware": hardware().model_dump(),
        "software": software().model_dump(),
        "threads": arguments.threads,
        "peak": peaks,
        "systems": systems,
    }
    (ROOT / "benchmarks" / "results" / "speed.json").write_text(
        json.dumps(record, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
