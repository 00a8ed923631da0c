"""The language of each row, for modules deep inside an encoder that is told nothing of languages (box "Switcher").

    with routed(route): encoder(pieces, is_piece)      set once per forward
    Site                                               a forward hook of a module inside; it asks for the route

The route is a context variable: threads that serve one model do not see each other's, and no layer in between
passes it on. Without a route a site leaves what its module wrote untouched: the universal path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from jaxtyping import Int
from torch import Tensor, nn

from mere.errors import ModelError


@dataclass(frozen=True)
class Route:
    """The languages of a batch's rows, and the function that changes a module's output for them.

    Args:
        change: takes a site's name, what its module read and wrote, and the route; returns what it writes instead.
        languages: that occur in the batch.
        row: for each row the place of its language among them; -1 where it takes the universal path.
        is_uniform: one language, and every row is in it.
    """

    change: Callable[[str, Tensor, Tensor, Route], Tensor]
    languages: tuple[str, ...]
    row: Int[Tensor, " B"]
    is_uniform: bool

    def refuse_other_rows(self, site: str, output: Tensor) -> None:
        """Refuse what is not pieces of the batch's rows (B, P, D), unless all would be treated alike.

        Raises:
            ModelError: names the module, and the settings that leave it out.
        """
        if not self.is_uniform and (output.ndim != 3 or len(output) != len(self.row)):
            raise ModelError(
                f"{site} writes {list(output.shape)}, and the batch has {len(self.row)} rows: it is not known which "
                "is in which language. Leave this module out (switcher.modules), or take switcher.kind=bottleneck."
            )


_active: ContextVar[Route | None] = ContextVar("route", default=None)


class routed:
    """A context within which rows take this route; None: the universal path. It may be nested and reused."""

    def __init__(self, route: Route | None):
        self.route = route
        self._tokens: list[Token[Route | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(_active.set(self.route))

    def __exit__(self, *error: object) -> None:
        _active.reset(self._tokens.pop())


def rows_of(source: Int[Tensor, " W"]) -> AbstractContextManager[None]:
    """Return a context within which modules read W windows; `source` gives the row of the batch of each."""
    route = _active.get()
    return nullcontext() if route is None else routed(dataclasses.replace(route, row=route.row[source]))


def recomputation_contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts of a forward and of its recomputation: `context_fn` of torch.utils.checkpoint.

    A layer that is recomputed in the backward pass, after its batch's route has ended, takes that route.
    """
    return nullcontext(), routed(_active.get())


class Site:
    """The forward hook of a module that languages may change, known by its name in the encoder."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
        route = _active.get()
        if route is None:
            return None  # torch keeps the output
        written = output[0] if isinstance(output, tuple) else output
        changed = route.change(self.name, inputs[0] if inputs else written, written, route)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed
