"""What has to be in the environment before torch is imported, so that training is fast and a good neighbour.

`import mere` touches no environment. The command line calls `prepare`; a program that trains through the library
calls it first of all:

    import mere.environment
    mere.environment.prepare()
    from mere.training.run import train
"""

from __future__ import annotations

import ctypes
import os
import sys

_DEFAULTS = {
    # Threads of libgomp (Linux) and libomp (macOS, Windows) that wait for one another spin for a moment, then sleep.
    # By default they spin for milliseconds: beside busy processes a step took more than three times as long.
    "GOMP_SPINCOUNT": "1000",
    "KMP_BLOCKTIME": "0",
    # oneDNN keeps a compiled kernel for every shape of batch that it has met; its default of 1024 kernels may hold
    # more memory than the model, the data and the activations together.
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32",
    # Else pydantic looks through every package that is installed for plug-ins, before the first answer.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}


def prepare() -> None:
    """Set how threads wait and how many kernels oneDNN keeps, where the user has not; before torch is imported.

    The OpenMP runtime reads its variables when torch is loaded: called later, that part has no effect.
    """
    for name, value in _DEFAULTS.items():
        if not name.startswith(("GOMP", "KMP")) or "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault(name, value)


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc: a training step allocates again.

    By default glibc gives every large tensor back to the system, which clears its pages anew at the next step: of
    the steps of a compact encoder with 131,072 rows that took a third.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        library.mallopt(mmap_threshold, 1 << 30)
        library.mallopt(trim_threshold, (1 << 31) - 1)
