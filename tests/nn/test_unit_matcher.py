"""The unit matcher against its formula, pair by pair: a cosine and a scale, nothing else."""

from __future__ import annotations

import torch

from mere.nn.unit_matcher import UnitMatcher


def test_a_score_is_the_scaled_cosine_of_two_projections() -> None:
    torch.manual_seed(0)
    matcher = UnitMatcher(dim=6, unit_dim=4)
    contexts, units = torch.randn(5, 6), torch.randn(3, 4)
    scores = matcher(contexts, units)
    for row in range(5):
        for column in range(3):
            a, b = matcher.context(contexts[row]), matcher.unit(units[column])
            cosine = (a @ b) / (a.norm() * b.norm())
            torch.testing.assert_close(scores[row, column], 10 * cosine)


def test_the_scale_is_bounded_and_the_length_of_a_unit_counts_for_nothing() -> None:
    matcher = UnitMatcher(dim=6, unit_dim=4)
    with torch.no_grad():
        matcher.log_scale.fill_(50.0)
        matcher.unit.bias.zero_()
    contexts, units = torch.randn(5, 6), torch.randn(3, 4)
    scores = matcher(contexts, units)
    assert scores.abs().max() <= 100.001
    torch.testing.assert_close(matcher(contexts, 7 * units), scores)
