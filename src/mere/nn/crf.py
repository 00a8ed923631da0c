"""A linear-chain CRF in log space with hard BIO constraints, vectorised over items and channels.

    E -> emissions      log p(y | x) = score(x, y) - log Z(x)

`I` may only follow `B` or `I` of its own span, and no sequence begins with `I`: a forbidden step costs 1e4.
Training needs only the likelihood, which lives here; decoding is numpy (mere.decoding.crf), so that it
runs without torch. Lafferty, McCallum and Pereira 2001.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.decoding.crf import Chain

FORBIDDEN = -1e4


class CRF(nn.Module):
    """Transition scores for C channels of T tags, O = 0, B = 1, I = 2 (T = 1 + 2 * types in general).

    Args:
        channels: independent sequences per item, each with transitions of its own.
        num_types: types of spans; tags are O, then B and I of each type.
    """

    def __init__(self, *, channels: int, num_types: int = 1):
        super().__init__()
        num_tags = 1 + 2 * num_types
        self.start = nn.Parameter(torch.zeros(channels, num_tags))
        self.end = nn.Parameter(torch.zeros(channels, num_tags))
        self.transitions = nn.Parameter(torch.zeros(channels, num_tags, num_tags))  # from, to
        tags = torch.arange(num_tags)
        is_inside = (tags > 0) & (tags % 2 == 0)
        same_type = (tags[:, None] + 1) // 2 == (tags[None, :] + 1) // 2
        self.register_buffer("may_start", ~is_inside, persistent=False)
        self.register_buffer(
            "may_follow", ~is_inside[None, :] | (same_type & (tags > 0)[:, None]), persistent=False
        )
        self.may_start: Tensor
        self.may_follow: Tensor

    def constrained(self) -> tuple[Float[Tensor, "C T"], Float[Tensor, "C T T"], Float[Tensor, "C T"]]:
        """Return start, transition and end scores with the forbidden ones at -1e4."""
        start = torch.where(self.may_start, self.start, FORBIDDEN)
        return start, torch.where(self.may_follow, self.transitions, FORBIDDEN), self.end

    def chain(self) -> Chain:
        """Return the constrained scores as decoding takes them."""
        return Chain(*(scores.detach().float().cpu().numpy() for scores in self.constrained()))

    def forward(
        self,
        emissions: Float[Tensor, "N C P T"],
        tags: Int[Tensor, "N C P"],
        is_piece: Bool[Tensor, "N P"],
        allowed: Bool[Tensor, "N C P T"] | None = None,
    ) -> Float[Tensor, "N C"]:
        """Return the log-likelihood of `tags`; every item has at least one piece, padding is ignored.

        With `allowed`, that of all taggings together which it allows at every piece (`tags` then count for nothing).
        """
        emissions = emissions.float()
        if allowed is None:
            score = self.score(emissions, tags, is_piece)
        else:
            score = self.log_partition(emissions + ~allowed * FORBIDDEN, is_piece)
        return score - self.log_partition(emissions, is_piece)

    def score(
        self,
        emissions: Float[Tensor, "N C P T"],
        tags: Int[Tensor, "N C P"],
        is_piece: Bool[Tensor, "N P"],
    ) -> Float[Tensor, "N C"]:
        start, transitions, end = self.constrained()
        channel = torch.arange(start.shape[0], device=tags.device)
        emitted = emissions.gather(-1, tags.unsqueeze(-1)).squeeze(-1)  # (N, C, P)
        moved = transitions[channel[None, :, None], tags[..., :-1], tags[..., 1:]]  # (N, C, P-1)
        last = is_piece.sum(-1)[:, None, None].expand(-1, tags.shape[1], 1) - 1
        final = end[channel, tags.gather(-1, last).squeeze(-1)]
        inside = is_piece[:, None]
        total = (emitted * inside).sum(-1) + (moved * inside[..., 1:]).sum(-1)
        return total + start[channel, tags[..., 0]] + final

    def log_partition(
        self, emissions: Float[Tensor, "N C P T"], is_piece: Bool[Tensor, "N P"]
    ) -> Float[Tensor, "N C"]:
        """Return log Z by the forward algorithm, one step per piece."""
        start, transitions, end = self.constrained()
        alpha = start + emissions[:, :, 0]  # (N, C, T)
        for step in range(1, emissions.shape[2]):
            moved = torch.logsumexp(alpha.unsqueeze(-1) + transitions, dim=-2) + emissions[:, :, step]
            alpha = torch.where(is_piece[:, step, None, None], moved, alpha)
        return torch.logsumexp(alpha + end, dim=-1)
