"""From a model's name to what reads texts with it: finds the folder, and picks the backend that can run it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from mere.errors import ModelError
from mere.inference.calibration import Calibration
from mere.inference.extractor import Extractor
from mere.inference.filter import Filter
from mere.inference.predictor import Predictor
from mere.shipped import DEFAULT
from mere.store.fetch import find_model
from mere.store.folder import ModelFolder


def load(
    folder: str | Path = DEFAULT,
    *,
    batch_size: int = 64,
    threshold: float | None = None,
    languages: Sequence[str] | None = None,
    unwrap: bool = False,
    filter: Filter | None = None,
    min_precision: float | None = None,
    device: str = "auto",
) -> Extractor:
    """Return an extractor for a model.

    Args:
        folder: the model's folder; the name of one that comes with mere (`mere models`); or its name on the
            Hugging Face Hub, "org/name" or "org/name@revision". A folder that is here wins (mere.store.fetch).
        batch_size, threshold, languages, unwrap, filter: as `Extractor` takes them.
        min_precision: drop answers below the score from which, on the dev sentences of the model's calibration, this
            share was right, per task and language; None: drop none.
        device: "auto" takes a GPU where there is one; or a name of torch's, such as "cpu" or "cuda:1".

    Raises:
        ModelError: there is no such model, its files are not those that it was written with, or torch is not
            installed.
        UserError: there is no such device, the filter names what the model does not know, or the precision was never
            reached or measured.
    """
    path = find_model(folder)
    predictor = load_predictor(path, device=device)
    if filter is not None and filter.any_types:
        predictor.arguments = {}
    return Extractor(
        predictor,
        batch_size=batch_size,
        threshold=threshold,
        languages=languages,
        unwrap=unwrap,
        filter=filter,
        calibration=(
            Calibration.read(path)
            if min_precision is None
            else Calibration.for_precision(path, min_precision)
        ),
    )


def load_predictor(folder: str | Path, *, device: str = "auto") -> Predictor:
    """Return a model itself, for texts that are sentences already; takes and raises what `load` does."""
    path = find_model(folder)
    stored = ModelFolder.read(path)
    if stored.graphs:
        from mere.runtime import backend as runtime

        return runtime.load_predictor(stored)
    if importlib.util.find_spec("torch") is None:
        raise ModelError(
            f'{path}: reading this model needs torch. Install: pip install "mere[train]". Or export it where torch is '
            f"(mere export {path} --as onnx --out DIR): an exported model needs none."
        )
    from mere.models import backend

    return backend.load_predictor(path, device)
