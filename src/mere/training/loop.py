"""The loop, a generator of step reports: both stages, every recipe. Saving and stopping are its caller's.

for report in loop.run():      # one optimiser step per report
    if ...: save(loop.state())
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mere.config import Recipe, StageSettings
from mere.errors import ConfigError, TrainingError, nearest
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.models.triples import GROUPS, TripleModel
from mere.training.source import BatchSource


@dataclass(frozen=True)
class StepReport:
    """What one step did: losses per task, gradient norm, rate, sentences, and how far the stage is."""

    step: int
    num_steps: int
    epoch: float
    losses: dict[str, float]
    gradient_norm: float
    lr: float
    sentences: int
    seconds: float


def select_parameters(model: nn.Module, groups: tuple[str, ...]) -> dict[str, nn.Parameter]:
    """Freeze everything but the named groups and return what is left to train, by name.

    Raises:
        ConfigError: a group that does not exist, or one without parameters in this model.
    """
    known = ("all", *GROUPS)
    for group in groups:
        if group not in known:
            raise ConfigError(f'train: unknown parameter group "{group}".{nearest(group, known)}')
    modules = [
        name for group in groups for name in (GROUPS[group] if group != "all" else sum(GROUPS.values(), ()))
    ]
    chosen = {}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in modules)
        if parameter.requires_grad:
            chosen[name] = parameter
    if not chosen:
        raise ConfigError(f"train: the groups {list(groups)} hold no parameter in this model.")
    return chosen


def learning_rate(stage: StageSettings, step: int, num_steps: int) -> float:
    """Return the rate of a step: a linear rise over the warm-up, then the stage's schedule down to 0."""
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
    """One stage: an optimiser over the stage's parameters, its batches, and averaged weights."""

    def __init__(self, model: TripleModel, recipe: Recipe, stage: StageSettings, source: BatchSource):
        self.model = model
        self.recipe = recipe
        self.stage = stage
        self.source = source
        self.step = 0
        self.device = next(model.parameters()).device
        self.parameters = select_parameters(model, stage.train)
        decayed = [p for p in self.parameters.values() if p.ndim > 1]
        plain = [p for p in self.parameters.values() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": stage.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=stage.lr,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.averaged = {n: p.detach().clone() for n, p in self.parameters.items()} if stage.ema else {}

    def run(self) -> Iterator[StepReport]:
        """Train from where the loop stands to the end of the stage, one report per step.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        while self.step < len(self.source):
            began = time.perf_counter()
            self.model.train()
            arrays, wanted = self.source[self.step]
            batch, targets = to_tensors(arrays, self.device), targets_to_tensors(wanted, self.device)
            if not self.stage.use_aggregator:
                batch = dataclasses.replace(batch, group_size=0)
            if not self.stage.use_switcher:
                batch = dataclasses.replace(batch, lang_id=torch.zeros_like(batch.lang_id))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
                losses = self.model.losses(batch, targets, self.recipe.triples)
            total = torch.stack([loss.float() for loss in losses.values()]).sum()
            if not torch.isfinite(total):
                raise TrainingError(
                    f"stage {self.stage.name}, step {self.step}: the loss is {total.item()}. "
                    f"Lower its rate: --set {self.stage.name}.lr={self.stage.lr / 3:.1g}, and train again."
                )
            self.optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            limit = self.stage.clip or math.inf
            norm = nn.utils.clip_grad_norm_(self.parameters.values(), limit)
            rate = learning_rate(self.stage, self.step, len(self.source))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.step()
            self.step += 1
            self._average()
            yield StepReport(
                step=self.step,
                num_steps=len(self.source),
                epoch=self.source.epoch_at(self.step),
                losses={name: loss.item() for name, loss in losses.items()},
                gradient_norm=norm.item(),
                lr=rate,
                sentences=len(arrays.lang_id),
                seconds=time.perf_counter() - began,
            )

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged:
            decay = min(self.stage.ema, (1 + self.step) / (10 + self.step))
            torch._foreach_lerp_(
                list(self.averaged.values()), [p.detach() for p in self.parameters.values()], 1 - decay
            )

    def weights(self) -> dict[str, Tensor]:
        """Return the model's weights as they would be kept now: averaged where the stage averages."""
        return {name: self.averaged.get(name, tensor) for name, tensor in self.model.state_dict().items()}

    def state(self) -> dict[str, Tensor]:
        """Return everything the rest of the stage depends on, as named tensors."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        state |= {f"averaged.{name}": tensor for name, tensor in self.averaged.items()}
        for name, parameter in self.parameters.items():
            for key, value in self.optimizer.state[parameter].items():
                state[f"optimizer.{key}.{name}"] = value
        state["rng.torch"] = torch.get_rng_state()
        if self.device.type == "cuda":
            state["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        state["step"] = torch.tensor(self.step)
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` returned, bit for bit on a CPU with the same number of threads."""
        self.model.load_state_dict(_with_prefix(state, "model."), strict=True)
        for name, tensor in _with_prefix(state, "averaged.").items():
            self.averaged[name].copy_(tensor)
        for key, value in _with_prefix(state, "optimizer.").items():
            kind, name = key.split(".", 1)
            self.optimizer.state[self.parameters[name]][kind] = value.to(self.device if value.ndim else "cpu")
        torch.set_rng_state(state["rng.torch"])
        if "rng.cuda" in state:
            torch.cuda.set_rng_state(state["rng.cuda"], self.device)
        self.step = int(state["step"])


def _with_prefix(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
