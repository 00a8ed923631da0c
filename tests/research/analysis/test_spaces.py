"""Spaces of sentence vectors: invariances, other people's formulas, planted cases; and vectors one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mere.research.analysis.distance import between_variance, centroid_distances, cka, principal
from mere.research.analysis.probe import probe
from mere.research.analysis.representation import representation
from mere.research.analysis.vectors import sentence_vectors
from tests.research.analysis.analysis_examples import examples, model_of, network, recipe

RNG = np.random.default_rng(11)
X = RNG.normal(size=(60, 12)) @ RNG.normal(size=(12, 12)) + 3
Y = np.tanh(X[:, :7] @ RNG.normal(size=(7, 20)))


def test_cka_of_a_space_with_itself_is_1() -> None:
    assert cka(X, X) == pytest.approx(1.0)


def test_cka_does_not_see_rotations_scalings_or_shifts() -> None:
    rotation = np.linalg.qr(RNG.normal(size=(12, 12)))[0]
    assert cka(X @ rotation, Y) == pytest.approx(cka(X, Y))
    assert cka(0.01 * X - 7, 300 * Y + 2) == pytest.approx(cka(X, Y))
    assert cka(X @ rotation, X) == pytest.approx(1.0)


def test_cka_sees_any_other_map() -> None:
    assert cka(X * np.geomspace(1e-3, 1e3, 12), X) < 0.9
    assert cka(X, RNG.permutation(X)) < 0.6


def test_cka_is_that_of_the_kernel_matrices() -> None:
    """Kornblith et al. 2019, equations 1 and 2, with centring matrices written out."""
    centre = np.eye(60) - 1 / 60

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        return float(np.trace(k @ centre @ m @ centre)) / 59**2

    k, m = X @ X.T, Y @ Y.T
    assert cka(X, Y) == pytest.approx(hsic(k, m) / (hsic(k, k) * hsic(m, m)) ** 0.5)


def test_centroids_by_hand() -> None:
    vectors = np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 1.0], [0.0, 9.0], [-5.0, 0.0], [-5.0, 0.0]])
    found = centroid_distances(vectors, ["a", "a", "b", "b", "c", "c"], ["a", "b", "c"])
    np.testing.assert_allclose(found, [[0, 1, 2], [1, 0, 1], [2, 1, 0]], atol=1e-12)


def test_spread_is_the_share_of_variance_between_languages() -> None:
    langs = ["a", "b"] * 30
    apart = np.where(np.array(langs) == "a", 1.0, -1.0)[:, None] * np.ones(5)
    assert between_variance(apart, langs) == pytest.approx(1.0)
    assert between_variance(apart + 100, langs) == pytest.approx(1.0)
    assert between_variance(np.repeat(RNG.normal(size=(30, 5)), 2, axis=0), langs) == pytest.approx(0.0)


def test_principal_components_are_eigenvectors_of_the_covariance() -> None:
    values, vectors = np.linalg.eigh(np.cov(X.T))
    found = principal(X)
    np.testing.assert_allclose(found.var(0, ddof=1), values[::-1][:2])
    wanted = (X - X.mean(0)) @ vectors[:, ::-1][:, :2]
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-8)


def test_a_probe_tells_what_is_planted() -> None:
    labels = [str(n % 3) for n in range(90)]
    vectors = RNG.normal(size=(90, 8))
    vectors[:, 0] += 8 * np.array([float(label) for label in labels])
    found = probe(vectors, labels)
    assert found.accuracy > 0.97
    assert found.majority == pytest.approx(1 / 3)


def test_a_probe_finds_nothing_in_noise() -> None:
    labels = [str(n % 3) for n in range(300)]
    assert probe(RNG.normal(size=(300, 8)), labels).accuracy == pytest.approx(1 / 3, abs=0.1)


def test_a_probe_is_measured_on_sentences_that_it_was_not_fitted_to() -> None:
    """With more features than sentences a classifier separates anything that it is fitted to."""
    labels = ["a", "b"] * 20
    assert probe(RNG.normal(size=(40, 200)), labels).accuracy < 0.8


def test_a_probe_needs_two_sentences_of_a_language() -> None:
    vectors = np.array([[0.0, 1.0], [0.1, 1.0], [5.0, -1.0], [5.1, -1.0]])
    assert probe(vectors, ["a", "a", "b", "b"]).recall == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize("kind", ["bottleneck", "adapters", "lora"])
def test_vectors_do_not_depend_on_the_batch_and_end_with_what_the_heads_read(kind: str) -> None:
    model, maker = model_of(recipe("transformer", switcher={"kind": kind, "width": 4, "rank": 2}))
    model.float()
    net = network(model, use_switcher=True)
    chosen = examples(maker, "de", "en", "ja")
    found = sentence_vectors(net, chosen)
    assert list(found) == ["encoder", "aggregator", "switcher"]
    for place, example in enumerate(chosen):
        with torch.no_grad():
            alone = model(net.batch([example])).mean(1).numpy()[0]
        np.testing.assert_allclose(found["switcher"][place], alone, atol=1e-5)
    plain = sentence_vectors(network(model), chosen)
    assert list(plain) == ["encoder", "aggregator"]
    np.testing.assert_array_equal(plain["aggregator"], found["aggregator"])
    without = sentence_vectors(dataclasses.replace(net, use_aggregator=False, use_switcher=False), chosen)
    assert list(without) == ["encoder"]


def test_a_representation_has_every_space_of_every_stage() -> None:
    model, maker = model_of(recipe("bilstm"))
    model.float()
    both = [network(model), dataclasses.replace(network(model, use_switcher=True), name="specific")]
    found = representation(both, {lang: examples(maker, lang) for lang in ("de", "en", "te")})
    names = [space.name for space in found.spaces]
    stages = ["unified/encoder", "unified/aggregator"]
    assert names == [*stages, "specific/encoder", "specific/aggregator", "specific/switcher"]
    assert found.cka[0, 2] == pytest.approx(1.0)
    assert found.cka[0, 1] < 0.9999
    record = found.to_json()
    assert record["sentences"] == len(found.langs) == 9
    assert set(record["spaces"]) == set(names)
