"""The languages' sentences in the network's spaces, after each box of each stage's model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mere.data.examples import Annotated
from mere.research.analysis.analysed_run import Network
from mere.research.analysis.distance import between_variance, centroid_distances, cka, principal
from mere.research.analysis.probe import Probe, probe
from mere.research.analysis.vectors import sentence_vectors


@dataclass(frozen=True)
class Space:
    """One space: the sentences' vectors after a box of a stage's model.

    Args:
        distances: 1 - cosine of the languages' centroids. between_variance: share of the variance between them.
        picture: (N, 2) principal components.
    """

    stage: str
    box: str
    distances: Float[np.ndarray, "L L"]
    between_variance: float
    probe: Probe
    picture: Float[np.ndarray, "N 2"]

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.box}"

    @property
    def mean_distance(self) -> float:
        """The mean over pairs of languages."""
        return float(self.distances[np.triu_indices(len(self.distances), 1)].mean())


@dataclass(frozen=True)
class Representation:
    """All spaces of the same sentences, and how similar they are.

    Args:
        langs: language of every sentence. cka: (S, S) of the spaces in order.
    """

    languages: tuple[str, ...]
    langs: tuple[str, ...]
    spaces: tuple[Space, ...]
    cka: Float[np.ndarray, "S S"]

    def to_json(self) -> dict[str, Any]:
        return {
            "languages": list(self.languages),
            "sentences": len(self.langs),
            "spaces": {
                space.name: {
                    "mean_centroid_distance": round(space.mean_distance, 5),
                    "centroid_distances": np.round(space.distances, 5).tolist(),
                    "variance_between_languages": round(space.between_variance, 5),
                    "language_probe": space.probe.to_json(),
                    "principal_components": np.round(space.picture, 3).tolist(),
                }
                for space in self.spaces
            },
            "sentence_languages": list(self.langs),
            "cka": np.round(self.cka, 5).tolist(),
        }


def representation(
    networks: Sequence[Network], examples: Mapping[str, Sequence[Annotated]]
) -> Representation:
    """Compare the spaces of several stages' models on the same sentences.

    Args:
        networks: stage by stage. examples: by language; each has at least two.
    """
    everything = [example for part in examples.values() for example in part]
    langs = [lang for lang, part in examples.items() for _ in part]
    vectors: dict[tuple[str, str], np.ndarray] = {}
    for network in networks:
        for box, found in sentence_vectors(network, everything).items():
            vectors[network.name, box] = found
    languages = tuple(examples)
    spaces = tuple(
        Space(
            stage,
            box,
            centroid_distances(found, langs, languages),
            between_variance(found, langs),
            probe(found, langs),
            principal(found),
        )
        for (stage, box), found in vectors.items()
    )
    similarity = np.array([[cka(x, y) for y in vectors.values()] for x in vectors.values()])
    return Representation(languages, tuple(langs), spaces, similarity)
