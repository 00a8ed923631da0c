"""Conflict statistics against figures by hand, over steps, in JSON, and resumed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mere.training.objectives import ConflictTracker, Gradients
from mere.training.objectives.conflict import pair_statistics
from tests.training.objectives.gradient_examples import LANGUAGES, gradients, random_rows


def test_a_pair_by_hand():
    # g1 = (3, 0), g2 = (-3, 4): cosine -9/15; lengths 3 and 5: 2*15/(9+25).
    found = pair_statistics(np.array([[9.0, -9.0], [-9.0, 25.0]]))
    assert found["cosine"][0, 1] == pytest.approx(-0.6)
    assert found["conflicting"][0, 1] == 1.0
    assert found["magnitude_similarity"][1, 0] == pytest.approx(30 / 34)
    assert np.isnan(found["cosine"].diagonal()).all()


@pytest.mark.parametrize("seed", range(5))
def test_cosines_equal_torch(seed):
    rows = random_rows(seed, 4, 6)
    found = pair_statistics((rows @ rows.T).numpy())["cosine"]
    expected = torch.nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1).numpy()
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(found[off], expected[off], atol=1e-12)


def test_means_over_steps_count_only_steps_in_which_a_pair_met():
    tracker = ConflictTracker(("de", "en", "fr"))
    tracker.update(gradients([[1.0, 0.0], [0.6, 0.8]], ("de", "en")))
    tracker.update(gradients([[1.0, 0.0], [-1.0, 0.0]], ("en", "de")))
    tracker.update(gradients([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], ("de", "en", "fr")))  # en: no gradient
    found = tracker.to_json()["groups"]["all"]
    assert found["steps"] == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]
    assert found["cosine"][0][1] == pytest.approx(-0.2)
    assert found["cosine"][0][2] == 0.0
    assert found["cosine"][1][2] is None
    assert found["cosine"][0][0] is None
    assert found["conflicting"][1][0] == 0.5
    assert found["mean_cosine"] == pytest.approx(-0.4 / 3)
    assert found["share_conflicting"] == pytest.approx(1 / 3)


def test_groups_are_kept_apart_and_private_parameters_left_out():
    tracker = ConflictTracker(LANGUAGES)
    tracker.update(
        Gradients(
            ("de", "en"),
            {
                "encoder.w": torch.tensor([[1.0, 0.0], [1.0, 0.0]]),
                "tagger.w": torch.tensor([[1.0, 0.0], [-1.0, 0.0]]),
                "switcher.of.de": torch.tensor([[5.0], [0.0]]),
            },
        )
    )
    found = tracker.to_json()["groups"]
    assert {group: values["mean_cosine"] for group, values in found.items()} == {
        "all": 0.0,
        "encoder": pytest.approx(1.0),
        "tagger": pytest.approx(-1.0),
    }
    assert found["all"]["magnitude_similarity"][0][1] == pytest.approx(1.0)


def test_one_language_meets_nobody():
    tracker = ConflictTracker(LANGUAGES)
    tracker.update(gradients([[1.0, 2.0]]))
    found = tracker.to_json()["groups"]["all"]
    assert found["mean_cosine"] is None
    assert found["share_conflicting"] is None


def test_json_is_json():
    tracker = ConflictTracker(LANGUAGES)
    for step in range(3):
        tracker.update(gradients(random_rows(step, 3, 4)))
    told = tracker.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["languages"] == list(LANGUAGES)


def test_resumed_equals_uninterrupted():
    whole, first, second = (ConflictTracker(LANGUAGES) for _ in range(3))
    for step in range(6):
        given = gradients(random_rows(step, 4, 5))
        whole.update(given)
        if step < 3:
            first.update(given)
    second.load_state_dict({name: tensor.clone() for name, tensor in first.state_dict().items()})
    for step in range(3, 6):
        second.update(gradients(random_rows(step, 4, 5)))
    assert second.to_json() == whole.to_json()
