"""How long the commands take to answer --help, beside a Python that only starts.

Run it with ``python -m tests.benchmarks.bench_start``. It prints seconds (best of several), and the aim of the house rules.
"""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

from tests.benchmarks.machine import describe

AIM = 0.5
REPEATS = 5
CENTRE = "from riskset_server.commands.riskset import main; main()"
NODE = "from riskset_node.commands.riskset_node import main; main()"
COMMANDS = {
    "riskset --help": [CENTRE, "--help"],
    "riskset run local --help": [CENTRE, "run", "local", "--help"],
    "riskset plan check --help": [CENTRE, "plan", "check", "--help"],
    "riskset-node --help": [NODE, "--help"],
    "riskset-node data check --help": [NODE, "data", "check", "--help"],
    "python that only starts": ["pass"],
}


def seconds(code: list[str]) -> float:
    """Best wall time of a new process that runs this code with these arguments."""
    best = float("inf")
    for _ in range(REPEATS):
        start = perf_counter()
        subprocess.run([sys.executable, "-c", *code], check=True, stdout=subprocess.DEVNULL)
        best = min(best, perf_counter() - start)
    return best


def main() -> None:
    print(describe("typer", "rich"))
    print(f"best of {REPEATS}, seconds; aim < {AIM}\n")
    for name, code in COMMANDS.items():
        print(f"{name:<32}{seconds(code):>7.2f}")


if __name__ == "__main__":
    main()
