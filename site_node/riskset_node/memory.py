"""What a session took of this machine's memory, and how it goes back: a node stands idle for weeks beside other programs."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Collect what is unused, and return it to the system where that must be asked for (glibc keeps it)."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
