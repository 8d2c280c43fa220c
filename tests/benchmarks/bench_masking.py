"""What masking costs beside the bare key stream it is made of: AES-256-CTR of the same library, in pieces of the same size.

Run it with ``python tests/benchmarks/bench_masking.py``. It prints nanoseconds for each number and each key, and their ratio.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from riskset_common.secure.prg import CHUNK, add_masks

NUMBERS = 100_000
KEYS = [bytes([number]) * 32 for number in range(17)]  # the peers of one of 18 sites
REPEATS = 40
AIM = 1.3


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")


def bare_streams(n_bytes: int, piece: int) -> Callable[[], None]:
    """Make all streams and throw them away."""
    zeros, buffer = memoryview(bytes(piece)), bytearray(piece + 16)

    def run() -> None:
        for key in KEYS:
            cipher = Cipher(AES256(key), CTR(bytes(16))).encryptor()
            for start in range(0, n_bytes, piece):
                cipher.update_into(zeros[: min(piece, n_bytes - start)], buffer)

    return run


def nanoseconds(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Best time for each number and key. The sides take turns, so that a busy machine is busy for both."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: seconds / (NUMBERS * len(KEYS)) * 1e9 for name, seconds in best.items()}


def check_that_masks_are_the_stream() -> None:
    """Both sides of the comparison make the same bytes."""
    counts = np.zeros(NUMBERS, np.uint64)
    add_masks(counts, np.zeros((2, 0), np.uint64), KEYS[:1])
    stream = Cipher(AES256(KEYS[0]), CTR(bytes(16))).encryptor().update(bytes(8 * NUMBERS))
    if counts.tobytes() != stream:
        sys.exit("The masks are not the key stream; the comparison would say nothing.")


def main() -> None:
    check_that_masks_are_the_stream()
    print(f"{processor()}, {platform.system()} {platform.machine()}")
    print(
        f"Python {platform.python_version()}, numpy {version('numpy')}, "
        f"cryptography {version('cryptography')}"
    )
    print(f"{NUMBERS:,} numbers, {len(KEYS)} keys, best of {REPEATS}; ns for each number and key\n")
    print(f"{'ring':<16}{'masking':>9}{'bare AES':>10}{'ratio':>7}   aim <= {AIM}")
    no_counts, no_reals = np.zeros(0, np.uint64), np.zeros((2, 0), np.uint64)
    counts, reals = np.zeros(NUMBERS, np.uint64), np.zeros((2, NUMBERS), np.uint64)
    for ring, n_bytes, run in (
        ("counts, Z/2^64", 8 * NUMBERS, lambda: add_masks(counts, no_reals, KEYS)),
        ("reals, Z/2^128", 16 * NUMBERS, lambda: add_masks(no_counts, reals, KEYS)),
    ):
        took = nanoseconds({"masking": run, "bare": bare_streams(n_bytes, 8 * CHUNK)})
        ratio = took["masking"] / took["bare"]
        print(f"{ring:<16}{took['masking']:>9.2f}{took['bare']:>10.2f}{ratio:>7.2f}")


if __name__ == "__main__":
    main()
