"""The entities task against all tag sequences enumerated, and what a corpus that lacks a type may teach."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mere.config import EntitiesSettings
from mere.decoding.crf import typed_spans, viterbi
from mere.models.entities import EntityTask, allowed_tags
from mere.models.tensors import EntityTensors, TensorBatch
from mere.nn.crf import CRF
from tests.models.tiny_entities import spans_of

NUM_TYPES = 2
NUM_TAGS = 1 + 2 * NUM_TYPES  # O, B-0, I-0, B-1, I-1
LENGTHS = [4, 1, 3, 2]
IS_PIECE = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]

Path = tuple[int, ...]


def random_crf(seed: int) -> tuple[CRF, Tensor]:
    """A chain with random scores, and emissions (N, P, T)."""
    generator = torch.Generator().manual_seed(seed)
    crf = CRF(channels=1, num_types=NUM_TYPES)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return crf, torch.randn(len(LENGTHS), max(LENGTHS), NUM_TAGS, generator=generator)


def legal(path: Path) -> bool:
    """IOB2 by its definition: an I follows a B or an I of its own type."""
    before = (0, *path)
    return all(tag % 2 or not tag or last in (tag - 1, tag) for last, tag in itertools.pairwise(before))


def paths(length: int) -> list[Path]:
    return [path for path in itertools.product(range(NUM_TAGS), repeat=length) if legal(path)]


@torch.no_grad()
def score(crf: CRF, emissions: Tensor, path: Path) -> float:
    moves = sum(float(crf.transitions[0, a, b]) for a, b in itertools.pairwise(path))
    emitted = sum(float(emissions[place, tag]) for place, tag in enumerate(path))
    return float(crf.start[0, path[0]] + crf.end[0, path[-1]]) + moves + emitted


def weights(crf: CRF, emissions: Tensor, length: int) -> dict[Path, float]:
    """The probability of every legal path."""
    mass = {path: math.exp(score(crf, emissions, path)) for path in paths(length)}
    total = sum(mass.values())
    return {path: value / total for path, value in mass.items()}


def entities(path: Path) -> list[tuple[int, int, int]]:
    """The entities of a path: each B and the I of its type that follow."""
    found = []
    for start, tag in enumerate(path):
        if tag % 2:
            end = start + 1
            while end < len(path) and path[end] == tag + 1:
                end += 1
            found.append((start, end, (tag - 1) // 2))
    return found


def test_the_enumeration_itself() -> None:
    assert len(paths(1)) == 3
    assert (0, 2) not in paths(2)
    assert (1, 4) not in paths(2)
    assert entities((1, 2, 3, 0, 3, 4, 1)) == [(0, 2, 0), (2, 3, 1), (4, 6, 1), (6, 7, 0)]


@pytest.mark.parametrize("seed", range(8))
def test_the_best_tags_and_the_probability_of_each_entity_equal_enumeration(seed: int) -> None:
    crf, emissions = random_crf(seed)
    chain, lengths = crf.chain(), np.array(LENGTHS)
    tags = viterbi(emissions.numpy(), lengths, chain)
    found = typed_spans(emissions.numpy(), lengths, chain)
    for item, length in enumerate(LENGTHS):
        probability = weights(crf, emissions[item], length)
        best = max(probability, key=lambda path: probability[path])
        assert tuple(tags[item, :length]) == best
        assert not tags[item, length:].any()
        assert [entity[:3] for entity in found[item]] == entities(best)
        for *entity, p in found[item]:
            mass = sum(value for path, value in probability.items() if tuple(entity) in entities(path))
            assert p == pytest.approx(mass, abs=1e-4)


def test_the_random_cases_hold_entities_of_every_kind() -> None:
    found = []
    for seed in range(8):
        crf, emissions = random_crf(seed)
        found += typed_spans(emissions.numpy(), np.array(LENGTHS), crf.chain())
    spans = [(end - start, type_) for row in found for start, end, type_, _ in row]
    assert {(1, 0), (1, 1), (2, 0), (2, 1)} <= set(spans)
    assert any(len(row) > 1 for row in found)
    assert [] in found


@pytest.mark.parametrize("seed", range(6))
def test_the_likelihood_of_all_allowed_taggings_equals_enumeration(seed: int) -> None:
    crf, emissions = random_crf(seed)
    generator = torch.Generator().manual_seed(seed)
    allowed = torch.rand(emissions.shape, generator=generator) < 0.6
    allowed[..., 0] |= ~allowed[..., 1]  # some legal path is left
    tags = torch.zeros(len(LENGTHS), 1, max(LENGTHS), dtype=torch.long)
    found = crf(emissions[:, None], tags, IS_PIECE, allowed[:, None])[:, 0]
    for item, length in enumerate(LENGTHS):
        probability = weights(crf, emissions[item], length)
        may = [p for p in probability if all(allowed[item, place, tag] for place, tag in enumerate(p))]
        assert may
        assert length == 1 or len(may) < len(probability)
        mass = math.log(sum(probability[path] for path in may))
        assert found[item].item() == pytest.approx(mass, abs=1e-3)


def test_what_allows_one_tagging_is_its_likelihood_and_what_allows_all_is_certain() -> None:
    crf, emissions = random_crf(3)
    tags = torch.tensor([[1, 2, 0, 3], [3, 0, 0, 0], [0, 1, 3, 0], [3, 4, 0, 0]])[:, None]
    alone = torch.nn.functional.one_hot(tags, NUM_TAGS).bool()
    crf, emissions = crf.double(), emissions[:, None].double()  # 1e4 leaves fp32 three digits
    torch.testing.assert_close(
        crf(emissions, tags, IS_PIECE, alone), crf(emissions, tags, IS_PIECE), atol=2e-3, rtol=0
    )
    every = torch.ones_like(alone)
    assert not crf(emissions, tags, IS_PIECE, every).any()


def test_allowed_tags_by_hand() -> None:
    """O B-1 I-1 O, where type 0 is unknown; B-0 O, where both are known; O O, where neither is."""
    tags = torch.tensor([[0, 3, 4, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    is_known = torch.tensor([[False, True], [True, True], [False, False]])
    allowed = allowed_tags(tags, is_known).long().tolist()
    free, everything, only_o = [1, 1, 1, 0, 0], [1] * 5, [1, 0, 0, 0, 0]
    assert allowed == [
        [free, [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], free],
        [[0, 1, 0, 0, 0], only_o, only_o, only_o],
        [everything] * 4,
    ]


DIM = 6


def task(**changes: object) -> EntityTask:
    torch.manual_seed(0)
    return EntityTask(dim=DIM, num_types=NUM_TYPES, settings=EntitiesSettings(**changes))  # type: ignore[arg-type]


def batch() -> TensorBatch:
    rows, length = IS_PIECE.shape
    nothing = torch.zeros(rows, length, 1, dtype=torch.int32)
    return TensorBatch(nothing, IS_PIECE, IS_PIECE, torch.zeros(rows, dtype=torch.long))


def taught(row: list[int], tags: list[list[int]], known: list[list[bool]]) -> EntityTensors:
    return EntityTensors(
        torch.tensor(row, dtype=torch.long),
        torch.tensor(tags, dtype=torch.long).reshape(-1, max(LENGTHS)),
        torch.tensor(known, dtype=torch.bool).reshape(-1, NUM_TYPES),
    )


def vectors() -> Tensor:
    return torch.randn(*IS_PIECE.shape, DIM, generator=torch.Generator().manual_seed(1)).requires_grad_()


def test_a_corpus_that_lacks_a_type_gives_no_gradient_against_predicting_it() -> None:
    """A model that names type 1 wherever the corpus, which annotates type 0 only, names nothing: it costs nothing."""
    ours, pieces = task(), vectors()
    with torch.no_grad():
        ours.out.weight.zero_()
        ours.out.bias.copy_(torch.tensor([0.0, -60.0, -60.0, 5.0, 4.0]))
    nothing = [[0, 0, 0, 0]]
    lacking = ours.losses(pieces, batch(), taught([0], nothing, [[True, False]]))["entity"].mean()
    assert lacking.item() == pytest.approx(0, abs=1e-3)
    lacking.backward()  # type: ignore[no-untyped-call]
    assert ours.out.bias.grad is not None
    assert ours.out.bias.grad.abs().max() < 1e-5
    assert all(p.grad is None or p.grad.abs().max() < 1e-5 for p in ours.crf.parameters())
    ours.zero_grad()
    full = ours.losses(pieces, batch(), taught([0], nothing, [[True, True]]))["entity"].mean()
    full.backward()  # type: ignore[no-untyped-call]
    assert full.item() > 10, "where it is annotated, it costs"
    assert ours.out.bias.grad[3] > 1


@pytest.mark.parametrize("seed", range(5))
def test_what_is_unknown_is_never_pushed_down_and_what_is_known_is(seed: int) -> None:
    ours = task()
    with torch.no_grad():
        ours.out.weight.copy_(
            torch.randn(ours.out.weight.shape, generator=torch.Generator().manual_seed(seed))
        )
    ours.losses(vectors(), batch(), taught([0], [[0, 0, 0, 0]], [[True, False]]))["entity"].mean().backward()  # type: ignore[no-untyped-call]
    gradient = ours.out.bias.grad
    assert gradient is not None
    assert (gradient[3:] <= 1e-6).all()
    assert (gradient[1:3] > 0).all()


def test_a_sentence_that_teaches_nothing_is_not_read() -> None:
    ours, pieces = task(), vectors()
    assert ours.losses(pieces, batch(), taught([], [], [])) == {}
    loss = ours.losses(pieces, batch(), taught([0, 2], [[0, 1, 2, 0], [3, 4, 0, 0]], [[True, True]] * 2))[
        "entity"
    ].mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert pieces.grad is not None
    touched = pieces.grad.abs().amax(-1) > 0
    expected = IS_PIECE.clone()
    expected[[1, 3]] = False
    assert torch.equal(touched, expected), "nor is padding"


def test_the_loss_is_the_mean_over_sentences_times_its_weight() -> None:
    pieces = vectors()
    rows, tags = [0, 2], [[0, 1, 2, 0], [3, 4, 0, 0]]
    known = [[True, True]] * 2
    whole = task().losses(pieces, batch(), taught(rows, tags, known))["entity"].mean()
    apart = [
        task().losses(pieces, batch(), taught([r], [t], known[:1]))["entity"].mean()
        for r, t in zip(rows, tags, strict=True)
    ]
    torch.testing.assert_close(whole, torch.stack(apart).mean())
    triple = task(weight=3.0).losses(pieces, batch(), taught(rows, tags, known))["entity"].mean()
    torch.testing.assert_close(triple, 3 * whole)
    crf_alone = [weights(task().crf, task().emissions(pieces)[r, : LENGTHS[r]], LENGTHS[r]) for r in rows]
    expected = [-math.log(p[tuple(t[: LENGTHS[r]])]) for r, t, p in zip(rows, tags, crf_alone, strict=True)]
    assert whole.item() == pytest.approx(sum(expected) / 2, abs=1e-4)


@pytest.mark.parametrize("hidden", [0, 5])
def test_spans_do_not_see_padding_or_batch_mates(hidden: int) -> None:
    ours = task(hidden=hidden).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)))
        pieces = vectors().detach()
        found = spans_of(ours, pieces, batch())
        assert sum(map(len, found)) > 2
        for row, length in enumerate(LENGTHS):
            is_piece = torch.ones(1, length, dtype=torch.bool)
            nothing = torch.zeros(1, length, 1, dtype=torch.int32)
            alone = TensorBatch(nothing, is_piece, is_piece, torch.zeros(1, dtype=torch.long))
            (own,) = spans_of(ours, pieces[row : row + 1, :length], alone)
            assert [e[:3] for e in own] == [e[:3] for e in found[row]]
            assert [e[3] for e in own] == pytest.approx([e[3] for e in found[row]], abs=1e-5)
