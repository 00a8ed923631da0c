"""Byte-to-span: windows and their merging worked by hand, the loss and the writing step by step, learned by heart."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from mere.config import EntitiesSettings, Recipe
from mere.data.batching import collate
from mere.data.corpora import load_corpora
from mere.data.examples import Annotated
from mere.data.pieces.bytes import TextBytes
from mere.data.units import Units
from mere.data.windows import (
    STOP,
    SpanTargets,
    span_targets,
)
from mere.errors import ConfigError
from mere.models.backend import load_predictor
from mere.models.entity_spans import SpansTask
from mere.models.model import build
from mere.models.tensors import SpanTensors, TensorBatch, to_tensors
from mere.nn.encoders import BytesEncoder
from mere.schema import Labels
from mere.training.run import train
from mere.training.source import BatchSource, TrainingData
from tests.models.tiny_entities import MAKER, ROWS, example, sentence, spans_of, write_corpus


def lstms(dim: int, hidden: int, layers: int, *, both: bool = False) -> int:
    """Return the parameters of a stack of LSTMs (four gates, two biases each), of both directions side by side."""
    directions = 2 if both else 1
    inputs = [dim, *[directions * hidden] * (layers - 1)]
    return sum(directions * 4 * hidden * (width + hidden + 2) for width in inputs)


def test_windows_are_a_pure_function_of_seed_epoch_and_step(tmp_path: Path) -> None:
    recipe = small_recipe(write_corpus(tmp_path))
    data = TrainingData(load_corpora(recipe.data).sentences("train"), MAKER)

    def source(seed: int) -> BatchSource:
        sampling = recipe.stages[0].sampling
        return BatchSource(data, recipe=recipe, sampling=sampling, epochs=3, seed=[seed])

    one, other = source(1), source(1)
    backwards = {step: other[step][1].entities for step in reversed(range(len(one)))}
    firsts = []
    for step in range(len(one)):
        targets = one[step][1].entities
        assert isinstance(targets, SpanTargets)
        for field in fields(targets):
            assert np.array_equal(getattr(targets, field.name), getattr(backwards[step], field.name))
        firsts.append(tuple(targets.first.tolist()))
    assert len(set(firsts)) > len(firsts) // 2  # and they differ from epoch to epoch


def a_task(*, pointer: bool, window: int = 12) -> SpansTask:
    torch.manual_seed(5)
    spans = {"window": window, "overlap": 4, "dim": 8, "layers": 2, "dropout": 0.0, "pointer": pointer}
    settings = EntitiesSettings.model_validate({"decoder": "spans", "spans": spans})
    task = SpansTask(dim=6, num_types=3, settings=settings)
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.mul_(4)  # so that answers differ
    return task.eval().requires_grad_(False)


def a_batch(texts: list[str]) -> tuple[TensorBatch, torch.Tensor]:
    examples = [example(text, []) for text in texts]
    batch = to_tensors(collate(examples), torch.device("cpu"))
    vectors = torch.randn(258, 6, generator=torch.Generator().manual_seed(1))
    return batch, vectors[batch.pieces[..., 0].long()]


def as_tensors(targets: SpanTargets) -> SpanTensors:
    return SpanTensors(**{f.name: torch.from_numpy(getattr(targets, f.name)) for f in fields(targets)})


@pytest.mark.parametrize("pointer", [True, False])
def test_the_loss_is_that_of_one_symbol_after_the_other(pointer: bool) -> None:
    """Steps scored all at once with the truth fed back, against one step at a time, window by window."""
    task = a_task(pointer=pointer)
    made = [example("Ann Lee saw Jo in Köln.", ["Ann Lee:PER", "Jo:PER"]), example("Jo in Rom.", ["Rom:LOC"])]
    targets = as_tensors(span_targets(made, np.random.default_rng(3), window=12))
    batch, pieces = a_batch(["Ann Lee saw Jo in Köln.", "Jo in Rom."])
    total, steps = 0.0, 0
    for index in range(len(targets.row)):
        kept, state = task.writer.read(
            task._cut(pieces, targets.row[index : index + 1], targets.first[index : index + 1])
        )
        before = torch.tensor([[STOP]])
        for step in range(int(targets.is_step[index].sum())):
            scores, state = task.writer.write(before, step, kept, state)
            before = targets.symbols[index, step].view(1, 1)
            total -= scores.log_softmax(-1)[0, 0, before].item()
            steps += 1
    assert task.losses(pieces, batch, targets)["entity"].mean().item() == pytest.approx(
        total / steps, abs=1e-4
    )


def test_a_start_that_the_corpus_does_not_annotate_is_as_right_as_the_one_it_does() -> None:
    """`Jo met Al.` with PER unknown and Al an ORG: Jo and met may begin an entity before Al, nothing after it."""
    text = "Jo met Al."
    made = MAKER(sentence("s", "en", text, ["Al:ORG"]))
    assert made is not None
    partly = Annotated(**{**vars(made), "is_type_known": np.array([True, True, False])})
    targets = span_targets([partly], np.random.default_rng(0), window=10)
    assert np.flatnonzero(targets.unsaid[0, 0]).tolist() == [0, 2, 3, 6]  # Jo, a space, met, a space
    assert np.flatnonzero(targets.unsaid[0, 1]).tolist() == [9]  # the full stop
    task = a_task(pointer=True, window=10)
    batch, pieces = a_batch([text])
    tensors = as_tensors(targets)
    kept, state = task.writer.read(task._cut(pieces, tensors.row, tensors.first))
    before = torch.tensor([[STOP, *targets.symbols[0, :-1].tolist()]])
    p = task.writer.write(before, 0, kept, state)[0].softmax(-1)[0].tolist()
    start, length, type_, stop = targets.symbols[0].tolist()
    right = [
        p[0][start] + sum(p[0][1 + place] for place in (0, 2, 3, 6)),
        p[1][length],
        p[2][type_],
        p[3][stop] + p[3][1 + 9],
    ]
    expected = -sum(math.log(q) for q in right) / 4
    assert task.losses(pieces, batch, tensors)["entity"].mean().item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("pointer", [True, False])
def test_writing_keeps_to_characters_and_does_not_depend_on_the_batch(pointer: bool) -> None:
    texts = [text for rows in ROWS.values() for text, _ in rows]
    task = a_task(pointer=pointer)
    together = spans_of(task, *reversed(a_batch(texts)))
    assert sum(map(len, together)) > 5
    for text, found in zip(texts, together, strict=True):
        alone = spans_of(task, *reversed(a_batch([text])))[0]
        assert [span[:3] for span in alone] == [span[:3] for span in found]
        assert [span[3] for span in alone] == pytest.approx([span[3] for span in found], abs=1e-4)
        pieces = TextBytes(Units()).cut(text)
        ends = [0]
        for start, end, type_id, probability in found:
            mention = text[pieces[start].start : pieces[end - 1].end]
            assert len(mention.encode()) == end - start
            assert ends[-1] <= start < end
            assert 0 <= type_id < 3
            assert 0 < probability <= 1 + 1e-6
            ends.append(end)


def test_a_spans_probability_is_the_product_of_its_three_steps() -> None:
    """A window as long as the sentence, every symbol chosen by hand out of the writer's own scores."""
    task = a_task(pointer=True, window=10)
    batch, pieces = a_batch(["Jo met Al."])
    begins = [0, 2, 3, 6, 7, 9]
    kept, state = task.writer.read(pieces)
    before, place, expected = STOP, 0, []
    for step in range(0, 30, 3):
        chosen = []
        for kind in range(3):
            scores, state = task.writer.write(torch.tensor([[before]]), step + kind, kept, state)
            y = scores[0, 0].tolist()
            if kind == 0:
                allowed = [STOP, *(1 + b for b in begins if b >= place)]
            elif kind == 1:
                allowed = [10 + e - (chosen[0][0] - 1) for e in [*begins, 10] if e > chosen[0][0] - 1]
            else:
                allowed = [21, 22, 23]
            total = sum(math.exp(y[a]) for a in allowed)
            before = max(allowed, key=y.__getitem__)
            chosen.append((before, math.exp(y[before]) / total))
            if before == STOP:
                break
        if before == STOP:
            break
        start, length, type_ = chosen[0][0] - 1, chosen[1][0] - 10, chosen[2][0] - 21
        place = start + length
        expected.append((start, place, type_, math.prod(p for _, p in chosen)))
    found = spans_of(task, pieces, batch)[0]
    assert expected
    assert [span[:3] for span in found] == [span[:3] for span in expected]
    assert [span[3] for span in found] == pytest.approx([span[3] for span in expected], rel=1e-4)


