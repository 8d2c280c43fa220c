"""A program: it computes on counts of all sites, asks for what may be opened, and makes its result of what was opened.

The same program runs at every member of the committee, on shares; at the centre, which is only told what was opened; and in the open,
as its own specification. It must not ask for anything that its result does not hold or imply.

    def program(given: Given) -> Program[Result]:
        events = given.data[counted]["events"]
        (few,) = yield [Among("events", events.total(), 1, smallest - 1)]
        if few.any():
            return withheld
        (opened,) = yield [Opens("rounded events", given.calculator.rounded(events.total(), Fraction(1, 5)))]
        return Result(5 * int(opened))
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from riskset_common.survival.arrays.calculator import Numbers, clear
from riskset_common.survival.arrays.shapes import IntArray

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Opens:
    """Whole numbers that become public, |x| < 2^62.

    Attributes
    ----------
    name
        What they are, in words, unique within the program.
    x
        Of any shape, which the opened values have too.
    """

    name: str
    x: Numbers


@dataclass(frozen=True, eq=False)
class Among:
    """One bit for each row of whole numbers, which becomes public: 1 where any of the row lies within its bounds.

    Attributes
    ----------
    name
        What is asked, in words, unique within the program.
    x
        Whole numbers, shape (..., n); the answer has shape (...).
    lowest, highest
        Bounds, inclusive, of x's shape or one that spreads over it. Where the highest is below the lowest nothing lies within.
    """

    name: str
    x: Numbers
    lowest: int | IntArray
    highest: int | IntArray


Ask: TypeAlias = Opens | Among
Opened: TypeAlias = NDArray[np.int64]
"""What an ask gives: the numbers, or bits 0 and 1."""

Program: TypeAlias = Generator[Sequence[Ask], Sequence[Opened], Result]
"""It yields what it wants opened, all at once, is sent the opened values in the same order, and returns its result."""


def together(programs: Mapping[str, Program[Result]]) -> Program[dict[str, Result]]:
    """Programs side by side, as one: what they want next is opened together. Names of asks are put behind that of their program."""
    results: dict[str, Result] = {}
    waiting: dict[str, Sequence[Ask]] = {}

    def go_on(name: str, opened: Sequence[Opened] | None) -> None:
        try:
            program = programs[name]
            waiting[name] = next(program) if opened is None else program.send(opened)
        except StopIteration as end:
            results[name] = end.value
            waiting.pop(name, None)

    for name in programs:
        go_on(name, None)
    while waiting:
        opened = yield [
            replace(ask, name=f"{name}: {ask.name}")
            for name, asked in waiting.items()
            for ask in asked
        ]
        rest = iter(opened)
        for name, asked in list(waiting.items()):
            go_on(name, [next(rest) for _ in asked])
    return {name: results[name] for name in programs}


def in_the_open(program: Program[Result]) -> Result:
    """Run a program on numbers that lie open: what a committee computes on shares, and what everybody may check it by."""
    return run(program, answered)


def run(program: Program[Result], answer: Callable[[Ask], Opened]) -> Result:
    """Run a program to its end, each of its asks answered by a function."""
    try:
        asked = next(program)
        while True:
            asked = program.send([answer(ask) for ask in asked])
    except StopIteration as end:
        result: Result = end.value
        return result


def answered(ask: Ask) -> Opened:
    """What an ask gives on numbers that lie open."""
    values = clear(ask.x)
    if values.dtype != np.int64:
        raise TypeError(f"{ask.name}: only whole numbers are opened.")
    if isinstance(ask, Opens):
        return values.astype(np.int64)
    within = np.any((values >= ask.lowest) & (values <= ask.highest), axis=-1)
    return np.asarray(within, dtype=np.int64)
