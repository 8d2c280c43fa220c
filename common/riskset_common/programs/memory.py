"""Memory of a process that runs for long: what it never looks at again, and what it gives back."""

from __future__ import annotations

import ctypes
import gc
import sys


def settle() -> None:
    """What was imported lives as long as the process: the collector need not look at it after every few messages."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Collect what is unused, and return it to the system where that must be asked for (glibc keeps it).

    For a process that works now and then, and stands idle for weeks beside other programs.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
