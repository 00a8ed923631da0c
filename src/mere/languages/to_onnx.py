"""A model exported to ONNX, for machines without torch; an 8-bit one only if it is as good, language by language.

Three ways of quantising are tried, from the smallest model to the most careful one. The first that loses no more
than the allowed points of F1 in any language on dev is written; the report goes into the folder and the card.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.config import encoder_kind
from mere.data.corpora import load_corpora
from mere.data.examples import ExampleMaker
from mere.errors import DataError, UserError
from mere.inference.calibration import read_record
from mere.inference.fitting import card_section
from mere.inference.predictor import Predictor
from mere.languages.export import export_language, load_language
from mere.languages.parity import Parity, compared, predictions
from mere.models.backend import predictor_of
from mere.models.model import Model
from mere.models.onnx import chains_of, graphs_of, weights_in
from mere.models.quantise import quantised
from mere.models.weights import load_model, to_arrays
from mere.runtime.backend import OnnxBackend, limits_of
from mere.schema import UNIVERSAL
from mere.store.calibration import write_calibration
from mere.store.export import Graphs, write_export
from mere.store.files import Arrays, new_folder
from mere.store.folder import ModelFolder
from mere.types import Sentence

LARGEST_LOSS = 0.5
"""Points of F1 that an 8-bit model may lose in any language."""

_EVERYTHING = ("MatMul", "LSTM", "Attention")
WAYS: Mapping[str, Callable[[str, bytes], bytes]] = {
    "everything": lambda name, graph: quantised(graph, _EVERYTHING if name != "units" else ()),
    "encoder": lambda name, graph: quantised(graph, _EVERYTHING if name in ("encode", "subwords") else ()),
    "tables": lambda name, graph: quantised(graph, ()),
}
"""What is quantised: every matrix, LSTM and table; those of the encoder and the heads that read at once; tables.

Units are read by tables alone: the scale of a matrix's input is that of all its rows, and what a unit says by itself
must not depend on which others were read with it.
"""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        precision: "fp32", or "int8" and what of the model is.
        parity: against torch on dev; None where there was no dev.
        bytes: of the graphs.
    """

    precision: str
    parity: Parity | None
    bytes: int


DEV_LIMIT = 400
"""Dev sentences per language on which an export is held against its model."""


def export_for_runtime(
    folder: Path,
    out: Path,
    *,
    lang: str | None = None,
    precision: str = "int8",
    dev: str | None = None,
    force: bool = False,
) -> Exported:
    """Export a model folder, all of it or one language, held against the model on dev where there is any.

    Args:
        dev: corpus that has the dev split; None: that of the recipe, if it is where the recipe says.

    Raises:
        UserError: as `export_onnx` says, or the corpus that was named has no dev split.
    """
    with tempfile.TemporaryDirectory() as place:
        if lang is not None:
            export_language(folder, lang, Path(place) / lang)
        stored = ModelFolder.read(folder if lang is None else Path(place) / lang)
        sentences = _dev_sentences(stored, dev)
        return export_onnx(stored, out, precision=precision, dev=sentences, force=force)


def _dev_sentences(stored: ModelFolder, corpus: str | None) -> list[Sentence]:
    """Return dev sentences of the model's languages, a limited number of each; none where there is no corpus."""
    settings = stored.recipe.data
    if corpus is not None:
        settings = settings.model_copy(update={"path": corpus, "languages": None})
    try:
        found = load_corpora(settings).sentences(settings.dev_split)
    except DataError:
        if corpus is not None:
            raise
        return []
    taken: Counter[str] = Counter()
    kept = []
    for sentence in found:
        if taken[sentence.lang] < DEV_LIMIT and stored.labels.lang_id(sentence.lang):
            taken[sentence.lang] += 1
            kept.append(sentence)
    if corpus is not None and not kept:
        raise DataError(f"{corpus}: has no {settings.dev_split} split in a language of the model.")
    return kept


