"""Out of memory: which knobs a stage has, and the one error that names them.

Some knobs change what a step needs, not what it comes to: a run goes on with them. The others are another run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mere.config import PretrainedSettings, Recipe, StageSettings
from mere.errors import TrainingError

_SIGNS = ("out of memory", "can't allocate memory", "bad_alloc", "ALLOC_FAILED")
"""What torch's errors say: CUDA's and NCCL's, the CPU allocator's, C++'s, cuBLAS's."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, on the CPU or on a GPU."""
    if isinstance(error, RuntimeError):
        return any(sign in str(error) for sign in _SIGNS)
    return isinstance(error, MemoryError)


def same_result(recipe: Recipe, stage: StageSettings) -> list[str]:
    """Return the settings with which a stage needs less memory and comes to the same."""
    knobs = [f"{stage.name}.gradient_accumulation={2 * stage.gradient_accumulation}"]
    if isinstance(recipe.encoder, PretrainedSettings) and not recipe.encoder.gradient_checkpointing:
        knobs.append("encoder.gradient_checkpointing=true")
    return knobs


def other_result(recipe: Recipe, stage: StageSettings) -> list[str]:
    """Return the settings with which another stage, which needs less memory, is trained instead."""
    knobs = [f"{stage.name}.sampling.units_per_batch={max(16, stage.sampling.units_per_batch // 2)}"]
    if recipe.precision == "fp32":
        knobs.insert(0, "precision=bf16")
    if stage.objective.name in ("pcgrad", "gradvac", "mgda"):  # they hold a gradient for each language
        knobs.append(f"{stage.name}.objective.name=sum")
    encoder = recipe.encoder
    if isinstance(encoder, PretrainedSettings):
        if encoder.trim == "none":
            knobs.append("encoder.trim=texts")
        if {"all", "encoder"} & set(stage.train):
            knobs.append(f"encoder.freeze={0 if encoder.freeze is None else encoder.freeze + 2}")
    return knobs


def advice(recipe: Recipe, stage: StageSettings) -> str:
    """Return what to type so that a stage needs less memory."""
    same, other = (
        " or ".join(f"--set {knob}" for knob in knobs(recipe, stage)) for knobs in (same_result, other_result)
    )
    return f"Less memory, the same result: {same}. Less memory, another result: {other}."


@contextmanager
def telling_what_to_turn(recipe: Recipe, stage: StageSettings, step: int) -> Iterator[None]:
    """Turn an error that says that memory could not be had into one that says what to do.

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
            f"stage {stage.name}, step {step}: out of memory ({found[0] if found else 'no more to be had'}). "
            f"{advice(recipe, stage)} "
            "The last checkpoint is kept, and --resume goes on from it where the result is the same."
        ) from error
