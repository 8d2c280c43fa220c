"""Programs by themselves and side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.release.program import (
    Among,
    Ask,
    Opened,
    Opens,
    Program,
    in_the_open,
    run,
    together,
)
from riskset_common.survival.arrays.calculator import Clear


def search(numbers: Sequence[int], until: int) -> Program[int]:
    """The first place from which on only larger numbers than `until` stand, one bit at a time."""
    x = Clear(np.array(numbers).reshape(-1, 1))
    for place in range(len(numbers)):
        (small,) = yield [Among(f"place {place}", x[place], -(2**40), until)]
        if not small:
            (found,) = yield [Opens("found", x[place, 0])]
            return int(found)
    return -1


def test_programs_side_by_side_give_what_each_gives_alone() -> None:
    programs = {"a": ([1, 5, 9], 4), "b": ([3], 3), "c": ([7, 8], 1)}
    waves: list[list[str]] = []

    def together_and_seen() -> dict[str, int]:
        program = together({name: search(*of) for name, of in programs.items()})

        def watched() -> Program[dict[str, int]]:
            asked = next(program)
            try:
                while True:
                    waves.append([ask.name for ask in asked])
                    asked = program.send((yield asked))
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

        return in_the_open(watched())

    assert {name: in_the_open(search(*of)) for name, of in programs.items()} == together_and_seen()
    assert [
        ["a: place 0", "b: place 0", "c: place 0"],
        ["a: place 1", "c: found"],
        ["a: found"],
    ] == waves


def test_a_program_may_be_answered_by_anybody() -> None:
    told = {"place 0": 1, "place 1": 0, "found": 5}

    def answer(ask: Ask) -> Opened:
        return np.array(told[ask.name])

    assert 5 == run(search([1, 5, 9], 4), answer)
