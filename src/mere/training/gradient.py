"""Computes the gradient of a step from a batch: part by part, over all processes, combined by the objective."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mere.config import StageSettings
from mere.data.batching import Batch
from mere.data.targets import Targets
from mere.models.losses import ItemLosses
from mere.models.model import Model
from mere.models.tensors import TensorBatch, targets_to_tensors, to_tensors
from mere.training.objectives import Gradients, Objective, add_up_gradients, backward
from mere.training.parallel.processes import Processes
from mere.training.parallel.split_batch import (
    as_part_of_batch,
    select_groups,
    split_batch_in_parts,
    total_losses,
)


@dataclass(frozen=True)
class BatchGradient:
    """Computes the gradients of a stage's parameters for its batches.

    A batch is computed in `stage.gradient_accumulation` parts, one after the other, so that only one part's
    activations are in memory. All is divided by the numbers of items in the whole batch, so the parts' gradients
    add up to the batch's, whatever the objective (with dropout, up to what is dropped).

    Args:
        precision: "bf16" computes under autocast; losses are fp32 all the same.
        parameters: those of the model that are differentiated, by name.
        seed: of the run and the stage; an objective's draws follow from it and the step.
        processes: that share every batch; gradients of parameters that are cut are summed in the backward pass.
    """

    model: Model
    stage: StageSettings
    precision: str
    objective: Objective
    parameters: Mapping[str, nn.Parameter]
    seed: Sequence[int]
    processes: Processes

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def of(
        self, batch: Batch, targets: Targets, step: int, *, measure: bool
    ) -> tuple[dict[str, float], Gradients | None]:
        """Write the gradient of a step to `.grad`, which must be empty, and return the batch's losses by name.

        Where the objective compares the languages' own gradients, or with `measure`, those are returned too.
        """
        cpu = torch.device("cpu")
        whole = self.model.num_items(to_tensors(batch, cpu), targets_to_tensors(targets, cpu))
        if not whole:  # no sentence of the batch is annotated for any task
            return {}, None
        contributed: list[dict[str, Tensor]] = []

        def parts() -> Iterator[tuple[NDArray[np.int64], dict[str, ItemLosses]]]:
            """Yield the parts of the batch; the next is computed when the one before is no longer needed."""
            number = self.stage.gradient_accumulation
            for part, part_targets in split_batch_in_parts(batch, targets, self.processes, number):
                items = as_part_of_batch(self.items(part, part_targets), whole)
                contributed.append({name: loss.mean().detach() for name, loss in items.items()})
                yield part.lang_id, items

        given = None
        if self.stage.objective.name == "sum" and not measure:
            for _, items in parts():
                losses = [loss.mean().float() for loss in items.values()]
                if not losses and self.processes.parts:
                    losses = [self._nothing(batch, targets)]
                if losses and (total := torch.stack(losses).sum()).requires_grad:
                    total.backward()  # type: ignore[no-untyped-call]
            whole_here = {n: p for n, p in self.parameters.items() if n not in self.processes.parts}
            add_up_gradients(whole_here, self.processes)
        else:
            languages = np.unique(batch.lang_id).tolist()
            given = backward(
                self.objective,
                (self._by_language(*part, languages) for part in parts()),
                self.parameters,
                np.random.default_rng([*self.seed, step]),
                measure=measure,
                processes=self.processes,
            )
        return total_losses(contributed, list(whole), self.processes), given

    def items(self, batch: Batch, targets: Targets) -> dict[str, ItemLosses]:
        """Return the losses of some rows, item by item; rows without targets have none and are not computed."""
        read, part_targets = self._read(batch), targets_to_tensors(targets, self.device)
        if not self.model.num_items(read, part_targets):
            return {}
        with self._autocast():
            return self.model.item_losses(read, part_targets)

    def _nothing(self, batch: Batch, targets: Targets) -> Tensor:
        """Return 0 as a loss of the encoder: its gradients are zeros, added up with those of other processes."""
        some, _ = select_groups(batch, targets, np.arange(1))
        with self._autocast():
            return self.model.encode(self._read(some))[:0].sum().float()

    def _read(self, batch: Batch) -> TensorBatch:
        """Return a batch as the stage reads it."""
        read = to_tensors(batch, self.device)
        if not self.stage.use_aggregator:
            read = dataclasses.replace(read, group_size=0)
        if not self.stage.use_switcher:
            read = dataclasses.replace(read, lang_id=torch.zeros_like(read.lang_id))
        return read

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _by_language(
        self, lang_id: NDArray[np.int64], items: Mapping[str, ItemLosses], languages: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return what a part contributes to the loss of each language.

        Args:
            lang_id: of the part's rows. languages: the ids in the whole batch.
        """
        losses = {}
        nothing = torch.zeros((), device=self.device)
        for place in languages:
            in_language = torch.from_numpy(lang_id == place).to(self.device)
            shares = [loss.part(in_language).float() for loss in items.values()]
            losses[self.objective.languages[place - 1]] = torch.stack(shares or [nothing]).sum()
        return losses
