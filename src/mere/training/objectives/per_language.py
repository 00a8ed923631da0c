"""One gradient per language of a model, and the step that an objective makes of them.

    way                  forward             backward            use it when
    `shared_forward`     1 x the batch       K x the batch       rows see each other (the aggregator)
    `separate_forwards`  1 x the batch, in K parts               rows are independent
    one loss (no g_k)    1 x the batch       1 x the batch       the objective does not need gradients

Both keep K gradients of every parameter in memory. A parameter that no language uses is left out, so that its
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


def gradients_of(
    losses: Mapping[str, Float[Tensor, ""]], parameters: Mapping[str, nn.Parameter], *, depth: int = 1
) -> Gradients:
    """Differentiate each language's loss; losses may share one graph, which is freed with the last of them."""
    stacked: dict[str, Tensor] = {}
    for place, loss in enumerate(losses.values()):
        _differentiate(loss, place, len(losses), parameters, stacked, keep_graph=place < len(losses) - 1)
    return _gradients(losses, parameters, stacked, depth)


def shared_forward(
    losses_of: Callable[[], Mapping[str, Tensor]], parameters: Mapping[str, nn.Parameter], *, depth: int = 1
) -> tuple[dict[str, Tensor], Gradients]:
    """Run one forward for all languages and one backward for each. Returns detached losses and gradients.

    Args:
        losses_of: runs the model on the batch and returns language -> scalar of that language's rows.
        parameters: what to differentiate by, name -> parameter.
        depth: see `Gradients`.
    """
    losses = losses_of()
    gradients = gradients_of(losses, parameters, depth=depth)
    return {lang: loss.detach() for lang, loss in losses.items()}, gradients


def separate_forwards(
    loss_of: Callable[[str], Tensor],
    languages: Iterable[str],
    parameters: Mapping[str, nn.Parameter],
    *,
    depth: int = 1,
) -> tuple[dict[str, Tensor], Gradients]:
    """Run a forward and a backward for each language's rows alone; only one graph is alive at a time.

    Equal to `shared_forward` where rows do not see each other and nothing is dropped at random.
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
    losses: Mapping[str, Float[Tensor, ""]],
    parameters: Mapping[str, nn.Parameter],
    rng: np.random.Generator,
    *,
    measure: bool = False,
    depth: int = 1,
) -> Gradients | None:
    """Leave the objective's answer in `.grad` of the parameters and of the objective's own: one step's backward.

    Returns the languages' gradients where they were computed: if the objective needs them, or with `measure`.
    """
    if isinstance(objective, LossObjective) and not measure:
        objective.loss(losses).backward()  # type: ignore[no-untyped-call]
        return None
    gradients = gradients_of(losses, parameters, depth=depth)
    combined = objective.combine(gradients, losses, rng)
    for name, parameter in {**parameters, **objective.parameters()}.items():
        parameter.grad = combined.get(name)
    return gradients


def _differentiate(
    loss: Tensor,
    place: int,
    num_languages: int,
    parameters: Mapping[str, nn.Parameter],
    stacked: dict[str, Tensor],
    *,
    keep_graph: bool,
) -> None:
    """Write the gradient of one language into its row of `stacked`."""
    if not loss.requires_grad:
        return
    found = torch.autograd.grad(loss, list(parameters.values()), retain_graph=keep_graph, allow_unused=True)
    for name, gradient in zip(parameters, found, strict=True):
        if gradient is not None:
            if name not in stacked:
                stacked[name] = gradient.new_zeros((num_languages, *gradient.shape))
            stacked[name][place] = gradient


def _gradients(
    losses: Mapping[str, Tensor],
    parameters: Mapping[str, nn.Parameter],
    stacked: dict[str, Tensor],
    depth: int,
) -> Gradients:
    in_order = {name: stacked[name] for name in parameters if name in stacked}
    return Gradients(tuple(losses), in_order, depth)
