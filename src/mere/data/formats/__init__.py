"""One file per corpus format, each with `read` and `write`; `sniff` tells which format a file has."""

from mere.data.formats.kinds import sniff
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Format, Reading

__all__ = ["Format", "Problem", "Reading", "sniff"]
