"""A page that needs no service: a folder with the page, a model, and the ONNX Runtime that runs it in the browser.

index.html           the page
page/…               its scripts and styles; service.js reads texts with the model instead of asking a service
page/model.json      labels, limits, chains, how text is cut: what Python reads of the model's folder
page/known.bin       hashes of the features that the model knows, as 32-bit integers
page/*.onnx          the model's graphs
page/ort*            ONNX Runtime Web, as its npm package has it, and its licence
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from mere.data.pieces.hashed import HashedUnits
from mere.data.units import SCRIPTS, UNSPACED_SCRIPTS
from mere.errors import UserError
from mere.inference.abbreviations import BEFORE_NAMES, LEGAL_FORMS, YEAR_WORDS, stop_rules
from mere.inference.calibration import Calibration
from mere.page.files import INDEX, page_files
from mere.runtime.backend import limits_of
from mere.store.export import read_graphs
from mere.store.files import Arrays, new_folder, write_bytes, write_json
from mere.store.folder import ModelFolder

RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
"""The files of the npm package that the page needs, with the SHA-256 of those that it was tested with."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
IMPOSSIBLE = -1e9  # JSON has no infinity


def write_static_page(stored: ModelFolder, runtime: Path, out: Path, *, name: str) -> int:
    """Write the folder and return its size in bytes.

    Args:
        stored: an exported model (mere.store.export) of the compact encoder.
        runtime: the folder of the npm package onnxruntime-web.
        name: what the page calls the model.

    Raises:
        UserError: `out` exists, the model is none that the page can run, or the runtime is another or missing.
        ModelError: a file of the model is missing or altered.
    """
    _refuse(stored)
    graphs, chains = read_graphs(stored)
    contents = _own_files() | _runtime(runtime)
    contents |= {f"page/{graph}.onnx": data for graph, data in graphs.items()}
    assert isinstance(stored.pieces, HashedUnits)
    known = stored.pieces.features.known
    if known is not None:
        contents["page/known.bin"] = known.astype("<u4").tobytes()
    with new_folder(out) as part:
        (part / "page").mkdir(parents=True)
        for path, data in contents.items():
            write_bytes(part / path, data)
        write_json(part / "page" / "model.json", _model(stored, list(graphs), chains, name))
        return sum(file.stat().st_size for file in part.rglob("*") if file.is_file())


def _refuse(stored: ModelFolder) -> None:
    if not stored.graphs:
        raise UserError(
            f"{stored.path}: a page runs an exported model. Export it first: "
            f"mere export {stored.path} --as onnx --out DIR"
        )
    if not isinstance(stored.pieces, HashedUnits):
        raise UserError(
            f"{stored.path}: a page reads the compact encoder's units, and this model's encoder is "
            f"{stored.recipe.encoder.name}. Serve it instead: mere serve {stored.path}"
        )
    if stored.own:
        raise UserError(
            f"{stored.path}: {', '.join(stored.own)} have weights of their own, which a page has no room for. "
            f"Take one language: mere export MODEL --lang CODE --out DIR, then mere export DIR --as onnx --out OUT"
        )


def _own_files() -> dict[str, bytes]:
    """Return the page's files, with what runs the model in the service's place, and its policy in the page itself."""
    found = page_files()
    own = {entry.name: entry.read_bytes() for entry in (files("mere.page") / "local").iterdir()}
    own["service.js"] = own.pop("local.js")
    policy = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    found[INDEX] = found[INDEX].replace(b'<meta charset="utf-8">', policy.encode())
    return found | {f"page/{name}": data for name, data in own.items()}


def _runtime(folder: Path) -> dict[str, bytes]:
    """Return the files of ONNX Runtime Web.

    Raises:
        UserError: one is missing, or is not that of the version that the page was tested with.
    """
    cure = f"Run: npm install {RUNTIME}, then mere page … --runtime node_modules/onnxruntime-web"
    found = {}
    for name, digest in RUNTIME_FILES.items():
        file = folder / "dist" / name
        if not file.is_file():
            raise UserError(f"{file}: there is no such file. {cure}")
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise UserError(f"{file}: is not that of {RUNTIME}. {cure}")
        found[f"page/{name}"] = data
    return found


def _model(stored: ModelFolder, graphs: list[str], chains: Arrays, name: str) -> dict[str, Any]:
    pieces = stored.pieces
    assert isinstance(pieces, HashedUnits)
    return {
        "name": name,
        "labels": stored.labels.to_json(),
        "thresholds": dict(stored.thresholds),
        "limits": asdict(limits_of(stored)),
        "window": pieces.window,
        "graphs": graphs,
        "chains": _chains(chains),
        "calibration": {
            task: {path: asdict(curve) for path, curve in curves.items()}
            for task, curves in Calibration.read(stored.path).curves.items()
        },
        "pieces": {
            "rows": pieces.features.rows,
            "hasKnown": pieces.features.known is not None,
            "endings": sorted(pieces.units.endings),
            "graphemeScripts": list(pieces.units.grapheme_scripts),
            "unspaced": list(UNSPACED_SCRIPTS),
            "scripts": list(SCRIPTS),
            **characters(),
        },
        "sentences": sentences(stored.labels.languages),
    }


def _chains(arrays: Arrays) -> dict[str, list[dict[str, Any]]]:
    """Return per task the chain of each channel."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, array in arrays.items():
        task, _, part = name.partition(".")
        channels = found.setdefault(task, [{} for _ in array])
        for channel, values in zip(channels, array, strict=True):
            channel[part] = np.maximum(values, IMPOSSIBLE).tolist()
    return found


def characters() -> dict[str, Any]:
    """Return what JavaScript does not know of characters: how they are folded, and which are digits."""
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    return {
        "folds": {char: folded for char in every if (folded := char.casefold()) != char},
        "digits": "".join(char for char in every if char.isdigit()),
    }


def sentences(languages: tuple[str, ...]) -> dict[str, Any]:
    """Return the words that decide where a sentence ends, per language; "" is for texts of no language."""
    rules = {lang: stop_rules(None if lang == "" else lang) for lang in ("", *languages)}
    return {
        "rules": {
            lang: {
                "inner": sorted(one.inner),
                "beforeNumber": sorted(one.before_number),
                "either": sorted(one.either),
                "openers": sorted(one.openers),
                "hasOrdinals": one.has_ordinals,
            }
            for lang, one in rules.items()
        },
        "common": {
            "beforeNames": sorted(BEFORE_NAMES),
            "legalForms": sorted(LEGAL_FORMS),
            "yearWords": sorted(YEAR_WORDS),
        },
    }
