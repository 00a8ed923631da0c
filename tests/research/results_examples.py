"""A small results file that the tests of experiments share; the figures are made up."""

from __future__ import annotations

from datetime import date

from mere.metrics.intervals import Measured
from mere.research.record import Data, Hardware, Software
from mere.research.results import Comparison, Costs, FailedAttempt, Results, System


def system(shift: float, *, costs: Costs | None = None) -> System:
    def by_scope(base: float) -> dict[str, Measured]:
        values = {"te": base - 0.1, "de": base + 0.1, "micro": base + 0.05, "macro": base}
        return {
            k: Measured(value=v + shift, low=v + shift - 0.02, high=v + shift + 0.02)
            for k, v in values.items()
        }

    return System(
        metrics={"triple_f1/strict": by_scope(0.4), "relation_f1": by_scope(0.7)},
        per_source={
            "triple_f1/strict": {"de/webnlg": Measured(value=0.5 + shift), "te/indore": Measured(value=None)}
        },
        recall={"seen": by_scope(0.6), "unseen": by_scope(0.2)},
        costs=costs,
        seeds=[0],
    )


def results() -> Results:
    costs = Costs(
        train_seconds=930,
        steps=12000,
        epochs_per_language={"de": 6, "te": 18},
        parameters_trained=3_100_000,
        parameters_total=17_500_000,
        bytes_stored=70_400_000,
        peak_memory_mb=1800,
        threads=1,
    )
    return Results(
        experiment="facts",
        description="two systems",
        command="mere compare recipes/facts.yaml",
        commit="0123456789ab",
        date=date(2025, 1, 31),
        seeds=[0],
        hardware=Hardware(cpu="A processor", cores=2, memory_gb=7.6),
        software=Software(python="3.12.1", torch="2.6.0", mere="0.1.0"),
        data=Data(name="triples", fingerprint="abc", sizes={"test": {"de": 695, "te": 153}}),
        systems={"naive": system(0.0), "two-stage": system(0.06, costs=costs)},
        comparisons=[
            Comparison(
                a="two-stage",
                b="naive",
                metric="triple_f1/strict",
                difference=0.06,
                low=0.041,
                high=0.079,
                p=0.0005,
            )
        ],
        failed_attempts=[
            FailedAttempt(what="m = 4 from the start", outcome="macro 14.8", note="warm up | first")
        ],
    )
