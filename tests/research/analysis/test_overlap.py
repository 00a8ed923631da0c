"""Overlap of top sets: worked by hand, at chance by simulation, and what pruning and weight change count with them."""

from __future__ import annotations

import pytest
import torch

from mere.models.model import Model
from mere.research.analysis.overlap import flat, overlap, overlaps, top_sets
from mere.research.analysis.pruning import RANDOM, common_shapes, prunable, prune_across, prune_to, pruned
from mere.research.analysis.weight_change import weight_change
from tests.research.analysis.analysis_examples import model_of, recipe

SHAPES = {"a.weight": torch.Size([2, 3]), "b.weight": torch.Size([4])}


def test_two_sets_by_hand() -> None:
    found = overlap(both=2, first=4, second=3, everything=12)
    assert found.jaccard == pytest.approx(2 / 5)
    assert found.share == pytest.approx(2 / 4)
    assert found.chance_share == pytest.approx(3 / 12)
    assert found.chance_jaccard == pytest.approx(1 / 6)  # one expected in both, six in either
    assert overlap(0, 0, 3, 12).jaccard == 0.0


@pytest.mark.parametrize("percent", [1.0, 10.0, 50.0])
def test_chance_is_what_random_sets_show(percent: float) -> None:
    generator = torch.Generator().manual_seed(4)
    shapes = {"all.weight": torch.Size([20_000])}
    draws = {str(n): {"all.weight": torch.rand(20_000, generator=generator)} for n in range(20)}
    mean = overlaps(draws, shapes, percents=[percent]).mean()[0]
    p = percent / 100
    assert mean.chance_jaccard == pytest.approx(p / (2 - p), rel=0.01)
    assert mean.jaccard == pytest.approx(p / (2 - p), rel=0.1)
    assert mean.share == pytest.approx(p, rel=0.1)


def test_a_top_set_holds_the_largest_and_never_a_zero() -> None:
    values = torch.tensor([0.0, 5.0, 1.0, 0.0, 3.0])
    sets = top_sets(values, [20.0, 60.0, 100.0])
    assert [chosen.nonzero().flatten().tolist() for chosen in sets] == [[1], [1, 2, 4], [1, 2, 4]]


def test_modules_have_rankings_of_their_own() -> None:
    one = {"a.weight": torch.arange(6.0).reshape(2, 3) + 100, "b.weight": torch.tensor([4.0, 3.0, 2.0, 1.0])}
    other = {"a.weight": one["a.weight"].flip(0, 1), "b.weight": torch.tensor([9.0, 1.0, 8.0, 2.0])}
    found = overlaps({"x": one, "y": other}, SHAPES, percents=[50.0])
    assert found.sizes == {"all": 10, "a": 6, "b": 4}
    assert found.curves["a"]["x", "y"][0].jaccard == 0.0  # the last three, and the first three
    assert found.curves["b"]["x", "y"][0].jaccard == pytest.approx(1 / 3)  # {0, 1} and {0, 2}
    assert found.curves["all"]["x", "y"][0].share == pytest.approx(4 / 5)  # five of the six of a in each
    assert found.where["x"] == {"a": [1.0], "b": [0.0]}


def test_what_a_language_never_reads_is_zero() -> None:
    assert flat({"b.weight": torch.ones(4)}, SHAPES).tolist() == [0.0] * 6 + [1.0] * 4


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(recipe("bilstm"))[0]


def test_everything_kept_is_the_model(model: Model) -> None:
    shapes = prunable(model)
    number = sum(shape.numel() for shape in shapes.values())
    same = pruned(model, shapes, torch.ones(number, dtype=torch.bool)).state_dict()
    assert all(torch.equal(tensor, same[name]) for name, tensor in model.state_dict().items())


