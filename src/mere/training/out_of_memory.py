"""Out of memory: one error that says what needed it and what to type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mere.config import Recipe, StageSettings, encoder_kind
from mere.errors import TrainingError

_SIGNS = ("out of memory", "can't allocate memory", "Cannot allocate memory", "bad_alloc", "ALLOC_FAILED")
"""In the messages of CUDA and NCCL, of the CPU allocator of torch, of safetensors, C++ and cuBLAS."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on the CPU or on a GPU."""
    if isinstance(error, RuntimeError):
        return any(sign in str(error) for sign in _SIGNS)
    return isinstance(error, MemoryError)


def settings_for_less(recipe: Recipe, stage: StageSettings) -> tuple[list[str], list[str]]:
    """Return settings that need less memory in a stage: those that change no result, and those that do."""
    same = [
        f"{stage.name}.gradient_accumulation={2 * stage.gradient_accumulation}",
        f"dev_pieces_per_batch={max(16, recipe.dev_pieces_per_batch // 4)}",
    ]
    other = [f"{stage.name}.sampling.pieces_per_batch={max(16, stage.sampling.pieces_per_batch // 2)}"]
    if encoder_kind(recipe.encoder).is_pretrained:
        if not getattr(recipe.encoder, "gradient_checkpointing", True):
            same.append("encoder.gradient_checkpointing=true")
        if getattr(recipe.encoder, "trim", "") == "none":
            other.append("encoder.trim=texts")
    return same, other


def advice(recipe: Recipe, stage: StageSettings) -> str:
    """Return what to type so that a stage needs less memory."""
    same, other = (
        " ".join(f"--set {setting}" for setting in some) for some in settings_for_less(recipe, stage)
    )
    return (
        f"End what else runs there, or go on from the last checkpoint with less, to the same result: --resume {same}. "
        f"A new run with less still: {other}"
    )


@contextmanager
def reporting_out_of_memory(doing: str, advice: str) -> Iterator[None]:
    """Turn an error that says that memory could not be had into one that says what to do.

    Args:
        doing: what needs the memory ("stage unified"). advice: whole sentences.

    Raises:
        TrainingError: instead of it.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        found = str(error).strip().splitlines()
        raise TrainingError(
            f"{doing}: out of memory ({found[0] if found else 'no more to be had'}). {advice}"
        ) from error
