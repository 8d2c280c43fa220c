"""What follows from hidden deaths a second time, in plain Python integers: polynomials through all values that a number may have.

Nothing of the product is imported. Coefficients are those of Lagrange's polynomials, multiplied out.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext

from tests.vectors.plain_blind import P, Vectors, times
from tests.vectors.plain_blocks import Members, cut, joined, mixed


def powers(members: Members, d: Vectors, most: int) -> list[Vectors]:
    """d, d^2 .. d^most: each opening multiplies the highest by as many of those before as are wanted."""
    found = [d]
    while len(found) < most:
        below = found[: most - len(found)]
        found += members.open(*(("exact", times(found[-1], each), 0) for each in below))
    return found


def coefficients(values: list[int]) -> list[int]:
    """Of the polynomial that has these values at 0, 1, 2 .., least power first."""
    n, found = len(values), [0] * len(values)
    for k, value in enumerate(values):
        basis, below = [1], 1
        for j in range(n):
            if j != k:
                # Times (x - j).
                shifted, scaled = [0, *basis], [*(-j * c for c in basis), 0]
                basis = [a + b for a, b in zip(shifted, scaled, strict=True)]
                below *= k - j
        factor = value * pow(below, -1, P)
        found = [(a + factor * b) % P for a, b in zip(found, basis, strict=True)]
    return found


def at(members: Members, of: list[Vectors], function: Callable[[int], int]) -> Vectors:
    """A function of d, each of whose values from 0 to the highest power is a whole number."""
    first, *others = coefficients([function(k) for k in range(len(of) + 1)])
    constant = members.constant(first, len(of[0][1]))
    return mixed((1, constant), *zip(others, of, strict=True))


def d_log_d(d: int) -> int:
    """In units of 2^-64."""
    if d < 2:
        return 0
    with localcontext() as context:
        context.prec = 60
        return int((Decimal(d).ln() * d * 2**64).to_integral_value())


def efron(members: Members, d: Vectors, most: int) -> Vectors:
    """[d <= l], [d > l] d and [d > l] l of the terms l = 0..most - 1 of each slot, and the sum of d log d."""
    of, n = powers(members, d, most), len(d[1])
    found = []
    for function in (
        lambda l: lambda k: int(k <= l),
        lambda l: lambda k: k * (k > l),
        lambda l: lambda k: l * (k > l),
    ):
        of_l = [at(members, of, function(l)) for l in range(most)]
        found += [cut(each, slot, slot + 1) for slot in range(n) for each in of_l]
    logarithms = at(members, of, d_log_d)
    total = {i: [sum(row) % P] for i, row in logarithms.items()}
    return joined([*found, total])


def breslow(members: Members, d: Vectors, most: int) -> Vectors:
    """[d = 0] of each slot."""
    return at(members, powers(members, d, most), lambda k: int(k == 0))
