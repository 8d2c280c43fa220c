"""Run formulas and programs at all members of a committee, in one process."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tests.common.secure.blind.blind_parties import arithmetics, shared, together

from riskset_common.release.program import Program
from riskset_common.secure.blind.arithmetic.committee import PRESETS, Committee
from riskset_common.secure.blind.arithmetic.field import from_integers, to_integers
from riskset_common.secure.blind.arithmetic.fixed_point import to_fixed
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening
from riskset_common.secure.blind.expressions.evaluation import SLICE, evaluate
from riskset_common.secure.blind.expressions.hidden import Hidden, as_hidden
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.secure.blind.expressions.wave import answered_on_shares
from riskset_common.survival.arrays.calculator import Calculator, Numbers

COMMITTEES = [Committee(tuple(range(10, 10 + m)), t) for m, t in PRESETS]
SMALLEST = COMMITTEES[0]

Values = Mapping[str, tuple[np.ndarray, float]]
"""Arrays by name with a public bound of their size: whole numbers, or reals."""
Formula = Callable[[Calculator, Mapping[str, Numbers]], Sequence[Numbers]]


def dealt(committee: Committee, values: Values) -> list[dict[str, Any]]:
    """By member and name the share of each array."""
    found: list[dict[str, Any]] = [{} for _ in committee.members]
    for name, (array, _) in values.items():
        whole = array.dtype.kind == "i"
        numbers = (int(x) if whole else to_fixed(float(x)) for x in array.ravel())
        for member, share in zip(found, shared(committee, from_integers(numbers)), strict=True):
            member[name] = share
    return found


def inputs(calculator: OnShares, values: Values, shares: Mapping[str, Any]) -> dict[str, Hidden]:
    return {
        name: calculator.hidden(
            shares[name], array.shape, math.ceil(largest), 0 if array.dtype.kind == "i" else 64
        )
        for name, (array, largest) in values.items()
    }


def run(
    committee: Committee,
    values: Values,
    computation: Callable[[Arithmetic, OnShares, dict[str, Hidden]], Opening[Any]],
) -> tuple[list[Any], list[Arithmetic]]:
    """What a computation returns at every member, and the members' arithmetics."""
    members = arithmetics(committee)
    computations = []
    for member, shares in zip(members, dealt(committee, values), strict=True):
        calculator = OnShares(member)
        computations.append(computation(member, calculator, inputs(calculator, values, shares)))
    return together(committee, computations), members


def results(
    committee: Committee, values: Values, formula: Formula, slice_size: int = SLICE
) -> list[np.ndarray]:
    """The numbers that a formula gives on shares, revealed."""

    def computation(member: Arithmetic, calculator: OnShares, given: dict[str, Hidden]):
        wanted = [as_hidden(each) for each in formula(calculator, given)]
        shares = yield from evaluate(member, wanted, slice_size)
        opened = yield from member.reveal(np.concatenate(shares, axis=1))
        return [(each.shape, each.bits) for each in wanted], to_integers(opened)

    ((forms, numbers), *_), _ = run(committee, values, computation)
    found, start = [], 0
    for shape, bits in forms:
        end = start + int(np.prod(shape))
        part = np.array([x / 2**bits for x in numbers[start:end]], dtype=float)
        found.append(part.reshape(shape))
        start = end
    return found


def program_on_shares(
    arithmetic: Arithmetic, program: Program[Any], slice_size: int = SLICE
) -> Opening[Any]:
    """Run a program to its end, wave by wave."""
    try:
        asked = next(program)
        while True:
            asked = program.send((yield from answered_on_shares(arithmetic, asked, slice_size)))
    except StopIteration as end:
        return end.value