def test_what_is_not_kept_is_zero_and_the_rest_is_untouched(model: Model) -> None:
    shapes = prunable(model)
    number = sum(shape.numel() for shape in shapes.values())
    kept = torch.rand(number, generator=torch.Generator().manual_seed(0)) < 0.3
    before = model.state_dict()
    after = pruned(model, shapes, kept).state_dict()
    assert int((flat(after, shapes) != 0).sum()) <= int(kept.sum())
    assert torch.equal(flat(after, shapes)[kept], flat(before, shapes)[kept])
    never = [name for name in before if name not in shapes]
    assert {n for n in never if before[n].ndim > 1} == {
        n for n in before if before[n].ndim > 1 and (".crf." in n or n.startswith("switcher."))
    }
    assert all(torch.equal(after[name], before[name]) for name in never)


def _size(model: Model) -> float:
    """A score that a test can foresee: how many of the prunable parameters are left, in per cent."""
    shapes = prunable(model)
    return 100 * float((flat(model.state_dict(), shapes) != 0).double().mean())


def test_random_masks_are_as_large_as_the_languages(model: Model) -> None:
    generator = torch.Generator().manual_seed(1)
    diagonals = {
        lang: {name: torch.rand(shape, generator=generator) for name, shape in prunable(model).items()}
        for lang in ("de", "en")
    }
    percents = (5.0, 50.0, 100.0)
    found = prune_to(model, diagonals, lambda m: {"de": _size(m)}, percents=percents)
    assert found.whole == {"de": _size(model)}
    assert found.scores["de"][-1] == found.whole
    for owner in ("de", "en", RANDOM):
        left = [scores["de"] for scores in found.scores[owner]]
        assert left == pytest.approx([p * found.whole["de"] / 100 for p in percents], rel=0.02)
    assert found.prunable + found.never_pruned == sum(p.numel() for p in model.parameters())


def test_independent_models_are_pruned_to_each_others_parameters(model: Model) -> None:
    ones = {name: torch.ones(shape) for name, shape in prunable(model).items()}
    table = "encoder.embedding.table.weight"
    only = {table: ones[table]}
    found = prune_across(
        {"de": model, "en": model}, {"de": only, "en": ones}, lambda _, m: _size(m), percents=(100.0 - 1e-9,)
    )
    share = 100 * ones[table].numel() / found.prunable
    assert found.scores["de"][0]["en"] == pytest.approx(share, rel=0.02)
    assert found.scores["en"][0]["de"] == pytest.approx(found.whole["de"])


def test_models_have_in_common_what_has_one_shape(model: Model) -> None:
    other = model_of(recipe("bilstm", triples={"hidden": 24}))[0]
    common = common_shapes([model, other])
    assert "encoder.embedding.mix.weight" in common
    assert "triples.entity_tagger.piece.weight" not in common
    assert not any(name.startswith("switcher.") for name in common)


def test_weight_change_by_hand() -> None:
    shared = {"a.weight": torch.full((2, 2), 3.0), "b.weight": torch.ones(6)}
    tuned = {"a.weight": torch.tensor([[3.0, 7.0], [3.0, 6.0]]), "b.weight": torch.ones(6)}
    tuned["b.weight"][0] = 1.5
    information = {
        "de": {"a.weight": torch.tensor([[0.0, 9.0], [0.0, 8.0]]), "b.weight": torch.zeros(6)},
        "en": {
            "a.weight": torch.tensor([[0.0, 9.0], [0.0, 0.0]]),
            "b.weight": torch.tensor([8.0] + [0.0] * 5),
        },
    }
    found = weight_change("de", shared, tuned, information, percent=20.0)  # two of ten
    assert found.relative == pytest.approx({"a": 5 / 6, "b": 0.5 / 6**0.5})
    assert found.squared_share == pytest.approx({"a": 25 / 25.25, "b": 0.25 / 25.25})
    assert found.changed == pytest.approx(3 / 10)
    assert found.kinds["shared"] == pytest.approx((1 / 2, 1 / 10))
    assert found.kinds["specific"] == pytest.approx((1 / 2, 1 / 10))
    assert found.kinds["others"] == pytest.approx((0.0, 1 / 10))
    assert found.kinds["none"] == pytest.approx((0.0, 7 / 10))
    assert found.to_json()["kinds"]["shared"]["lift"] == pytest.approx(5.0)
