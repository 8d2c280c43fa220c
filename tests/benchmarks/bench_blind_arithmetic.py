"""Arithmetic on shares: openings, elements, megabytes a member sends, and processor time of three members in one process.

    make bench

Building blocks on 3,000 numbers each; then 62 curves and tests of 651 patients at 415 days together, of which the committee opens the
survival with its variance and the tests' sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter, process_time

import numpy as np
from tests.benchmarks.machine import describe, peak_megabytes
from tests.common.secure.blind.blind_parties import arithmetics
from tests.common.secure.blind.on_shares import SMALLEST, Values, dealt, inputs

from riskset_common.release.program import Among, Ask, Opens
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Masked, Opening, open_shares
from riskset_common.secure.blind.expressions.hidden import Hidden
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.secure.blind.expressions.wave import answered_on_shares
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.curves.on_days import day_curve
from riskset_common.survival.tests.group_sums import group_sums
from riskset_common.survival.tests.weighing import Weighing

N, PATIENTS, DAYS, CURVES, TESTS = 3000, 651, 415, 35, 27
BYTES = 32 * (SMALLEST.size - 1)
Asks = Callable[[OnShares, dict[str, Hidden]], list[Ask]]


def block_values() -> Values:
    rng = np.random.default_rng(1)
    return {
        "few": (rng.integers(1, 1024, N), 1023),
        "long": (rng.integers(0, 2**39, N), 2**39 - 1),
        "real": (np.ldexp(rng.integers(0, 2**40 + 1, N), -40), 1),
    }


BLOCKS: dict[str, Asks] = {
    "comparisons of counts below 1,024": lambda c, g: [Opens("bits", c.at_most(g["few"], 500))],
    "comparisons of 40 bits": lambda c, g: [Opens("bits", c.at_most(g["long"], 2**38))],
    "comparisons of reals": lambda c, g: [
        Opens("bits", c.at_most(g["real"], c.real(np.array(0.5))))
    ],
    "roundings to three decimals": lambda c, g: [Opens("rounded", c.rounded(g["real"], 1000))],
    "small tests, 1 to 9": lambda c, g: [Among("small", g["few"].reshape(-1, 1), 1, 9)],
    "reciprocals up to 1,023": lambda c, g: [
        Opens("one", c.rounded(g["few"] * c.reciprocal(g["few"], 1023)).total())
    ],
    "roots": lambda c, g: [Opens("rounded", c.rounded(c.root(g["real"], 1.0), 1000))],
}


def trial_values() -> Values:
    """Counts of each curve and test: patients come together, and leave by events and between them."""
    rng, found = np.random.default_rng(2), {}
    for k in range(CURVES + TESTS):
        groups = 2 + k % 3
        left = rng.multinomial(PATIENTS, np.full(groups * (DAYS + 1), 1 / (groups * (DAYS + 1))))
        leavers = left.reshape(groups, DAYS + 1)
        at_risk = PATIENTS // groups + leavers[:, ::-1].cumsum(axis=1)[:, ::-1][:, :DAYS]
        found[f"d{k}"] = (np.minimum(leavers[:, :DAYS], at_risk), PATIENTS)
        found[f"n{k}"] = (at_risk, 2 * PATIENTS)
    return found


def trial_asks(calculator: OnShares, given: dict[str, Hidden]) -> list[Ask]:
    """Survival with Greenwood's sum of the first jobs, log-rank sums of the others."""
    asks: list[Ask] = []

    def opens(name: str, x: Numbers, units: int) -> None:
        asks.append(Opens(name, calculator.rounded(x, units)))

    for k in range(CURVES + TESTS):
        d, n = given[f"d{k}"], given[f"n{k}"]
        if k < CURVES:
            curve = day_curve(calculator, d, n, 2 * PATIENTS)
            opens(f"survival {k}", curve.survival[:, ::40], 1000)
            opens(f"spread {k}", curve.spread.running_total()[:, ::40], 1000)
        else:
            sums = group_sums(
                calculator,
                n.reshape(1, *n.shape),
                d.reshape(1, *d.shape),
                Weighing("log_rank"),
                2 * PATIENTS,
            )
            opens(f"difference {k}", sums.difference, 100)
            opens(f"covariance {k}", sums.covariance, 100)
    return asks


def measure(name: str, values: Values, asks: Asks) -> None:
    """Print one line."""
    members = arithmetics(SMALLEST)
    computations = []
    for member, shares in zip(members, dealt(SMALLEST, values), strict=True):
        calculator = OnShares(member)
        given = inputs(calculator, values, shares)
        computations.append(_answers(member, asks, calculator, given))
    began, spent, elements = perf_counter(), process_time(), 0
    for masked in _lockstep(computations):
        elements += masked.share.shape[1]
    print(
        f"  {name:34} {members[0].openings:3} openings, {elements:9,} elements, {elements * BYTES / 1e6:6.1f} MB a member, "
        f"{process_time() - spent:5.2f} s of the processor for three members, {perf_counter() - began:5.2f} s wall"
    )


def _answers(
    member: Arithmetic, asks: Asks, calculator: OnShares, given: dict[str, Hidden]
) -> Opening[None]:
    yield from answered_on_shares(member, asks(calculator, given))


def _lockstep(computations: list[Opening[None]]) -> Iterator[Masked]:
    """All members, opening by opening; of each the first member's share."""
    waiting = [next(each) for each in computations]
    while True:
        yield waiting[0]
        opened = open_shares(SMALLEST, [each.share for each in waiting])
        waiting = []
        for each in computations:
            try:
                waiting.append(each.send(opened))
            except StopIteration:
                continue
        if not waiting:
            return


def main() -> None:
    """Measure each block, then the trial."""
    print(f"Arithmetic on shares, committee (3, 1), {N:,} numbers each")
    print(f"  {describe('numpy', 'cryptography')}")
    values = block_values()
    for name, asks in BLOCKS.items():
        measure(name, values, asks)
    print(
        f"{CURVES} curves and {TESTS} tests of two to four groups, {DAYS} days (aim: 24 openings and 9 s without the roundings)"
    )
    measure("all together", trial_values(), trial_asks)
    print(f"  {peak_megabytes():.0f} MB of memory at most, three members in one process")


if __name__ == "__main__":
    main()
