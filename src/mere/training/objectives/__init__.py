"""Objectives: how the losses of several languages become one step. One file per idea, one interface.

    objective = make_objective("gradvac", corpus.languages(), beta=0.01)
    gradients = backward(objective, [losses], parameters, rng)    # leaves its answer in `.grad`

`losses` maps a language to the scalar of its rows in this batch, or in one of its parts; `rng` is made anew for
every step from the run's seed and the step, so that a step is a pure function of weights, batch and seed.
"""

from __future__ import annotations

from collections.abc import Sequence

from mere.training.objectives.base import LossObjective, Objective, SurgeryObjective
from mere.training.objectives.conflict import ConflictTracker
from mere.training.objectives.gradients import Gradients
from mere.training.objectives.gradvac import GradientVaccine
from mere.training.objectives.losses import Sum, Uncertainty
from mere.training.objectives.mgda import MGDA
from mere.training.objectives.pcgrad import PCGrad
from mere.training.objectives.per_language import add_up_gradients, backward, separate_forwards

__all__ = [
    "OBJECTIVES",
    "ConflictTracker",
    "Gradients",
    "LossObjective",
    "Objective",
    "SurgeryObjective",
    "add_up_gradients",
    "backward",
    "make_objective",
    "separate_forwards",
]

OBJECTIVES: dict[str, type[Objective]] = {
    "sum": Sum,
    "uncertainty": Uncertainty,
    "pcgrad": PCGrad,
    "gradvac": GradientVaccine,
    "mgda": MGDA,
    "masked": Sum,
}


def make_objective(name: str, languages: Sequence[str], **options: float | str) -> Objective:
    """Make the objective of this name for these languages: all of the run's, not one batch's.

    Args:
        options: what its constructor takes, as `ObjectiveSettings` has validated it.
    """
    return OBJECTIVES[name](languages, **options)
