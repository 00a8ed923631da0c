"""The quick-start corpus: small invented sentences with triples in nine languages, made on the spot."""

from mere.data.quickstart.generate import LANGUAGES, RELATIONS, generate, write

__all__ = ["LANGUAGES", "RELATIONS", "generate", "write"]
