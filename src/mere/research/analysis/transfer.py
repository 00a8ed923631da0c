"""The transfer matrix: train on some languages, test on all of them, also on those that were not trained on.

    A            one language: its own score, and zero-shot on the others
    A+B          every two together: what B adds to A, over training on A only
    all but A    leave one language out: what the others give A without a sentence of it
    all          everything together

Each is a run of `mere train` by the run's recipe up to the stage that is analysed, for as many epochs as every other.
Finished runs are kept, an interrupted one is resumed, a failed one is reported (mere.research.compare.runner).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from mere.config import Recipe, StageSettings
from mere.data.corpora import load_corpora
from mere.models.backend import load_predictor, model_of
from mere.research.analysis.analysed_run import AnalysedRun
from mere.research.analysis.context import AnalysisContext, TransferSettings
from mere.research.compare.budget import Budget
from mere.research.compare.folder import check_same_run
from mere.research.compare.plan import Cell, Plan
from mere.research.compare.runner import run_cells

Group = tuple[str, ...]
"""Languages that are trained on together, in order of their codes."""


@dataclass(frozen=True)
class Transfer:
    """F1 on dev in per cent of models trained on groups of languages, without switchers.

    Args:
        f1: group -> language -> score. failed: groups whose run failed, and why.
    """

    languages: Group
    f1: dict[Group, dict[str, float]]
    failed: dict[Group, str]

    def name(self, group: Group) -> str:
        """Return how a group is called: "de", "de+ru", "all", "all but de"."""
        missing = [lang for lang in self.languages if lang not in group]
        if not missing and len(group) > 1:
            return "all"
        return f"all but {missing[0]}" if len(missing) == 1 and len(group) > 2 else "+".join(group)

    def gain(self, donor: str, target: str) -> float:
        """Return what a donor adds: F1 on the target of training on both, less that of training on the target only.

        Where pairs were not trained, the donor's zero-shot F1 on the target. NaN where a run failed.
        """
        pair, only = tuple(sorted((donor, target))), (target,)
        if self.has_pairs:
            return self._score(pair, target) - self._score(only, target)
        return self._score((donor,), target)

    @property
    def has_pairs(self) -> bool:
        """Whether pairs of languages were trained, beyond the leave-one-out groups."""
        wanted = {*combinations(self.languages, 2)}
        return wanted <= {*self.f1, *self.failed}

    def _score(self, group: Group, lang: str) -> float:
        return self.f1.get(group, {}).get(lang, float("nan"))

    def to_json(self) -> dict[str, Any]:
        return {
            "f1": {self.name(group): scores for group, scores in self.f1.items()},
            "failed": {self.name(group): why for group, why in self.failed.items()},
            "gain": "F1(A+B) - F1(A)" if self.has_pairs else "zero-shot F1",
        }


def groups(languages: Sequence[str], *, pairs: bool) -> list[Group]:
    """Return what is trained: each language, every pair if asked for, all but one, all."""
    langs = tuple(sorted(languages))
    sizes = dict.fromkeys((1, *([2] if pairs else []), len(langs) - 1, len(langs)))
    return [group for size in sizes if size for group in combinations(langs, size)]


def cell(run: AnalysedRun, stage: StageSettings, group: Group, epochs: float, out: Path) -> Cell:
    """Return the run of a group: the stages up to `stage`, their epochs scaled to `epochs` in all.

    Initial weights (`start`) are left out, as other languages trained them, and so are the recipe's trackers.
    """
    names = [s.name for s in run.shared_stages]
    stages = [s.model_dump(mode="json") for s in run.shared_stages[: names.index(stage.name) + 1]]
    whole = sum(s["epochs"] for s in stages)
    for settings in stages:
        settings.update(epochs=settings["epochs"] * epochs / whole, steps=0, seconds=0.0)
    tree = run.recipe.model_dump(mode="json")
    name = "+".join(group)
    tree |= {"name": name, "start": "", "threads": 1, "tracking": [], "stages": stages}
    tree["data"]["languages"] = list(group)
    recipe = Recipe.from_tree(tree, where=f"transfer from {name}")
    return Cell(name, recipe.seed, recipe, out / "transfer" / name)


def transfer(
    context: AnalysisContext, stage: StageSettings, out: Path, settings: TransferSettings
) -> Transfer:
    """Train and score every group.

    Args:
        stage: the last stage of each run. out: folder of the analysis; the runs are in OUT/transfer.

    Raises:
        ConfigError, DataError: OUT/transfer holds runs with other settings, or on other data.
    """
    run = context.run
    wanted = groups(run.languages, pairs=settings.pairs)
    cells = {group: cell(run, stage, group, settings.epochs, out) for group in wanted}
    corpus = load_corpora(run.recipe.data)
    for group, one in cells.items():
        check_same_run(one, corpus.only(group).fingerprint())
    plan = Plan(tuple(c.regime for c in cells.values()), (run.recipe.seed,), Budget(), tuple(cells.values()))
    failures = run_cells(plan, None, jobs=settings.jobs, progress=context.progress)  # models are scored here
    failed = {failure.cell.folder: failure.why for failure in failures}
    f1 = {}
    for group, one in cells.items():
        if one.folder not in failed:
            context.progress(f"scoring {one.regime}")
            predictor = load_predictor(one.folder / "model")
            f1[group] = context.score(
                model_of(predictor), run.languages, use_switcher=False, maker=predictor.maker
            )
    return Transfer(
        tuple(sorted(run.languages)),
        f1,
        {group: failed[one.folder] for group, one in cells.items() if one.folder in failed},
    )
