"""Encoders behind one interface: `Encoder` says what the rest of the model may ask of any of them."""

from mere.nn.encoders.base import Encoder
from mere.nn.encoders.compact import CompactEncoder

__all__ = ["CompactEncoder", "Encoder"]
