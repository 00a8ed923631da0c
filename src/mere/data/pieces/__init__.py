"""How an encoder reads a text: one file per way of cutting it into pieces and describing them by numbers."""

from mere.data.pieces.base import Pieces
from mere.data.pieces.bytes import TextBytes, WordBytes
from mere.data.pieces.choose import fit_pieces, load_pieces
from mere.data.pieces.hashed import HashedUnits
from mere.data.pieces.pretrained import Subwords

__all__ = ["HashedUnits", "Pieces", "Subwords", "TextBytes", "WordBytes", "fit_pieces", "load_pieces"]
