"""What a program asks, each ask with what a released result says that its answer was: nothing is opened that the result does not imply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np

from riskset_common.release.program import Among, Ask, Opened, Opens, Program, run
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.arrays.shapes import IntArray

Result = TypeVar("Result")


class Asks(Generic[Result]):
    """The asks of one program."""

    def __init__(self) -> None:
        self._implied: dict[str, Callable[[Result], Sequence[int]]] = {}

    def opens(self, name: str, x: Numbers, implied: Callable[[Result], Sequence[int]]) -> Opens:
        """Whole numbers that become public, shape (n,); `implied` finds them in the result."""
        self._implied[name] = implied
        return Opens(name, x)

    def among(
        self,
        name: str,
        x: Numbers,
        lowest: int | IntArray,
        highest: int | IntArray,
        implied: Callable[[Result], Sequence[int]],
    ) -> Among:
        """One bit for each of n rows that becomes public, x of shape (n, m); `implied` finds them in the result."""
        self._implied[name] = implied
        return Among(name, x, lowest, highest)

    def told_by(self, program: Program[object], result: Result) -> dict[str, Opened]:
        """What each ask of a program must have been, by its name; the program runs on numbers of which only the shape is known."""
        found: dict[str, Opened] = {}

        def answer(ask: Ask) -> Opened:
            # Programs that run side by side have their names before that of an ask.
            implied = self._implied[ask.name.rpartition(": ")[2]]
            found[ask.name] = np.asarray(implied(result), dtype=np.int64)
            return found[ask.name]

        run(program, answer)
        return found


def opened_by_name(asks: Mapping[str, Ask | None]) -> Program[dict[str, Opened]]:
    """Open what there is to open, and find it again by a short name."""
    there = {name: ask for name, ask in asks.items() if ask is not None}
    if not there:
        return {}
    found = yield list(there.values())
    return dict(zip(there, found, strict=True))