def test_bytes_are_hidden_in_training_only() -> None:
    torch.manual_seed(0)
    encoder = BytesEncoder(dim=8, byte_dropout=0.3)
    text = torch.full((1, 5000, 1), 66)
    text[:, 4000:] = 0  # padding
    is_hidden = (encoder.train()(text, text[..., 0] > 0) == encoder.table.weight[257]).all(-1)[0]
    assert is_hidden[:4000].float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert not is_hidden[4000:].any()
    assert (encoder.eval()(text, text[..., 0] > 0)[0, :4000] == encoder.table.weight[66]).all()


@pytest.mark.parametrize(
    ("preset", "parameters"),
    [
        # bytes; 2 layers of 2 LSTMs, then of 1 layer; glue, 9 tags, a CRF of 9
        (
            "byte-crf",
            258 * 256
            + lstms(256, 256, 2, both=True)
            + 3 * 8
            + lstms(1032, 512, 1, both=True)
            + 1025 * 9
            + 9 * 11,
        ),
        ("charner", 258 * 128 + lstms(128, 128, 5, both=True) + 257 * 5),
        # bytes, reader, symbols and writer, output: STOP, 60 starts, 60 lengths, 4 types
        (
            "byte-to-span",
            258 * 256 + lstms(256, 320, 4) + 125 * 320 + lstms(320, 320, 4) + 321 * 125,
        ),
    ],
)
def test_the_papers_presets_have_its_shapes(preset: str, parameters: int) -> None:
    recipe = Recipe.read(Path(__file__).parents[2] / "recipes" / f"ner-{preset}-paper.yaml")
    model = build(recipe, Labels((), ("LOC", "MISC", "ORG", "PER"), ("de", "en", "es", "nl")))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


