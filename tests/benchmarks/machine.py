"""What every benchmark states of where it ran."""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from time import perf_counter
from typing import TypeVar

Answer = TypeVar("Answer")


def describe(*distributions: str) -> str:
    """Processor, cores, Python and the versions of what was measured."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        cpu = models[0] if models else cpu
    versions = ", ".join(f"{name} {version(name)}" for name in distributions)
    return f"{cpu}, {cpu_count()} cores, Python {platform.python_version()}, {versions}"


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds that a call takes, and what it gives."""
    began = perf_counter()
    answer = work()
    return perf_counter() - began, answer


def peak_megabytes() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def middle(values: Sequence[float]) -> float:
    """The median of an odd number of runs."""
    return sorted(values)[len(values) // 2]
