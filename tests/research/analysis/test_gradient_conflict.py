"""Conflict on a toy where it is planted: two languages that want opposite things, and one that agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mere.research.analysis.conflict import conflict


class _Toy(nn.Module):
    """Two modules: all languages want the same of `encoder`, and of `heads` what they want for themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.heads = nn.Linear(4, 1, bias=False), nn.Linear(4, 1, bias=False)


WANTS = {"de": 1.0, "en": -1.0, "fr": 1.0}
FEATURES = torch.tensor([1.0, 2.0, -1.0, 0.5])


def planted(size: int = 24, noise: float = 0.0) -> tuple[_Toy, dict[str, list[Any]], Any]:
    toy = _Toy()
    rng = np.random.default_rng(0)
    examples: dict[str, list[Any]] = {
        lang: [(want, torch.tensor(noise * rng.normal(size=4)).float()) for _ in range(size)]
        for lang, want in WANTS.items()
    }

    def loss_of(chosen: Any, rng: np.random.Generator) -> Tensor:
        parts = [toy.encoder(FEATURES + e) + want * toy.heads(FEATURES + e) for want, e in chosen]
        return torch.stack(parts).mean()

    return toy, examples, loss_of


def test_planted_conflict_is_seen_where_it_is() -> None:
    toy, examples, loss_of = planted()
    found = conflict(toy, examples, loss_of, steps=3, sentences=4, depth=1)  # type: ignore[arg-type]
    of = {lang: place for place, lang in enumerate(found.languages)}
    heads, encoder = found.cosine["heads"], found.cosine["encoder"]
    assert heads[of["de"], of["en"]] == pytest.approx(-1.0)
    assert heads[of["de"], of["fr"]] == pytest.approx(1.0)
    assert found.conflicting["heads"][of["de"], of["en"]] == 1.0
    assert found.conflicting["heads"][of["de"], of["fr"]] == 0.0
    np.testing.assert_allclose(encoder, 1.0, rtol=1e-6)
    assert found.cosine["all"][of["de"], of["en"]] == pytest.approx(0.0, abs=1e-6)
    assert found.between("heads") == pytest.approx((-1 / 3, 2 / 3))
    assert found.within("heads") == pytest.approx((1.0, 0.0))
    assert found.pairs("heads")["en", "fr"] == pytest.approx(-1.0)


def test_noise_lowers_what_a_language_can_reach_with_itself() -> None:
    toy, examples, loss_of = planted(noise=4.0)
    found = conflict(toy, examples, loss_of, steps=20, sentences=2, depth=1)  # type: ignore[arg-type]
    assert 0.0 < found.within("encoder")[0] < 0.9
    more = conflict(toy, examples, loss_of, steps=20, sentences=12, depth=1)  # type: ignore[arg-type]
    assert more.within("encoder")[0] > found.within("encoder")[0]


def test_a_language_of_one_sentence_has_no_second_batch() -> None:
    toy, examples, loss_of = planted()
    examples["de"] = examples["de"][:1]
    found = conflict(toy, examples, loss_of, steps=2, sentences=4, depth=1)  # type: ignore[arg-type]
    assert np.isnan(found.cosine["heads"][0, 0])
    assert found.cosine["heads"][0, 1] == pytest.approx(-1.0)
    assert found.to_json()["groups"]["heads"]["cosine"][0][0] is None
