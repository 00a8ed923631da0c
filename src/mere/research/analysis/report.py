"""`mere analyze`: every analysis of a run, its numbers as JSON, its figures on one page."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mere.config import StageSettings
from mere.errors import UserError
from mere.research.analysis.conflict import conflict
from mere.research.analysis.context import Budget, Looking, Training
from mere.research.analysis.figures import languages as on_languages
from mere.research.analysis.figures import parameters as on_parameters
from mere.research.analysis.overlap import ALONE, overlaps
from mere.research.analysis.page import Page
from mere.research.analysis.pruning import common_shapes, prune_across, prune_to
from mere.research.analysis.recommend import Scores, recommend
from mere.research.analysis.representation import representation
from mere.research.analysis.subject import Alone, Network, Subject, own_models, spread
from mere.research.analysis.transfer import Transfer, transfer
from mere.research.analysis.weight_change import moved
from mere.store.folder import write_atomically, write_json

JSON, PAGE = "analysis.json", "analysis.html"
Information = dict[str, dict[str, Tensor]]
"""Language -> parameter -> Fisher information."""


def analyse(
    run: str | Path,
    out: str | Path,
    *,
    stage: str | None = None,
    against: Sequence[str | Path] = (),
    budget: Budget | None = None,
    training: Training | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda message: None,
) -> Path:
    """Analyse a run and return the page.

    Args:
        run: a finished run. out: folder for the page and its numbers.
        stage: the shared stage that is looked at; default: the last that uses no switcher.
        against: runs whose languages have models of their own, independent of this run. With several, the
            languages' models are taken from unlike ones (analysis.subject.spread), numbered in the record.
        training: how the runs of the transfer matrix are trained; None leaves it out.

    Raises:
        UserError: there is no such stage, or nothing is shared, or a run of `against` has no such models.
        ModelError, DataError: a run is not finished, or its corpus is gone.
    """
    looking = Looking(Subject.open(run), budget or Budget(), seed, say)
    report = Report(looking, looking.subject.stage(stage))
    alone = spread([own_models(looking.subject, path) for path in against])
    runs = list(dict.fromkeys(other.path for other, _ in alone.values()))
    report.record["independent"] = {lang: runs.index(other.path) + 1 for lang, (other, _) in alone.items()}
    report.stages()
    information = report.fisher()
    theirs = {lang: looking.fisher(network, lang, other).diagonal for lang, (other, network) in alone.items()}
    report.overlap(information, alone, theirs)
    report.pruning(information, alone, theirs)
    report.moved(information)
    report.conflict()
    report.representation()
    measured = report.transfer(Path(out), training) if training is not None else None
    report.recommendation(measured)
    return report.write(Path(out))


class Report:
    """The numbers and the page of one run, filled section by section."""

    def __init__(self, looking: Looking, stage: StageSettings):
        subject = looking.subject
        self.looking, self.stage = looking, stage
        self.network = network = subject.network(stage)
        self.record: dict[str, Any] = {
            "run": subject.recipe.name,
            "stage": network.name,
            "languages": list(subject.languages),
            "tasks": list(subject.recipe.task),
            "budget": vars(looking.budget),
            "seed": looking.seed,
        }
        self.predictors: dict[str, Scores] = {}
        self.page = Page(
            f"What the languages share: {subject.recipe.name}",
            f"The model of stage {network.name}, which {len(subject.languages)} languages share "
            f"({', '.join(subject.languages)}); tasks: {', '.join(subject.recipe.task)}. "
            f"Every number is in {JSON} beside this page.",
        )

    def write(self, folder: Path) -> Path:
        """Write the numbers and the page; return the page."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JSON, finite(self.record))
        write_atomically(folder / PAGE, self.page.html().encode())
        return folder / PAGE

    def stages(self) -> None:
        """Say which shared stages left the weights of the stage before, so that nobody looks for what they did."""
        subject = self.looking.subject
        weights = [subject.network(stage).model.state_dict() for stage in subject.shared_stages]
        names = [stage.name for stage in subject.shared_stages[1:]]
        self.record["unchanged_stages"] = unchanged = [
            name
            for name, (before, after) in zip(names, pairwise(weights), strict=True)
            if all(torch.equal(tensor, after[key]) for key, tensor in before.items())
        ]
        if unchanged:
            self.page.in_short(
                f"Stage {', '.join(unchanged)} kept the weights of the stage before, which did best on dev: what is "
                "shown of it repeats that stage."
            )

    def fisher(self) -> Information:
        """Add where each language's information lies."""
        found = {lang: self.looking.fisher(self.network, lang) for lang in self.looking.subject.languages}
        self.record["fisher"] = {lang: fisher.to_json() for lang, fisher in found.items()}
        on_parameters.fisher_section(self.page, found)
        return {lang: fisher.diagonal for lang, fisher in found.items()}

    def overlap(self, information: Information, alone: Alone, theirs: Information) -> None:
        """Add the overlap of top sets, within the model and with independent ones."""
        shapes = common_shapes([self.network.model, *(network.model for _, network in alone.values())])
        if not shapes:
            raise UserError(
                "The runs of --against have no parameter in common with this one: not one architecture."
            )
        named = {lang + ALONE: diagonal for lang, diagonal in theirs.items()}
        reached = {name for diagonal in (*information.values(), *theirs.values()) for name in diagonal}
        curves = overlaps({**information, **named}, {n: s for n, s in shapes.items() if n in reached})
        self.record["overlap"] = curves.to_json()
        percent = self.looking.budget.percent
        on_parameters.overlap_section(self.page, curves, percent)
        place = on_parameters.nearest_place(curves.percents, percent)
        self.predictors["Fisher overlap"] = {
            pair: points[place].jaccard for pair, points in curves.curves["all"].items()
        }

    def pruning(self, information: Information, alone: Alone, theirs: Information) -> None:
        """Add scores after pruning, of the model and of independent ones."""
        looking = self.looking
        languages = looking.subject.languages
        if not all(looking.subject.dev.values()):
            self.page.note("Some language has no dev sentences, so pruning has nothing to be scored on.")
            return
        looking.say("pruning")
        by_switcher = self.network.use_switcher
        together = prune_to(
            self.network.model,
            information,
            lambda model: looking.score(model, languages, use_switcher=by_switcher),
            seed=looking.seed,
        )
        self.record["pruning"] = together.to_json()
        apart = None
        if len(alone) > 1:
            looking.say("pruning of independent models")
            apart = prune_across(
                {lang: network.model for lang, (_, network) in alone.items()},
                theirs,
                lambda lang, model: looking.score(
                    model, [lang], use_switcher=alone[lang][1].use_switcher, maker=alone[lang][0].maker
                )[lang],
            )
            self.record["pruning_independent"] = apart.to_json()
        on_parameters.pruning_section(self.page, together, apart)

    def moved(self, information: Information) -> None:
        """Add what the languages' own stage moved, if the run has one."""
        own = self.looking.subject.own_networks()
        if not own:
            self.page.note("No stage of this run gives a language weights of its own beside the switchers.")
            return
        before = _weights(self.network)
        found = [
            moved(lang, before, _weights(network), information, percent=self.looking.budget.percent)
            for lang, network in own.items()
        ]
        self.record["moved"] = [m.to_json() for m in found]
        if any(m.changed for m in found):
            on_parameters.moved_section(self.page, found)
        else:
            self.page.note(
                "The languages' own stage kept the shared weights, which did best on dev: nothing moved."
            )

    def conflict(self) -> None:
        """Add the conflict of the languages' gradients at the weights of every shared stage."""
        subject, budget, seed = self.looking.subject, self.looking.budget, self.looking.seed
        drawn = {
            lang: subject.examples(lang, 4 * budget.steps * budget.sentences, seed=seed)
            for lang in subject.languages
        }
        found = {}
        for stage in subject.shared_stages:
            self.looking.say(f"gradient conflict after stage {stage.name}")
            network = subject.network(stage)
            found[stage.name] = conflict(
                network.model,
                drawn,
                self.looking.loss_of(network),
                steps=budget.steps,
                sentences=budget.sentences,
                seed=seed,
            )
        self.record["conflict"] = {name: c.to_json() for name, c in found.items()}
        self.predictors["gradient cosine"] = found[self.network.name].pairs()
        on_languages.conflict_section(self.page, found, self.network.name)

    def representation(self) -> None:
        """Add the languages' places in the spaces of every shared stage."""
        subject = self.looking.subject
        self.looking.say("representations")
        split = "dev" if all(len(part) > 1 for part in subject.dev.values()) else "train"
        examples = {
            lang: subject.examples(lang, self.looking.budget.vectors, split=split, seed=self.looking.seed)
            for lang in subject.languages
        }
        networks = [subject.network(stage) for stage in subject.shared_stages]
        found = representation(networks, examples)
        self.record["representation"] = found.to_json() | {"split": split}
        on_languages.representation_section(self.page, found)

    def transfer(self, out: Path, training: Training) -> Transfer:
        """Add the transfer matrix: what training on some languages gives the others."""
        found = transfer(
            self.looking,
            self.stage,
            out,
            epochs=training.epochs,
            pairs=training.pairs,
            jobs=training.jobs,
        )
        self.record["transfer"] = found.to_json() | {"epochs": training.epochs}
        on_languages.transfer_section(self.page, found, training.epochs)
        return found

    def recommendation(self, measured: Transfer | None) -> None:
        """Add which languages to add for which, and what that is worth if transfer was measured."""
        languages = self.looking.subject.languages
        if len(languages) < 3:
            self.page.note("With fewer than three languages there are no donors to choose from.")
            return
        gains = None
        if measured is not None:
            gains = {(d, t): measured.gain(d, t) for d in languages for t in languages if d != t}
        found = recommend(languages, self.predictors, gains, seed=self.looking.seed)
        self.record["recommendation"] = found.to_json()
        on_languages.recommendation_section(self.page, found)


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.model.named_parameters()}


def finite(value: Any) -> Any:
    """Return plain JSON: NaN, which JSON does not know, is null."""
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
