"""`mere analyze`: every analysis of a run, as JSON and as one HTML page."""

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
from mere.files import write_whole
from mere.research.analysis.analysed_run import (
    AnalysedRun,
    MonolingualModels,
    Network,
    monolingual_models,
    one_model_per_language,
)
from mere.research.analysis.conflict import conflict
from mere.research.analysis.context import AnalysisContext, SampleSizes, TransferSettings
from mere.research.analysis.donors import PairScores, compare_donors
from mere.research.analysis.overlap import MONOLINGUAL, overlaps
from mere.research.analysis.pruning import common_shapes, prune_across, prune_to
from mere.research.analysis.representation import representation
from mere.research.analysis.sections import languages as language_sections
from mere.research.analysis.sections import parameters as parameter_sections
from mere.research.analysis.transfer import Transfer, transfer
from mere.research.analysis.weight_change import weight_change
from mere.research.report.page import Page
from mere.store.files import write_json

JSON, PAGE = "analysis.json", "analysis.html"
Information = dict[str, dict[str, Tensor]]
"""Language -> parameter -> Fisher information."""


def analyse(
    run: str | Path,
    out: str | Path,
    *,
    stage: str | None = None,
    against: Sequence[str | Path] = (),
    sizes: SampleSizes | None = None,
    transfer: TransferSettings | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Analyse a finished run and return the page.

    Args:
        run: its folder. out: folder for the page and its numbers.
        stage: the shared stage to analyse; default: the last that uses no switcher.
        against: runs with monolingual models, independent of this run. With several, neighbouring languages' models
            are taken from different runs, numbered in the record.
        transfer: how the runs of the transfer matrix are trained; None leaves it out.
        progress: called with a message at each step.

    Raises:
        UserError: there is no such stage, nothing is shared, or a run of `against` has no monolingual model.
        ModelError, DataError: a run is not finished, or its corpus is missing.
    """
    context = AnalysisContext(AnalysedRun.open(run), sizes or SampleSizes(), seed, progress)
    report = AnalysisReport(context, context.run.stage(stage))
    single = one_model_per_language([monolingual_models(context.run, path) for path in against])
    runs = list(dict.fromkeys(other.path for other, _ in single.values()))
    report.record["independent"] = {lang: runs.index(other.path) + 1 for lang, (other, _) in single.items()}
    report.stages()
    information = report.fisher()
    independent = {lang: context.fisher(net, lang, other).diagonal for lang, (other, net) in single.items()}
    report.overlap(information, single, independent)
    report.pruning(information, single, independent)
    report.weight_change(information)
    report.conflict()
    report.representation()
    report.donors(report.transfer(Path(out), transfer) if transfer is not None else None)
    return report.write(Path(out))


class AnalysisReport:
    """The numbers and the page of one run, filled section by section."""

    def __init__(self, context: AnalysisContext, stage: StageSettings):
        run = context.run
        self.context, self.stage = context, stage
        self.network = network = run.network(stage)
        self.record: dict[str, Any] = {
            "run": run.recipe.name,
            "stage": network.name,
            "languages": list(run.languages),
            "tasks": list(run.recipe.task),
            "sizes": vars(context.sizes),
            "seed": context.seed,
        }
        self.predictors: dict[str, PairScores] = {}
        self.page = Page(
            f"What the languages share: {run.recipe.name}",
            f"The model of stage {network.name}, which {len(run.languages)} languages share "
            f"({', '.join(run.languages)}); tasks: {', '.join(run.recipe.task)}. "
            f"Every number is in {JSON} beside this page.",
        )

    def write(self, folder: Path) -> Path:
        """Write the numbers and the page; return the page."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JSON, finite(self.record))
        write_whole(folder / PAGE, self.page.html().encode())
        return folder / PAGE

    def stages(self) -> None:
        """Report which shared stages kept the weights of the stage before."""
        run = self.context.run
        weights = [run.network(stage).model.state_dict() for stage in run.shared_stages]
        names = [stage.name for stage in run.shared_stages[1:]]
        self.record["unchanged_stages"] = unchanged = [
            name
            for name, (before, after) in zip(names, pairwise(weights), strict=True)
            if all(torch.equal(tensor, after[key]) for key, tensor in before.items())
        ]
        if unchanged:
            self.page.findings.append(
                f"Stage {', '.join(unchanged)} kept the weights of the stage before, which did best on dev: its "
                "figures repeat that stage's."
            )

    def fisher(self) -> Information:
        """Add the Fisher information of each language by module."""
        found = {lang: self.context.fisher(self.network, lang) for lang in self.context.run.languages}
        self.record["fisher"] = {lang: fisher.to_json() for lang, fisher in found.items()}
        parameter_sections.fisher_section(self.page, found)
        return {lang: fisher.diagonal for lang, fisher in found.items()}

    def overlap(self, information: Information, single: MonolingualModels, independent: Information) -> None:
        """Add the overlap of top sets, within the model and with independent models."""
        shapes = common_shapes([self.network.model, *(network.model for _, network in single.values())])
        if not shapes:
            raise UserError(
                "the runs of --against have no parameter in common with this one. Give runs of the same architecture."
            )
        named = {lang + MONOLINGUAL: diagonal for lang, diagonal in independent.items()}
        informed = {name for diagonal in (*information.values(), *independent.values()) for name in diagonal}
        curves = overlaps({**information, **named}, {n: s for n, s in shapes.items() if n in informed})
        self.record["overlap"] = curves.to_json()
        percent = self.context.sizes.percent
        parameter_sections.overlap_section(self.page, curves, percent)
        place = parameter_sections.nearest_place(curves.percents, percent)
        self.predictors["Fisher overlap"] = {
            pair: points[place].jaccard for pair, points in curves.curves["all"].items()
        }

    def pruning(self, information: Information, single: MonolingualModels, independent: Information) -> None:
        """Add scores after pruning, of the model and of independent models."""
        context, languages = self.context, self.context.run.languages
        if not all(context.run.dev.values()):
            self.page.note("Some language has no dev sentences, so pruning cannot be scored.")
            return
        context.progress("pruning")
        by_switcher = self.network.use_switcher
        together = prune_to(
            self.network.model,
            information,
            lambda model: context.score(model, languages, use_switcher=by_switcher),
            seed=context.seed,
        )
        self.record["pruning"] = together.to_json()
        apart = None
        if len(single) > 1:
            context.progress("pruning of independent models")
            apart = prune_across(
                {lang: network.model for lang, (_, network) in single.items()},
                independent,
                lambda lang, model: context.score(
                    model, [lang], use_switcher=single[lang][1].use_switcher, maker=single[lang][0].maker
                )[lang],
            )
            self.record["pruning_independent"] = apart.to_json()
        parameter_sections.pruning_section(self.page, together, apart)

    def weight_change(self, information: Information) -> None:
        """Add what each language's fine-tuning changed, if the run has such a stage."""
        networks = self.context.run.language_networks()
        if not networks:
            self.page.note("No stage of this run gives a language weights of its own, except in switchers.")
            return
        before = _weights(self.network)
        found = [
            weight_change(lang, before, _weights(network), information, percent=self.context.sizes.percent)
            for lang, network in networks.items()
        ]
        self.record["weight_change"] = [change.to_json() for change in found]
        if any(change.changed for change in found):
            parameter_sections.weight_change_section(self.page, found)
        else:
            self.page.note("Fine-tuning for each language kept the shared weights, which did best on dev.")

    def conflict(self) -> None:
        """Add the conflict of the languages' gradients at the weights of every shared stage."""
        run, sizes, seed = self.context.run, self.context.sizes, self.context.seed
        drawn = {lang: run.examples(lang, 4 * sizes.steps * sizes.batch, seed=seed) for lang in run.languages}
        found = {}
        for stage in run.shared_stages:
            self.context.progress(f"gradient conflict after stage {stage.name}")
            network = run.network(stage)
            found[stage.name] = conflict(
                network.model,
                drawn,
                self.context.loss_of(network),
                steps=sizes.steps,
                sentences=sizes.batch,
                seed=seed,
            )
        self.record["conflict"] = {name: c.to_json() for name, c in found.items()}
        self.predictors["gradient cosine"] = found[self.network.name].pairs()
        language_sections.conflict_section(self.page, found, self.network.name)

    def representation(self) -> None:
        """Add the distances between languages in the vector spaces of every shared stage."""
        run, sizes = self.context.run, self.context.sizes
        self.context.progress("representations")
        split = "dev" if all(len(part) > 1 for part in run.dev.values()) else "train"
        examples = {
            lang: run.examples(lang, sizes.vectors, split=split, seed=self.context.seed)
            for lang in run.languages
        }
        found = representation([run.network(stage) for stage in run.shared_stages], examples)
        self.record["representation"] = found.to_json() | {"split": split}
        language_sections.representation_section(self.page, found)

    def transfer(self, out: Path, settings: TransferSettings) -> Transfer:
        """Add the transfer matrix: F1 on every language after training on some."""
        found = transfer(self.context, self.stage, out, settings)
        self.record["transfer"] = found.to_json() | {"epochs": settings.epochs}
        language_sections.transfer_section(self.page, found, settings.epochs)
        return found

    def donors(self, measured: Transfer | None) -> None:
        """Add which languages should help which, beside the measured gains if there are any."""
        languages = self.context.run.languages
        if len(languages) < 3:
            self.page.note("With fewer than three languages there are no donors to choose from.")
            return
        gains = None
        if measured is not None:
            gains = {(d, t): measured.gain(d, t) for d in languages for t in languages if d != t}
        found = compare_donors(languages, self.predictors, gains)
        self.record["donors"] = found.to_json()
        language_sections.donor_section(self.page, found)


def _weights(network: Network) -> dict[str, Tensor]:
    return {name: parameter.detach() for name, parameter in network.model.named_parameters()}


def finite(value: Any) -> Any:
    """Return a value as JSON knows it: NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
