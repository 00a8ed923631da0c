"""Encoders: pieces of a text in, one vector per piece out."""

from mere.nn.encoders.base import Encoder
from mere.nn.encoders.compact import CompactEncoder
from mere.nn.encoders.pretrained import PretrainedEncoder
from mere.nn.encoders.stream import BytesEncoder, ByteStreamEncoder
from mere.nn.encoders.words import ByteWordsEncoder

__all__ = [
    "ByteStreamEncoder",
    "ByteWordsEncoder",
    "BytesEncoder",
    "CompactEncoder",
    "Encoder",
    "PretrainedEncoder",
]
