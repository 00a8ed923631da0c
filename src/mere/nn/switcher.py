"""The language-specific switcher, LS (box "Switcher", METHOD §1 stage 2; mERE, arXiv 2301.04434).

    U -> aggregated pieces      V -> refined for the row's language:  V = U + LS_k(U)

Several independent sub-modules, one per language k. Each row of a batch goes through its own in one pass, so
a batch may mix languages. `lang_id` 0 is the universal path: V = U.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """One language's sub-module: norm, down to `width`, GELU, up again; begins by writing zeros."""

    def __init__(self, *, dim: int, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim))
        self.down = nn.Parameter(torch.randn(dim, width) * dim**-0.5)
        self.down_bias = nn.Parameter(torch.zeros(width))
        self.up = nn.Parameter(torch.zeros(width, dim))
        self.up_bias = nn.Parameter(torch.zeros(dim))


class Switcher(nn.Module):
    """A bottleneck per language, each row of a batch routed to its own.

    Args:
        dim: width D. width: of the bottlenecks. languages: codes in the order of `lang_id` 1, 2, ….
    """

    def __init__(self, *, dim: int, width: int, languages: Sequence[str]):
        super().__init__()
        self.languages = tuple(languages)
        self.of = nn.ModuleDict({module_name(lang): Bottleneck(dim=dim, width=width) for lang in languages})

    def add(self, lang: str, like: str | None = None) -> None:
        """Append a language, so that the others keep their `lang_id`; it begins as `like` is, or writes zeros."""
        dim, width = self.of[module_name(self.languages[0])].get_parameter("down").shape
        self.of[module_name(lang)] = Bottleneck(dim=dim, width=width)
        if like is not None:
            self.of[module_name(lang)].load_state_dict(self.of[module_name(like)].state_dict())
        self.languages = (*self.languages, lang)

    def forward(self, shared: Float[Tensor, "B P D"], lang_id: Int[Tensor, " B"]) -> Float[Tensor, "B P D"]:
        """Refine each row for its language; rows of `lang_id` 0 come back bit for bit as they were."""
        normed = nn.functional.layer_norm(shared, shared.shape[-1:])
        row = (lang_id - 1).clamp(min=0)
        modules = [self.of[module_name(lang)] for lang in self.languages]
        scale, down, down_bias, up, up_bias = (
            torch.stack([getattr(module, name) for module in modules])[row]
            for name in ("scale", "down", "down_bias", "up", "up_bias")
        )
        hidden = torch.bmm(normed * scale[:, None], down) + down_bias[:, None]  # (B, P, width)
        refined = torch.bmm(nn.functional.gelu(hidden), up) + up_bias[:, None]  # (B, P, D)
        return torch.where((lang_id > 0)[:, None, None], shared + refined, shared)


def module_name(lang: str) -> str:
    """A language's name among the sub-modules: its code, unless that is a word of ModuleDict's own ("to", "type")."""
    return f"{lang}_" if hasattr(nn.ModuleDict, lang) or lang in vars(nn.ModuleDict()) else lang
