"""Errors of communication become one that says that another process of the run is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed as dist

from mere.errors import TrainingError


@contextmanager
def naming_lost_processes() -> Iterator[None]:
    """Turn the errors of what is asked of other processes into one that says that they are gone.

    Raises:
        TrainingError: instead of them.
    """
    try:
        yield
    except RuntimeError as error:  # gloo's; NCCL's errors are a kind of it
        raise TrainingError(
            "another process of the run is gone, or has not answered for half an hour; what it said last tells why. "
            "The last checkpoint is kept: start all processes again, with --resume."
        ) from error


@contextmanager
def reporting_lost_processes() -> Iterator[None]:
    """As `naming_lost_processes`, where other errors may come up too: a model is computed that lies over processes."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        with naming_lost_processes():
            raise
