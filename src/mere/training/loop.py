"""The training loop of every stage, a generator of step reports; saving and stopping are its caller's.

for report in loop.run():      # one optimiser step per report
    if ...: save(loop.state())
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mere.config import Recipe, StageSettings
from mere.errors import TrainingError
from mere.models.model import Model
from mere.nn.dropout import set_dropout
from mere.training.duration import Duration
from mere.training.gradient import BatchGradient
from mere.training.objectives import ConflictTracker, make_objective
from mere.training.parallel.lost import reporting_lost_processes
from mere.training.parallel.processes import ONE_PROCESS, Processes
from mere.training.source import BatchSource
from mere.training.trainable import Trainable, rate_scale, select_parameters


@dataclass(frozen=True)
class StepReport:
    """Figures of one optimiser step: losses per task, gradient norm, learning rate, sentences, place in the stage."""

    step: int
    num_steps: int
    epoch: float
    losses: dict[str, float]
    gradient_norm: float
    lr: float
    sentences: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is logged: rounded, without the seconds, which are summed up elsewhere."""
        record = asdict(self) | {
            "losses": {name: round(loss, 5) for name, loss in self.losses.items()},
            "epoch": round(self.epoch, 3),
            "gradient_norm": round(self.gradient_norm, 4),
        }
        del record["seconds"]
        return record


def learning_rate(stage: StageSettings, step: int, num_steps: int) -> float:
    """Return the learning rate of a step: a linear rise over the warm-up, then the stage's schedule down to 0."""
    rise = max(1, round(stage.warmup * num_steps))
    if step < rise:
        return stage.lr * (step + 1) / rise
    done = (step - rise) / max(1, num_steps - rise)
    if stage.schedule == "linear":
        return stage.lr * (1 - done)
    if stage.schedule == "cosine":
        return stage.lr * 0.5 * (1 + math.cos(math.pi * done))
    return stage.lr


