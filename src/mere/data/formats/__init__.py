"""One file per corpus format, each with `read` and `write`; `sniff` tells which format a file has."""

from mere.data.formats.kinds import Format, sniff
from mere.data.formats.problems import Problem

__all__ = ["Format", "Problem", "sniff"]
