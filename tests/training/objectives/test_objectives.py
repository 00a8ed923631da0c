"""What holds for every objective: symmetry, scaling, private parameters, absent languages, the registry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mere.errors import TrainingError
from mere.training.objectives import OBJECTIVES, Gradients, SurgeryObjective, make_objective
from tests.training.objectives.gradient_examples import LANGUAGES, answer, gradients, one_answer, random_rows

SURGERY = [name for name, kind in OBJECTIVES.items() if issubclass(kind, SurgeryObjective)]


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_order_of_the_languages_does_not_matter(name, order):
    rows = random_rows(7, 4, 5)
    expected = answer(make_objective(name, LANGUAGES), gradients(rows))
    turned = gradients(rows[list(order)], tuple(LANGUAGES[i] for i in order))
    torch.testing.assert_close(answer(make_objective(name, LANGUAGES), turned), expected)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("scale", [1e-4, 1e3])
def test_scaling_all_gradients_scales_the_answer(name, scale):
    rows = random_rows(5, 4, 5)
    expected = scale * one_answer(make_objective(name, LANGUAGES), rows)
    torch.testing.assert_close(one_answer(make_objective(name, LANGUAGES), scale * rows), expected)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_one_language_alone_follows_its_gradient(name):
    rows = random_rows(1, 1, 5)
    torch.testing.assert_close(one_answer(make_objective(name, LANGUAGES), rows), rows[0])


@pytest.mark.parametrize("name", SURGERY)
@pytest.mark.parametrize("scope", ["model", "group"])
def test_private_parameters_pass_unchanged_and_do_not_weigh(name, scope):
    """A language's own switcher is neither operated on, nor makes its owner's gradient look longer."""
    rows = random_rows(11, 3, 6)
    own = torch.zeros(3, 4, dtype=torch.float64)
    own[1] = torch.tensor([1e3, -2e3, 5.0, 0.1])
    bare = Gradients(LANGUAGES[:3], {"encoder.w": rows})
    both = Gradients(LANGUAGES[:3], {"encoder.w": rows, "switcher.of.en.up": own})
    found = answer(make_objective(name, LANGUAGES, scope=scope), both)
    assert torch.equal(found["switcher.of.en.up"], own[1])
    assert torch.equal(
        found["encoder.w"], answer(make_objective(name, LANGUAGES, scope=scope), bare)["encoder.w"]
    )


@pytest.mark.parametrize("name", SURGERY)
def test_a_language_without_any_gradient_takes_no_part(name):
    rows = random_rows(2, 3, 6)
    silent = torch.cat([rows, torch.zeros(1, 6, dtype=rows.dtype)])
    found = one_answer(make_objective(name, LANGUAGES), silent)
    assert found.norm() > 0
    torch.testing.assert_close(found, one_answer(make_objective(name, LANGUAGES), rows))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_parameter_used_by_two_of_three_is_shared_by_those(name):
    head = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    given = Gradients(LANGUAGES[:3], {"encoder.w": random_rows(4, 3, 5).abs(), "head.w": head})
    assert given.shared == {"encoder.w", "head.w"}
    assert (given.by_group["head"][1] == 0).all()
    if name in ("sum", "uncertainty", "pcgrad"):  # nothing conflicts
        torch.testing.assert_close(answer(make_objective(name, LANGUAGES), given)["head.w"], head.sum(0))


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_answers_keep_shape_and_dtype(name, dtype):
    stacked = {
        "encoder.matrix": random_rows(0, 3, 6).reshape(3, 2, 3).to(dtype),
        "encoder.scalar": random_rows(1, 3, 1)[:, 0].to(dtype),
    }
    found = answer(make_objective(name, LANGUAGES), Gradients(LANGUAGES[:3], stacked))
    assert found["encoder.matrix"].shape == (2, 3)
    assert found["encoder.scalar"].shape == ()
    assert all(found[key].dtype == dtype for key in stacked)


def test_no_gradients_at_all_is_no_answer():
    for name in SURGERY:
        assert answer(make_objective(name, LANGUAGES), Gradients(("de", "en"), {})) == {}


def test_gram_matrices_are_inner_products():
    encoder, tagger = random_rows(0, 3, 6), random_rows(1, 3, 4)
    given = Gradients(
        LANGUAGES[:3],
        {"encoder.a": encoder[:, :2], "encoder.b": encoder[:, 2:].reshape(3, 2, 2), "tagger.w": tagger},
    )
    np.testing.assert_allclose(given.by_group["encoder"], (encoder @ encoder.T).numpy())
    np.testing.assert_allclose(given.by_group["tagger"], (tagger @ tagger.T).numpy())
    np.testing.assert_allclose(given.total, (encoder @ encoder.T + tagger @ tagger.T).numpy())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_names_its_language_and_parameter(value):
    rows = random_rows(0, 3, 4)
    rows[1, 2] = value
    with pytest.raises(TrainingError, match=r"gradient of en in encoder\.weight is not finite"):
        one_answer(make_objective("pcgrad", LANGUAGES), rows)