class StageLoop:
    """One stage: an optimiser over the stage's parameters, its batches, its objective, and averaged weights.

    Args:
        chosen: the parameters that are trained, by name, instead of those of the stage's groups.
        duration: when the stage is over; default: after its batches.
        processes: that share every batch; they call every method together.
    """

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        stage: StageSettings,
        source: BatchSource,
        duration: Duration | None = None,
        chosen: Mapping[str, nn.Parameter] | None = None,
        processes: Processes = ONE_PROCESS,
    ):
        self.model = model
        self.recipe = recipe
        self.stage = stage
        self.source = source
        self.duration = duration or Duration(len(source))
        self.processes = processes
        self.step = 0
        self.spent = 0.0  # seconds of the stage run so far, evaluations too; the caller counts them
        self.device = next(model.parameters()).device
        chosen = select_parameters(model, stage.train, stage.freeze) if chosen is None else chosen
        set_dropout(model, stage.dropout)
        self.trainable = Trainable(model, chosen, stage.lora, processes)
        self.parameters = self.trainable.parameters
        languages = source.data.maker.labels.languages
        self.objective = make_objective(stage.objective.name, languages, **stage.objective.options())
        self.conflict = ConflictTracker(languages)
        self.gradient = BatchGradient(
            model,
            stage,
            recipe.precision,
            self.objective,
            {name: p for name, p in chosen.items() if p.requires_grad},
            seed=source.seed,
            processes=processes,
        )
        head_scale = stage.head_lr / stage.lr if stage.head_lr else 1.0
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in self.parameters.items():
            scale = rate_scale(model, name, stage.freeze, head_scale)
            groups.setdefault((scale, parameter.ndim > 1), []).append(parameter)
        groups.setdefault((1.0, False), []).extend(self.objective.parameters().values())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": members, "scale": scale, "weight_decay": stage.weight_decay if is_matrix else 0.0}
                for (scale, is_matrix), members in groups.items()
                if members
            ],
            lr=stage.lr,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.every = [*model.parameters(), *self._optimised().values()]
        self.averaged = {n: p.detach().clone() for n, p in self.parameters.items()} if stage.ema else {}

    def run(self) -> Iterator[StepReport]:
        """Train from the current step to the end of the stage and yield a report after each step.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        while not self.duration.is_over(self.step, self.spent):
            with reporting_lost_processes():
                report = self._make_step()
            yield report

    def _make_step(self) -> StepReport:
        began = time.perf_counter()
        if not self.model.training:  # a walk through every layer
            self.model.train()
        self.forget_gradients()
        batch, targets = self.source[self.step]
        self.processes.seed(*self.source.seed, self.step)
        settings = self.stage.objective
        measure = bool(settings.measure) and self.step % settings.measure == 0
        losses, given = self.gradient.of(batch, targets, self.step, measure=measure)
        total = sum(losses.values())
        if not math.isfinite(total):
            raise TrainingError(
                f"stage {self.stage.name}, step {self.step}: the loss is {total}. "
                f"Lower its rate: --set {self.stage.name}.lr={self.stage.lr / 3:.1g}, and train again."
            )
        if given is not None:
            self.conflict.update(given)
            del given  # as many copies of all parameters as there are languages
        self.trainable.take_gradients()
        norm = self.processes.clip(self.parameters, self.stage.max_grad_norm or math.inf)
        num_steps = self.duration.total(self.step, self.spent)
        rate = learning_rate(self.stage, self.step, num_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimizer.step()
        self.trainable.write()
        self.step += 1
        self._average()
        return StepReport(
            step=self.step,
            num_steps=num_steps,
            epoch=self.source.epoch_at(self.step),
            losses=losses,
            gradient_norm=norm.item(),
            lr=rate,
            sentences=len(batch.lang_id),
            seconds=self.processes.agree(time.perf_counter() - began),
        )

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged:
            decay = min(self.stage.ema, (1 + self.step) / (10 + self.step))
            torch._foreach_lerp_(
                list(self.averaged.values()), [p.detach() for p in self.parameters.values()], 1 - decay
            )

    def take_conflict(self) -> dict[str, Any] | None:
        """Return the conflict between languages measured since the last call; None if it was not measured."""
        measured = self.conflict
        if not measured.steps:
            return None
        self.conflict = ConflictTracker(measured.languages)
        return measured.to_json()

    def _optimised(self) -> dict[str, nn.Parameter]:
        """All parameters of the optimiser, the objective's among them, by name."""
        learned = {f"objective:{name}": p for name, p in self.objective.parameters().items()}
        return {**self.parameters, **learned}

    def weights(self) -> dict[str, Tensor]:
        """Return the model's weights as they would be stored now: averaged where the stage averages."""
        return self.processes.whole(self.trainable.weights(self.averaged))

    def forget_gradients(self) -> None:
        """Free the gradients of the last step, or of an earlier stage."""
        for parameter in self.every:
            parameter.grad = None

    def free(self) -> None:
        """Free the optimiser's state and the averages; torch's optimisers live until Python collects cycles."""
        self.forget_gradients()
        self.optimizer.state.clear()
        self.averaged.clear()

    @contextmanager
    def holding_weights(self) -> Iterator[None]:
        """Within, the model has the weights that `weights` returns, and no gradients."""
        self.forget_gradients()
        current = self.processes.local_weights(self.model)
        other = self.trainable.weights(self.averaged) if self.averaged else {}
        swapped = [name for name, tensor in other.items() if tensor.data_ptr() != current[name].data_ptr()]
        _swap(current, other, swapped)
        try:
            yield
        finally:
            _swap(current, other, swapped)

    def delta(self) -> dict[str, Tensor]:
        """Return the weights to store as a difference from those that the stage began with (mere.models.delta)."""
        return self.trainable.delta(self.averaged)

    def state(self) -> dict[str, Tensor]:
        """Return all state that further steps depend on, as named tensors: whole in the first process."""
        state = {
            f"model.{name}": tensor
            for name, tensor in self.processes.whole(self.trainable.base_weights()).items()
        }
        state |= {f"factor.{name}": factor.detach() for name, factor in self.trainable.factors.items()}
        state |= {f"averaged.{name}": tensor for name, tensor in self.processes.whole(self.averaged).items()}
        for name, parameter in self._optimised().items():
            for key, value in self.optimizer.state[parameter].items():
                state[f"optimizer.{key}.{name}"] = self.processes.whole({name: value})[name]
        state |= {f"objective.{name}": tensor for name, tensor in self.objective.state_dict().items()}
        state |= {f"conflict.{name}": tensor for name, tensor in self.conflict.state_dict().items()}
        state["rng.torch"] = torch.get_rng_state()
        if self.device.type == "cuda":
            state["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        state["step"] = torch.tensor(self.step)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` returned, bit for bit on a CPU with the same number of threads."""
        self.processes.load(self.model, _with_prefix(state, "model."))
        self.trainable.load_factors(_with_prefix(state, "factor."))
        for name, tensor in _with_prefix(state, "averaged.").items():
            self.averaged[name].copy_(self.processes.local_rows(name, tensor))
        for key, value in _with_prefix(state, "optimizer.").items():
            kind, name = key.split(".", 1)
            parameter = self._optimised()[name]
            held = self.processes.local_rows(name, value)
            self.optimizer.state[parameter][kind] = held.to(self.device if value.ndim else "cpu", copy=True)
        self.objective.load_state_dict(_with_prefix(state, "objective."))
        self.conflict.load_state_dict(_with_prefix(state, "conflict."))
        torch.set_rng_state(state["rng.torch"])
        if "rng.cuda" in state:
            torch.cuda.set_rng_state(state["rng.cuda"], self.device)
        self.step = int(state["step"])


def _swap(current: Mapping[str, Tensor], other: dict[str, Tensor], names: Sequence[str]) -> None:
    """Exchange the numbers of tensors; those of `current` stay where they are in memory."""
    for name in names:
        held = current[name].clone()
        current[name].copy_(other[name])
        other[name] = held


def _with_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
