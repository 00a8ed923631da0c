"""Models that come with mere: those in the package, and in a clone those of the folder `models` too."""

from __future__ import annotations

from pathlib import Path

import mere

IN_PACKAGE = Path(mere.__file__).parent / "shipped_models"
IN_CLONE = Path(mere.__file__).parents[2] / "models"
DEFAULT = "names"
"""The model that is used where none is named: entities (PER, ORG, LOC)."""
FACTS = "facts"
"""The model whose triples join its entities where it is there too."""
INSTALL_AGAIN = "Install again what came with mere: pip install --force-reinstall --no-deps mere"


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that are here, by the names they can be asked for."""
    folders = (
        path.parent for place in (IN_CLONE, IN_PACKAGE) for path in sorted(place.glob("*/config.json"))
    )
    return {folder.name: folder for folder in folders}


def default_model() -> str:
    """Return what reads texts where no model is named; as a name that `mere.load` takes."""
    return f"{DEFAULT}+{FACTS}" if {DEFAULT, FACTS} <= set(shipped_models()) else DEFAULT


def is_in_package(path: Path) -> bool:
    """Whether a folder or file belongs to a model in the package, which a user does not repair by hand."""
    return path.is_relative_to(IN_PACKAGE)
