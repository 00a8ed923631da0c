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
from mere.inference.together import Calibrated, Together
from mere.shipped import default_model
from mere.store.fetch import find_model, find_models
from mere.store.folder import ModelFolder


def load(
    folder: str | Path | None = None,
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
        folder: the model's folder; the name of one that comes with mere (`mere models`); its name on the
            Hugging Face Hub, "org/name" or "org/name@revision"; or two of these, "A+B", for the entities of the
            first and the triples of the second. A folder that is here wins (mere.store.fetch). None: what comes with
            mere, "names+facts" or "names".
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
    models = [
        _calibrated(path, device=device, filter=filter, min_precision=min_precision)
        for path in find_models(default_model() if folder is None else folder)
    ]
    predictor, calibration = models[0] if len(models) == 1 else (Together(*models), Calibration())
    return Extractor(
        predictor,
        batch_size=batch_size,
        threshold=threshold,
        languages=languages,
        unwrap=unwrap,
        filter=filter,
        calibration=calibration,
    )


def _calibrated(path: Path, *, device: str, filter: Filter | None, min_precision: float | None) -> Calibrated:
    predictor = load_predictor(path, device=device)
    if filter is not None and filter.any_types:
        predictor.arguments = {}
    if min_precision is None:
        return Calibrated(predictor, Calibration.read(path))
    return Calibrated(predictor, Calibration.for_precision(path, min_precision))


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