def export_onnx(
    stored: ModelFolder,
    out: Path,
    *,
    precision: str = "int8",
    dev: Sequence[Sentence] = (),
    largest_loss: float = LARGEST_LOSS,
    force: bool = False,
) -> Exported:
    """Write a model as a folder that needs no torch.

    Args:
        precision: "fp32" or "int8".
        dev: annotated sentences on which the export is held against the model.
        force: write an 8-bit model that loses more, or that there is no dev for.

    Raises:
        UserError: `out` exists, the model has a part that ONNX does not hold, or every 8-bit model loses too much.
    """
    models = {UNIVERSAL: load_model(stored)} | {lang: load_language(stored, lang) for lang in stored.own}
    features = _num_features(stored)
    plain = {path: graphs_of(model, features) for path, model in models.items()}
    chains = {path: chains_of(model) for path, model in models.items()}
    if precision == "int8" and not dev and not force:
        raise UserError(
            "an 8-bit model is held against the model itself, and there are no dev sentences: name a corpus "
            "(--dev CORPUS), or pass --force."
        )
    before = predictions(_torch(stored, models), dev) if dev else []
    encoder = _unnamed(stored, models[UNIVERSAL], plain[UNIVERSAL])

    def attempt(name: str, change: Callable[[str, bytes], bytes]) -> tuple[Exported, Graphs]:
        changed = {p: {n: change(n, g) for n, g in graphs.items()} for p, graphs in plain.items()}
        graphs = Graphs(name, changed, chains, encoder)
        parity = compared(dev, before, predictions(_onnx(stored, graphs), dev)) if dev else None
        size = sum(len(graph) for part in changed.values() for graph in part.values())
        return Exported(name, parity, size), graphs

    if precision == "fp32":
        chosen, graphs = attempt("fp32", lambda _, graph: graph)
    else:
        chosen, graphs = _least_that_passes(attempt, largest_loss, force)
    _write(stored, out, chosen, graphs)
    return chosen


def _least_that_passes(
    attempt: Callable[[str, Callable[[str, bytes], bytes]], tuple[Exported, Graphs]],
    largest_loss: float,
    force: bool,
) -> tuple[Exported, Graphs]:
    """Return the first 8-bit model that is as good; forced, the best of them."""
    tried = []
    for way, change in WAYS.items():
        exported, graphs = attempt(f"int8 ({way})", change)
        if exported.parity is None or exported.parity.worst <= largest_loss:
            return exported, graphs
        tried.append((exported.parity.worst, exported, graphs))
    worst, exported, graphs = min(tried, key=lambda one: one[0])
    if force:
        return exported, graphs
    raise UserError(
        f"every 8-bit model loses more than {largest_loss:g} points of F1 in some language; the best of "
        f"{len(tried)} ({exported.precision}) loses {worst:.1f}. Nothing was written. "
        "Export with --precision fp32, or pass --force."
    )


def _unnamed(stored: ModelFolder, model: Model, graphs: Mapping[str, bytes]) -> Arrays:
    """Return the weights of an encoder of our own that its graphs hold under no name; none of a pretrained one."""
    if encoder_kind(stored.recipe.encoder).is_pretrained:
        return {}
    named = weights_in(graphs)
    weights = {f"encoder.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    return to_arrays({name: tensor for name, tensor in weights.items() if name not in named})


def _num_features(stored: ModelFolder) -> int:
    _, encoded = ExampleMaker(stored.pieces, stored.labels).text("a", None)
    assert encoded is not None
    return int(encoded.pieces.shape[1])


def _torch(stored: ModelFolder, models: Mapping[str, Model]) -> Predictor:
    own = {path: model for path, model in models.items() if path != UNIVERSAL}
    maker = ExampleMaker(stored.pieces, stored.labels)
    return predictor_of(models[UNIVERSAL], maker, own=own, thresholds=stored.thresholds)


def _onnx(stored: ModelFolder, graphs: Graphs) -> Predictor:
    backends = {path: OnnxBackend(part, graphs.chains[path]) for path, part in graphs.graphs.items()}
    shared = backends.pop(UNIVERSAL)
    maker = ExampleMaker(stored.pieces, stored.labels)
    return Predictor(shared, maker, own=backends, thresholds=stored.thresholds, limits=limits_of(stored))


def _write(stored: ModelFolder, out: Path, chosen: Exported, graphs: Graphs) -> None:
    report: dict[str, Any] = {"precision": chosen.precision, "bytes": chosen.bytes}
    if chosen.parity is not None:
        report["parity"] = chosen.parity.to_json()
    metrics = {**stored.metrics(), "export": report}
    with new_folder(out) as part:
        write_export(part, stored, graphs, metrics=metrics, card=stored.card() + _section(report))
        record = read_record(stored.path)
        write_calibration(part, record, card_section(record))


def _section(report: Mapping[str, Any]) -> str:
    """Return what the card says of the export."""
    lines = [
        "",
        "## Export",
        "",
        f"ONNX graphs, {report['precision']}, {report['bytes'] / 1e6:.1f} MB. No torch needed.",
    ]
    if parity := report.get("parity"):
        lines += ["", f"F1 on dev before and after ({parity['differing_sentences']} sentences differ):", ""]
        for metric, by_lang in parity["f1"].items():
            lines += [f"| {metric} | before | after |", "| --- | ---: | ---: |"]
            lines += [
                f"| {lang} | {row['before']:.1f} | {row['after']:.1f} |" for lang, row in by_lang.items()
            ]
            lines.append("")
    return "\n".join(lines) + "\n"
