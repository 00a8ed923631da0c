"""What several verbs take, said once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

MODEL_HELP = (
    "A model's folder, such as runs/quickstart/model, a name of mere models, or one on the hub: org/name."
)
MinPrecision = Annotated[
    float | None,
    typer.Option(
        "--min-precision",
        min=0.0,
        max=1.0,
        help="Keep what is this likely to be right, by the model's calibration, per task and language.",
    ),
]


def told_unfit(unfit: Mapping[str, int]) -> str:
    """Return how many triples were left out because a mention is of a type that the relation had not in training."""
    counts = ", ".join(f"{relation} {number:,}" for relation, number in unfit.items() if number)
    return (
        counts and f"Note: left out for the types of their mentions: {counts}. Pass --any-types to keep them."
    )


def names(listed: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in listed.split(",") if name.strip()]
