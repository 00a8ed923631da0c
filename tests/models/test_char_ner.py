"""CharNER's decoder against all sequences of types enumerated, then its loss, then a corpus learned by heart."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mere.config import EntitiesSettings, Recipe
from mere.data.pieces.bytes import TextBytes
from mere.data.units import Units
from mere.decoding.crf import TypedSpan
from mere.decoding.types import out_of_reach, type_spans
from mere.errors import ConfigError
from mere.models.backend import load_predictor
from mere.models.entity_types import TypesTask
from mere.models.tensors import EntityTensors, TensorBatch
from mere.training.run import train
from tests.models.tiny_entities import write_corpus


def entities_of(types: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Maximal runs of one type other than O, by the definition."""
    runs = [
        (type_, [i for i, _ in run]) for type_, run in itertools.groupby(enumerate(types), lambda it: it[1])
    ]
    return [(places[0], places[-1] + 1, type_ - 1) for type_, places in runs if type_]


def enumerated(log_p: np.ndarray, begins: np.ndarray) -> list[TypedSpan]:
    """The best legal sequence's entities, with the share of all legal sequences that have exactly this entity."""
    length, num = log_p.shape
    legal = [
        types
        for types in itertools.product(range(num), repeat=length)
        if all(begins[i] or types[i] == types[i - 1] for i in range(1, length))
    ]
    score = {types: sum(log_p[i, t] for i, t in enumerate(types)) for types in legal}
    total = sum(math.exp(s) for s in score.values())
    best = max(legal, key=score.__getitem__)
    return [
        (*entity, sum(math.exp(score[types]) for types in legal if entity in entities_of(types)) / total)
        for entity in entities_of(best)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_decoding_equals_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = np.array([6, 1, 4, 6])
    logits = rng.normal(size=(4, 6, 3)) * 2
    log_p = (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)
    begins = rng.random((4, 6)) < 0.6
    found = type_spans(log_p, lengths, begins)
    for row, length in enumerate(lengths):
        expected = enumerated(log_p[row, :length], begins[row])
        assert [span[:3] for span in found[row]] == [span[:3] for span in expected]
        assert [span[3] for span in found[row]] == pytest.approx([span[3] for span in expected], abs=1e-5)


def test_log_probabilities_are_summed_not_probabilities() -> None:
    """Two pieces of one word: 0.9 + 0.02 > 0.5 + 0.4, but 0.9 x 0.02 < 0.5 x 0.4."""
    p = np.array([[[0.9, 0.1], [0.02, 0.98]], [[0.5, 0.5], [0.4, 0.6]]], dtype=np.float32)
    begins = np.array([[True, False]] * 2)
    found = type_spans(np.log(p), np.array([2, 2]), begins)
    assert [[span[:3] for span in spans] for spans in found] == [[(0, 2, 0)], [(0, 2, 0)]]
    assert found[0][0][3] == pytest.approx(0.098 / (0.098 + 0.018), abs=1e-5)
    three = np.log(np.array([[[0.9, 0.1], [0.02, 0.98], [0.9, 0.1]]], dtype=np.float32))
    assert type_spans(three, np.array([3]), np.array([[True, False, False]])) == [[]]  # 0.0162 against 0.0098


@given(st.text(alphabet="aß東🙂é’ \u0301.北", max_size=12), st.integers(0, 99))
def test_spans_are_whole_characters_whatever_the_types_say(text: str, seed: int) -> None:
    pieces = TextBytes(Units())
    spans = pieces.cut(text)
    if not spans:
        return
    log_p = np.random.default_rng(seed).normal(size=(1, len(spans), 4)).astype(np.float32)
    begins = pieces.begins_word(text, spans)
    for start, end, _, _ in type_spans(log_p, np.array([len(spans)]), begins[None])[0]:
        mention = text[spans[start].start : spans[end - 1].end]
        assert len(mention.encode()) == end - start


def test_touching_mentions_of_one_type_are_out_of_reach_and_counted() -> None:
    begins = np.array([True, True, False, True, True])
    assert out_of_reach([(0, 1, 0), (1, 3, 1)], begins) == 0
    assert out_of_reach([(0, 1, 0), (1, 3, 0)], begins) == 2
    assert out_of_reach([(0, 1, 0), (1, 3, 0), (3, 5, 0)], begins) == 3
    assert out_of_reach([(0, 2, 0), (2, 5, 1)], begins) == 2  # inside a word
    assert out_of_reach([(0, 1, 0), (3, 5, 0)], begins) == 0


def random_case(seed: int, known: list[bool]) -> tuple[TypesTask, torch.Tensor, TensorBatch, EntityTensors]:
    torch.manual_seed(seed)
    task = TypesTask(dim=5, num_types=2, settings=EntitiesSettings(decoder="types"))
    is_piece = torch.tensor([[True] * 4, [True] * 3 + [False]])
    batch = TensorBatch(torch.zeros(2, 4, 1, dtype=torch.long), is_piece, is_piece, torch.zeros(2).long())
    tags = torch.tensor([[1, 2, 0, 3], [0, 0, 3, 0]])
    return (
        task,
        torch.randn(2, 4, 5),
        batch,
        EntityTensors(torch.tensor([0, 1]), tags, torch.tensor([[True, True], known])),
    )


@pytest.mark.parametrize("known", [[True, True], [True, False], [False, True]])
def test_the_loss_counts_every_typing_that_the_annotation_allows(known: list[bool]) -> None:
    task, pieces, batch, targets = random_case(3, known)
    p = task.emissions(pieces).softmax(-1).tolist()
    total = 0.0
    for row, tags in enumerate([[1, 1, 0, 2], [0, 0, 2]]):
        for place, given_type in enumerate(tags):
            right = {given_type}
            if given_type == 0 and row == 1:
                right |= {1 + k for k, is_known in enumerate(known) if not is_known}
            total -= math.log(sum(p[row][place][type_] for type_ in right))
    assert task.losses(pieces, batch, targets)["entity"].mean().item() == pytest.approx(total / 7, abs=1e-5)


def test_no_annotated_sentence_no_loss() -> None:
    task, pieces, batch, targets = random_case(0, [True, True])
    nobody = EntityTensors(targets.row[:0], targets.tags[:0], targets.is_known[:0])
    assert task.losses(pieces, batch, nobody) == {}


@pytest.mark.parametrize(
    ("encoder", "task", "decoder", "said"),
    [
        ("byte-stream", "entities", "crf", "inside a character"),
        ("bytes", "entities", "types", "take the decoder spans"),
        ("bytes", "triples", "crf", "triples needs an encoder with context"),
    ],
)
def test_what_does_not_fit_is_refused(encoder: str, task: str, decoder: str, said: str) -> None:
    tree = {
        "task": task,
        "encoder": {"name": encoder},
        "aggregator": {"layers": 0},
        "entities": {"decoder": decoder},
        "stages": [{"name": "one"}],
    }
    with pytest.raises(ConfigError, match=said):
        Recipe.from_tree(tree)


@pytest.mark.slow
def test_a_tiny_corpus_is_learned_by_heart(tmp_path: Path) -> None:
    recipe = Recipe.from_tree(
        {
            "task": "entities",
            "seed": 1,
            "threads": 1,
            "precision": "fp32",
            "data": {"path": str(write_corpus(tmp_path))},
            "encoder": {"name": "byte-stream", "byte_dim": 24, "dim": 64, "layers": 1, "dropout": 0.0},
            "aggregator": {"layers": 0},
            "switcher": {"width": 0},
            "entities": {"decoder": "types"},
            "stages": [
                {
                    "name": "polyglot",
                    "epochs": 60,
                    "lr": 0.02,
                    "evaluations": 1,
                    "sampling": {"pieces_per_batch": 300},
                }
            ],
        }
    )
    model = train(recipe, tmp_path / "run", progress=False)
    dev = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["dev"]["entity_f1/strict"]
    assert dev["macro"] == 100.0
    text = "東京と北京。"
    entities = load_predictor(model).predict([text], ["ja"])[0].entities
    assert [(e.text, e.type) for e in entities] == [("東京", "LOC"), ("北京", "LOC")]
    assert all(0.5 < (e.score or 0.0) <= 1.0 for e in entities)
