"""Out of memory: which knobs there are for what needed it, and the one error that names them.

Some knobs change what a step needs, not what it comes to: a run goes on with them. The others are another run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mere.config import PretrainedSettings, Recipe, StageSettings
from mere.errors import TrainingError

_SIGNS = ("out of memory", "can't allocate memory", "Cannot allocate memory", "bad_alloc", "ALLOC_FAILED")
"""What errors say: CUDA's and NCCL's, the CPU allocator's of torch, safetensors', C++'s, cuBLAS's."""

KEPT = "The last checkpoint is kept, and --resume goes on from it where the result is the same."
ON_CPU = "CUDA_VISIBLE_DEVICES="
"""Before a command: it finds no GPU."""


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
    knobs = [f"{stage.name}.sampling.pieces_per_batch={max(16, stage.sampling.pieces_per_batch // 2)}"]
    if recipe.precision == "fp32":
        knobs.insert(0, "precision=bf16")
    if stage.objective.name in ("pcgrad", "gradvac", "mgda"):  # they hold a gradient for each language
        knobs.append(f"{stage.name}.objective.name=sum")
    return knobs + less_of_the_encoder(recipe, stage)


def less_of_the_encoder(recipe: Recipe, stage: StageSettings) -> list[str]:
    """Return the settings with which a stage holds, or trains, less of a pretrained encoder."""
    encoder, knobs = recipe.encoder, []
    if isinstance(encoder, PretrainedSettings):
        if encoder.trim == "none":
            knobs.append("encoder.trim=texts")
        if {"all", "encoder"} & set(stage.train):
            knobs.append(f"encoder.freeze={0 if encoder.freeze is None else encoder.freeze + 2}")
    return knobs


def advice(recipe: Recipe, stage: StageSettings) -> str:
    """Return what to type so that a stage's steps need less memory."""
    return _advice(same_result(recipe, stage), other_result(recipe, stage))


def advice_on_steps(recipe: Recipe, stage: StageSettings) -> str:
    """Return that where steps were begun."""
    return f"{advice(recipe, stage)} {KEPT}"


def advice_on_evaluation(recipe: Recipe) -> str:
    """Return what to type so that dev is scored with less memory."""
    same = [f"dev_pieces_per_batch={max(16, recipe.dev_pieces_per_batch // 4)}"]
    return f"{_advice(same, ['precision=bf16'] if recipe.precision == 'fp32' else [])} {KEPT}"


def advice_on_writing(recipe: Recipe, stage: StageSettings) -> str:
    """Return what to do so that there is room to write what a stage has come to."""
    room = "What is written from a GPU is copied to main memory first: end what else runs on this machine."
    return " ".join(filter(None, (room, _advice([], less_of_the_encoder(recipe, stage)), KEPT)))


def advice_on_the_model(recipe: Recipe, device: str) -> str:
    """Return what to do so that there is room for the model itself, on a device of torch's type `device`."""
    room = "The model alone needs more: end what else runs on this machine, or take a smaller encoder."
    if device != "cpu":
        room = (
            f"The model alone needs more: end what else runs on the GPU, or leave it: {ON_CPU} mere train …"
        )
    is_whole = isinstance(recipe.encoder, PretrainedSettings) and recipe.encoder.trim == "none"
    return f"{room} {_advice([], ['encoder.trim=texts'])}" if is_whole else room


def _advice(same: Sequence[str], other: Sequence[str]) -> str:
    said = {"the same result": same, "another result": other}
    return " ".join(
        f"Less memory, {result}: {' or '.join(f'--set {knob}' for knob in knobs)}."
        for result, knobs in said.items()
        if knobs
    )


@contextmanager
def telling_what_to_turn(doing: str, advice: str) -> Iterator[None]:
    """Turn an error that says that memory could not be had into one that says what to do.

    Args:
        doing: what needs the memory ("stage unified, step 3"). advice: whole sentences.

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
