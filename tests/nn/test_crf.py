"""The CRF against all paths enumerated, and against pytorch-crf; decoding against the same enumeration."""

import itertools
import math

import numpy as np
import pytest
import torch
import torchcrf

from mere.data.tagging import to_spans
from mere.decoding.crf import best_spans
from mere.decoding.limits import Limits
from mere.nn.crf import CRF

LENGTHS = [5, 1, 3]
CHANNELS = 2
EVERY = Limits(spans_per_role=100, min_span=0.0)


def random_crf(seed: int) -> tuple[CRF, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    crf = CRF(channels=CHANNELS)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    emissions = torch.randn(len(LENGTHS), CHANNELS, max(LENGTHS), 3, generator=generator)
    is_piece = torch.arange(max(LENGTHS))[None] < torch.tensor(LENGTHS)[:, None]
    return crf, emissions, is_piece


def legal_paths(length: int) -> list[tuple[int, ...]]:
    """All BIO sequences, by the definition: I follows B or I."""
    return [
        path
        for path in itertools.product(range(3), repeat=length)
        if path[0] != 2 and all(not (b == 2 and a == 0) for a, b in itertools.pairwise(path))
    ]


@torch.no_grad()
def path_score(crf: CRF, emissions: torch.Tensor, channel: int, path: tuple[int, ...]) -> float:
    score = crf.start[channel, path[0]] + crf.end[channel, path[-1]]
    score = score + sum(emissions[i, tag] for i, tag in enumerate(path))
    return float(score + sum(crf.transitions[channel, a, b] for a, b in itertools.pairwise(path)))


@pytest.mark.parametrize("seed", range(5))
def test_partition_and_likelihood_equal_enumeration(seed):
    crf, emissions, is_piece = random_crf(seed)
    log_z = crf.log_partition(emissions, is_piece)
    for item, channel in itertools.product(range(len(LENGTHS)), range(CHANNELS)):
        paths = legal_paths(LENGTHS[item])
        scores = torch.tensor([path_score(crf, emissions[item, channel], channel, path) for path in paths])
        assert log_z[item, channel].item() == pytest.approx(scores.logsumexp(0).item(), abs=1e-4)
        path = paths[seed % len(paths)]
        tags = torch.zeros(len(LENGTHS), CHANNELS, max(LENGTHS), dtype=torch.long)
        tags[item, channel, : len(path)] = torch.tensor(path)
        likelihood = crf(emissions, tags, is_piece)[item, channel].item()
        expected = scores[paths.index(path)] - scores.logsumexp(0)
        assert likelihood == pytest.approx(expected.item(), abs=1e-4)


def test_unconstrained_part_agrees_with_pytorch_crf():
    """pytorch-crf knows no constraints, so it is given ours as very low transitions."""
    crf, emissions, is_piece = random_crf(7)
    for channel in range(CHANNELS):
        other = torchcrf.CRF(3, batch_first=True)
        start, transitions, end = crf.constrained()
        with torch.no_grad():
            other.start_transitions.copy_(start[channel])
            other.transitions.copy_(transitions[channel])
            other.end_transitions.copy_(end[channel])
        tags = torch.tensor([[1, 2, 2, 0, 1], [1, 0, 0, 0, 0], [0, 1, 2, 0, 0]])
        expected = other(emissions[:, channel], tags, mask=is_piece, reduction="none")
        both = tags[:, None].expand(-1, CHANNELS, -1)
        ours = crf(emissions, both, is_piece)[:, channel]
        torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-4)


def test_forbidden_paths_have_no_mass_whatever_the_emissions_say():
    crf, emissions, is_piece = random_crf(3)
    emissions[..., 2] += 50  # everything asks for I
    chain = crf.chain()
    for item in best_spans(emissions.numpy(), np.array(LENGTHS), chain, EVERY):
        for spans in item:
            assert (
                sum(p for (start, _), p in spans if start == 0) <= 1 + 1e-5
            )  # none begins twice, none with I
    assert torch.isfinite(crf.log_partition(emissions, is_piece)).all()


def test_gradients_agree_with_finite_differences():
    crf, emissions, is_piece = random_crf(1)
    crf = crf.double()
    tags = torch.zeros(len(LENGTHS), CHANNELS, max(LENGTHS), dtype=torch.long)
    inputs = emissions[..., :].double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda e: crf.score(e, tags, is_piece) - crf.log_partition(e, is_piece), (inputs,)
    )


@pytest.mark.parametrize("seed", range(5))
def test_best_spans_equal_enumeration(seed):
    crf, emissions, _ = random_crf(seed)
    chain = crf.chain()
    found = best_spans(emissions.numpy(), np.array(LENGTHS), chain, EVERY)
    for item, channel in itertools.product(range(len(LENGTHS)), range(CHANNELS)):
        length = LENGTHS[item]
        mass: dict[tuple[int, int], float] = {}
        paths = legal_paths(length)
        total = 0.0
        for path in paths:
            weight = math.exp(path_score(crf, emissions[item, channel], channel, path))
            total += weight
            for span in to_spans(path):
                mass[span] = mass.get(span, 0.0) + weight
        named = {span: p for span, p in found[item][channel] if p > 0}
        assert named == {span: pytest.approx(m / total, abs=1e-4) for span, m in mass.items()}
        probabilities = [p for _, p in found[item][channel]]
        assert probabilities == sorted(probabilities, reverse=True)
