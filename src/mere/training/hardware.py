"""What this machine computes best: the device of a run, and the precision that is faster for its model there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch

from mere.config import Recipe, encoder_kind, read_tree
from mere.errors import UserError

Precision = Literal["fp32", "bf16"]


def choose_device(asked: str) -> torch.device:
    """Return the device of this process: what a recipe's `device` asks for, or a GPU where there is one.

    Of several processes on a machine each takes the GPU of its LOCAL_RANK, and makes it torch's current one.

    Raises:
        UserError: there is no GPU, or there are fewer GPUs than processes.
    """
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(f"device: {asked}: torch finds no GPU here. Take --set device=cpu, or device=auto.")
    place, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if place >= gpus:
        raise UserError(
            f"this machine has {gpus} GPUs, and a process {place + 1} was started on it. "
            f"Start one process per GPU: torchrun --nproc-per-node {gpus} …"
        )
    if "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(place)
    return torch.device("cuda", torch.cuda.current_device())


def choose_precision(recipe: Recipe, device: torch.device) -> Precision:
    """Return the precision in which a recipe's model trains faster on a device.

    On a GPU that is bf16 where it has units for it. On a CPU it is bf16 for pretrained encoders, whose products are
    large, where the CPU multiplies bf16 itself: AVX2 alone takes ten times as long as for fp32. Small encoders take
    fp32 on every CPU: their batches have many shapes, and oneDNN compiles a bf16 kernel for each.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if encoder_kind(recipe.encoder).is_pretrained and cpu_multiplies_bf16() else "fp32"


def cpu_multiplies_bf16() -> bool:
    """Whether this CPU has instructions that multiply bf16 (AMX, AVX-512 BF16), and oneDNN may use them."""
    allowed = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if allowed.startswith(("SSE", "AVX2", "AVX512_CORE")) and not allowed.endswith(("BF16", "FP16", "AMX")):
        return False
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("amx_tile", "avx512_bf16"))
    return any(check() for check in checks if check is not None)


SMALL_MODEL_THREADS = 4
"""Threads that a model without a pretrained encoder uses at most: its matrices are too small to share among more."""


def choose_threads(recipe: Recipe) -> int:
    """Return how many CPU threads train a recipe's model: as it says, else as many as torch finds and it can use."""
    if recipe.threads:
        return recipe.threads
    found = torch.get_num_threads()
    return found if encoder_kind(recipe.encoder).is_pretrained else min(found, SMALL_MODEL_THREADS)


def resolve(recipe: Recipe, device: torch.device, run: Path) -> Recipe:
    """Return a recipe with its precision chosen: as the run in this folder was begun, else for this machine.

    A run that continues elsewhere keeps its precision, so that it comes to the same weights up to rounding.
    """
    if recipe.precision != "auto":
        return recipe
    stored = run / "recipe.yaml"
    chosen = Recipe.from_stored(read_tree(stored), str(stored)).precision if stored.is_file() else "auto"
    return recipe.model_copy(
        update={"precision": choose_precision(recipe, device) if chosen == "auto" else chosen}
    )
