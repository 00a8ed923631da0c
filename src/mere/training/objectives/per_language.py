"""One gradient per language of a model, and the step that an objective makes of them.

    way                  forward             backward            use it when
    `gradients_of`       1 x the batch       K x the batch       rows see each other (the aggregator)
    `separate_forwards`  1 x the batch, in K parts               rows are independent
    one loss (no g_k)    1 x the batch       1 x the batch       the objective does not need gradients

The first two keep K gradients of every parameter in memory. A parameter that no language uses is left out, so that its
`.grad` stays None as after an ordinary backward; one that some languages use has zeros for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mere.training.objectives.base import LossObjective, Objective
from mere.training.objectives.gradients import Gradients
from mere.training.parallel.processes import ONE_PROCESS, Processes


def gradients_of(
    parts: Iterable[Mapping[str, Float[Tensor, ""]]], parameters: Mapping[str, nn.Parameter]
) -> tuple[dict[str, Tensor], Gradients]:
    """Differentiate each language's loss in each part of a batch. Returns the batch's detached losses and gradients.

    Losses may share one graph, which is freed with the last of them.

    Args:
        parts: what each part contributes to the languages' losses, all languages in each; only one graph is
            alive at a time if they are made as they are asked for.
    """
    stacked: dict[str, Tensor] = {}
    totals: dict[str, Tensor] = {}
    for losses in parts:
        for place, loss in enumerate(losses.values()):
            _differentiate(loss, place, len(losses), parameters, stacked, keep_graph=place < len(losses) - 1)
        _add_up(totals, losses)
    return totals, _gradients(totals, parameters, stacked)


def separate_forwards(
    loss_of: Callable[[str], Tensor],
    languages: Iterable[str],
    parameters: Mapping[str, nn.Parameter],
    *,
    depth: int = 1,
) -> tuple[dict[str, Tensor], Gradients]:
    """Run a forward and a backward for each language's rows alone; only one graph is alive at a time.

    Equal to `gradients_of` where rows do not see each other and nothing is dropped at random.
    """
    names = list(languages)
    losses: dict[str, Tensor] = {}
    stacked: dict[str, Tensor] = {}
    for place, lang in enumerate(names):
        loss = loss_of(lang)
        _differentiate(loss, place, len(names), parameters, stacked, keep_graph=False)
        losses[lang] = loss.detach()
    return losses, _gradients(losses, parameters, stacked, depth)


def backward(
    objective: Objective,
    parts: Iterable[Mapping[str, Float[Tensor, ""]]],
    parameters: Mapping[str, nn.Parameter],
    rng: np.random.Generator,
    *,
    measure: bool = False,
    processes: Processes = ONE_PROCESS,
) -> Gradients | None:
    """Leave the objective's answer in `.grad` of the parameters and of the objective's own: one step's backward.

    Args:
        parts: what each part of the batch contributes to the losses of its languages (see `gradients_of`),
            of this process's parts where several share the batch: the answer is that to the sums over all.
        parameters: without gradients.

    Returns the languages' gradients where they were computed: if the objective needs them, or with `measure`.
    """
    if isinstance(objective, LossObjective) and not measure:
        _backward_by_slopes(objective, parts, parameters, processes)
        return None
    losses, gradients = gradients_of(parts, parameters)
    if processes.size > 1:
        stacked = processes.add_up(
            gradients.stacked,
            list(parameters),
            lambda name: parameters[name].new_zeros((len(losses), *parameters[name].shape)),
        )
        gradients = Gradients(gradients.languages, stacked)
    combined = objective.combine(gradients, _summed_losses(losses, processes), rng)
    for name, parameter in {**parameters, **objective.parameters()}.items():
        parameter.grad = combined.get(name)
    return gradients


def _backward_by_slopes(
    objective: LossObjective,
    parts: Iterable[Mapping[str, Tensor]],
    parameters: Mapping[str, nn.Parameter],
    processes: Processes,
) -> None:
    """Weigh the losses of each part by their slopes, add up the gradients, then take the objective's own."""
    totals: dict[str, Tensor] = {}
    for losses in parts:
        slopes, _ = objective.slopes(losses)
        total = torch.stack([slope * losses[lang] for lang, slope in slopes.items()]).sum()
        if total.requires_grad:
            total.backward()  # type: ignore[no-untyped-call]
        _add_up(totals, losses)
    add_up_gradients(parameters, processes)
    _, slopes = objective.slopes(_summed_losses(totals, processes))
    for name, parameter in objective.parameters().items():
        parameter.grad = slopes[name]


def add_up_gradients(parameters: Mapping[str, nn.Parameter], processes: Processes) -> None:
    """Put the sum over processes in every `.grad`; a parameter that none of them used keeps None."""
    if processes.size == 1:
        return
    found = {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}
    summed = processes.add_up(found, list(parameters), lambda name: torch.zeros_like(parameters[name]))
    for name, gradient in summed.items():
        parameters[name].grad = gradient


def _add_up(totals: dict[str, Tensor], losses: Mapping[str, Tensor]) -> None:
    for lang, loss in losses.items():
        totals[lang] = totals[lang] + loss.detach() if lang in totals else loss.detach()


def _summed_losses(losses: Mapping[str, Tensor], processes: Processes) -> dict[str, Tensor]:
    """Return the sum over processes of each language's loss."""
    if processes.size == 1:
        return dict(losses)
    by_process = processes.gather({lang: loss.item() for lang, loss in losses.items()})
    return {lang: loss.new_tensor(sum(part[lang] for part in by_process)) for lang, loss in losses.items()}


def _differentiate(
    loss: Tensor,
    place: int,
    num_languages: int,
    parameters: Mapping[str, nn.Parameter],
    stacked: dict[str, Tensor],
    *,
    keep_graph: bool,
) -> None:
    """Add the gradient of one language to its row of `stacked`."""
    if not loss.requires_grad:
        return
    found = torch.autograd.grad(loss, list(parameters.values()), retain_graph=keep_graph, allow_unused=True)
    for name, gradient in zip(parameters, found, strict=True):
        if gradient is not None:
            if name not in stacked:
                stacked[name] = gradient.new_zeros((num_languages, *gradient.shape))
            stacked[name][place] += gradient


def _gradients(
    losses: Mapping[str, Tensor],
    parameters: Mapping[str, nn.Parameter],
    stacked: dict[str, Tensor],
    depth: int = 1,
) -> Gradients:
    in_order = {name: stacked[name] for name in parameters if name in stacked}
    return Gradients(tuple(losses), in_order, depth)
