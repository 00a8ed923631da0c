"""The language-specific switcher, LS (box "Switcher", METHOD §1 stage 2; mERE, arXiv 2301.04434).

    U -> aggregated pieces      V -> refined for the row's language:  V = U + LS_k(U)

Several independent sub-modules, one per language k. Each row of a batch goes through its own in one pass, so
a batch may mix languages. `lang_id` 0 is the universal path: V = U. This one stands after the aggregator; those
inside the encoder are in mere.nn.encoder_switchers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.nn.encoders.base import Encoder


class Bottleneck(nn.Module):
    """One language's sub-module: norm, down to `width`, GELU, up again; begins by writing zeros."""

    def __init__(self, *, dim: int, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))
        self.down = nn.Parameter(torch.randn(dim, width) * dim**-0.5)
        self.down_bias = nn.Parameter(torch.zeros(width))
        self.up = nn.Parameter(torch.zeros(width, dim))
        self.up_bias = nn.Parameter(torch.zeros(dim))


def refined(x: Float[Tensor, "B P D"], weight: Callable[[str], Tensor]) -> Float[Tensor, "B P D"]:
    """Return the output of bottlenecks; `weight` gives a parameter of each row's by its name, or one for all rows."""
    normed = nn.functional.layer_norm(x, [int(x.shape[-1])])
    hidden = (normed * weight("scale")) @ weight("down") + weight("down_bias")  # (B, P, width)
    return nn.functional.gelu(hidden) @ weight("up") + weight("up_bias")


def of_rows(modules: Sequence[nn.Module], row: Int[Tensor, " B"]) -> Callable[[str], Tensor]:
    """Return a function from a parameter's name to its values for each row, in a shape that broadcasts over pieces."""
    return partial(_of_rows, modules, row)


def _of_rows(modules: Sequence[nn.Module], row: Int[Tensor, " B"], name: str) -> Tensor:
    gathered = torch.stack([getattr(module, name) for module in modules])[row]
    return gathered.unsqueeze(1) if gathered.ndim == 2 else gathered


class LanguageSwitcher(nn.Module, ABC):
    """A sub-module `of` each language: codes in the order of `lang_id` 1, 2, …. Subclasses say where it acts."""

    def __init__(self) -> None:
        super().__init__()
        self.languages: tuple[str, ...] = ()
        self.of = nn.ModuleDict()

    @abstractmethod
    def fresh(self) -> nn.Module:
        """Return a language's sub-module that changes nothing yet."""

    def add(self, lang: str, like: str | None = None) -> None:
        """Append a language, so that the others keep their `lang_id`; it begins as `like` is, or changes nothing."""
        self.of[module_name(lang)] = self.fresh()
        if like is not None:
            self.of[module_name(lang)].load_state_dict(self.of[module_name(like)].state_dict())
        self.languages = (*self.languages, lang)

    def num_parameters(self) -> int:
        """Return the number of parameters of a language's sub-module; all have as many."""
        return sum(p.numel() for p in self.of[module_name(self.languages[0])].parameters())

    def encode(
        self,
        encoder: Encoder,
        pieces: Int[Tensor, "B P F"],
        is_piece: Bool[Tensor, "B P"],
        lang_id: Int[Tensor, " B"],
    ) -> Float[Tensor, "B P D"]:
        """Encode a batch, each row by its language where the switcher acts inside the encoder."""
        return encoder(pieces, is_piece)

    def forward(self, shared: Float[Tensor, "B P D"], lang_id: Int[Tensor, " B"]) -> Float[Tensor, "B P D"]:
        """Refine the aggregator's pieces, each row for its language, where the switcher acts after it."""
        return shared


class Switcher(LanguageSwitcher):
    """A bottleneck per language after the aggregator, each row of a batch routed to its own.

    Args:
        dim: width D. width: of the bottlenecks. languages: codes in the order of `lang_id` 1, 2, ….
    """

    def __init__(self, *, dim: int, width: int, languages: Sequence[str]):
        super().__init__()
        self.dim, self.width = dim, width
        for lang in languages:
            self.add(lang)

    def fresh(self) -> nn.Module:
        return Bottleneck(dim=self.dim, width=self.width)

    def forward(self, shared: Float[Tensor, "B P D"], lang_id: Int[Tensor, " B"]) -> Float[Tensor, "B P D"]:
        """Refine each row for its language; rows of `lang_id` 0 come back bit for bit as they were."""
        modules = [self.of[module_name(lang)] for lang in self.languages]
        weight = of_rows(modules, (lang_id - 1).clamp(min=0))
        return torch.where((lang_id > 0)[:, None, None], shared + refined(shared, weight), shared)


def module_name(lang: str) -> str:
    """A language's name among the sub-modules: its code, unless that is a word of ModuleDict's own ("to", "type")."""
    return f"{lang}_" if hasattr(nn.ModuleDict, lang) or lang in vars(nn.ModuleDict()) else lang
