"""API keys: a file of names and SHA-256 digests, so that no key stands in it."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

from mere.errors import ConfigError

_LINE = re.compile(r"(?P<name>[^:\s][^:]*):(?P<digest>[0-9a-fA-F]{64})")


class Keys:
    """The keys that the service takes.

    Args:
        digests: the SHA-256 of each key, in hexadecimal, with the name of who has it.
    """

    def __init__(self, digests: dict[str, str]):
        self._digests = digests

    @classmethod
    def read(cls, path: str | Path) -> Keys:
        """Read a file of `name:sha256` lines; blank lines and lines that begin with # count for nothing.

        Raises:
            ConfigError: the file is missing or a line is malformed; names it.
        """
        file = Path(path)
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{file}: cannot be read ({error}). It holds a `name:sha256` line per key."
            ) from None
        digests = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise ConfigError(
                    f"{file}:{number}: expected name:sha256. Make one: printf %s KEY | sha256sum"
                )
            digests[match["digest"].lower()] = match["name"]
        if not digests:
            raise ConfigError(f"{file}: holds no key, so nobody could ask. Add a line `name:sha256`.")
        return cls(digests)

    def name_of(self, key: str) -> str | None:
        """Return who has a key, or None; the time it takes tells nothing of the keys."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        names = [name for known, name in self._digests.items() if hmac.compare_digest(known, digest)]
        return names[0] if names else None