def small_recipe(corpus: Path, *, epochs: int = 3, **spans: object) -> Recipe:
    return Recipe.from_tree(
        {
            "task": "entities",
            "seed": 1,
            "threads": 1,
            "precision": "fp32",
            "data": {"path": str(corpus)},
            "encoder": {"name": "bytes", "dim": 32, "byte_dropout": 0.0},
            "aggregator": {"layers": 0},
            "switcher": {"width": 0},
            "entities": {
                "decoder": "spans",
                "spans": {"window": 40, "overlap": 20, "dim": 64, "layers": 1, "dropout": 0.0, **spans},
            },
            "stages": [
                {
                    "name": "polyglot",
                    "epochs": epochs,
                    "lr": 0.01,
                    "evaluations": 1,
                    "sampling": {"pieces_per_batch": 400},
                }
            ],
        }
    )


@pytest.mark.parametrize(("pointer", "epochs"), [(True, 120), (False, 200)])
def test_a_tiny_corpus_is_learned_by_heart(pointer: bool, epochs: int, tmp_path: Path) -> None:
    recipe = small_recipe(write_corpus(tmp_path), epochs=epochs, pointer=pointer)
    model = train(recipe, tmp_path / "run", progress=False)
    dev = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["dev"]["entity_f1/strict"]
    assert dev["macro"] == 100.0
    long = ROWS["de"][3][0]  # 121 bytes, and a mention of 60: longer than a window
    entities = load_predictor(model).predict([long], ["de"])[0].entities
    assert [(e.text, e.type) for e in entities] == [
        ("Anna-Lena Freifrau von und zu Hohenstein-Birkenfeld-Ebersbach", "PER"),
        ("Jena", "LOC"),
    ]


@pytest.mark.parametrize(
    ("entities", "said"),
    [
        ({"decoder": "spans", "spans": {"window": 30, "overlap": 30}}, "must be less than spans.window 30"),
        ({"decoder": "spans", "hidden": 64}, "no hidden layer"),
    ],
)
def test_settings_that_do_not_fit_are_refused(entities: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Recipe.from_tree({"task": "entities", "entities": entities, "stages": [{"name": "one"}]})
