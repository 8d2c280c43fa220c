"""One wave of programs on shares: what they ask for is computed, opened together, and checked against its public bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.release.program import Among, Ask, Opened
from riskset_common.secure.blind.arithmetic.field import LIMBS, Elements, from_int64, to_integers
from riskset_common.secure.blind.arithmetic.parts import Revealed
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Opening, Steps
from riskset_common.secure.blind.arithmetic.zero_test import any_zero, openings_of_zero_test
from riskset_common.secure.blind.expressions.bounds import Interval
from riskset_common.secure.blind.expressions.evaluation import SLICE, evaluate
from riskset_common.secure.blind.expressions.hidden import Hidden, Stepped, as_hidden
from riskset_common.survival.arrays.shapes import IntArray

_OPENED = Interval(-math.nextafter(2.0**62, 0.0), math.nextafter(2.0**62, 0.0))


def answered_on_shares(
    arithmetic: Arithmetic, asks: Sequence[Ask], slice_size: int = SLICE
) -> Opening[list[Opened]]:
    """What each ask gives, in their order. Run by every committee member; names and shapes of the asks go into all labels.

    Raises
    ------
    ProtocolRefusal
        If an opened number lies outside of its public bounds, as a bit that is not 0 or 1: the shares are not what they should be.
    """
    arithmetic.bind(H(b"wave", *(_named(ask) for ask in asks)))
    answers = [_tested(ask) if isinstance(ask, Among) else _revealed(ask) for ask in asks]
    wanted = [node for answer in answers for node in answer.nodes]
    opened = iter((yield from evaluate(arithmetic, wanted, slice_size)))
    return [answer.of([next(opened) for _ in answer.nodes]) for answer in answers]


@dataclass(frozen=True, eq=False)
class _Answer:
    """Nodes of which the shares are public numbers, and the places of these numbers in the answer."""

    name: str
    shape: tuple[int, ...]
    nodes: tuple[Hidden, ...]
    places: tuple[IntArray, ...]

    def of(self, opened: Sequence[Elements]) -> Opened:
        """The answer, shape `shape`; 0 where nothing had to be opened."""
        found = np.zeros(int(np.prod(self.shape, dtype=np.int64)), np.int64)
        for node, places, elements in zip(self.nodes, self.places, opened, strict=True):
            numbers = to_integers(elements)
            lowest, highest = node.interval.lowest, node.interval.highest
            if not all(lowest <= number <= highest for number in numbers):
                raise ProtocolRefusal(
                    f"{self.name}: what was opened lies outside of its public bounds. Members were given different shares, or a site's "
                    "numbers are not what it declared. The computation stops here. Start a new session."
                )
            found[places] = numbers
        return found.reshape(self.shape)


def _named(ask: Ask) -> bytes:
    bounds = b""
    if isinstance(ask, Among):
        both = np.stack(np.broadcast_arrays(np.asarray(ask.lowest), np.asarray(ask.highest)))
        bounds = H(u32(*both.shape), both.astype("<i8").tobytes())
    return H(type(ask).__name__.encode(), ask.name.encode(), u32(*ask.x.shape), bounds)


def _whole_numbers(ask: Ask) -> Hidden:
    x = as_hidden(ask.x)
    if x.real:
        raise TypeError(f"{ask.name}: only whole numbers are opened.")
    return x


def _revealed(ask: Ask) -> _Answer:
    x = _whole_numbers(ask)

    def steps(_: Arithmetic, shares: Sequence[Elements]) -> Steps[Elements]:
        (opened,) = yield [Revealed(shares[0])]
        return opened

    # An ask says that its numbers are below 2^62; what the arithmetic knows of them may be less.
    interval = x.interval.within(_OPENED)
    node = Hidden(x.shape, 0, interval, Stepped((x,), 1, steps), public=True)
    places = np.arange(x.size, dtype=np.int64)
    return (
        _Answer(ask.name, x.shape, (node,), (places,))
        if x.size
        else _Answer(ask.name, x.shape, (), ())
    )


def _tested(ask: Among) -> _Answer:
    """Rows of as many factors x - i are tested together; a row without factors is answered without a test."""
    x = _whole_numbers(ask)
    lowest, highest = (np.broadcast_to(each, x.shape) for each in (ask.lowest, ask.highest))
    counts = np.maximum(highest - lowest + 1, 0)
    place = np.repeat(np.arange(x.size, dtype=np.int64), counts.ravel())
    ends = np.cumsum(counts.ravel())
    before = np.repeat(ends - counts.ravel(), counts.ravel())
    values = np.repeat(lowest.ravel(), counts.ravel()) + np.arange(len(place)) - before
    width = x.shape[-1]
    n_factors = counts.reshape(-1, width).sum(axis=1) if width else np.zeros(0, np.int64)
    begins = np.cumsum(n_factors) - n_factors
    nodes, places = [], []
    for n in np.unique(n_factors[n_factors > 0]).tolist():
        rows = np.flatnonzero(n_factors == n)
        at = begins[rows][:, np.newaxis] + np.arange(n)
        nodes.append(_any_zero(x.reshape(-1)[place[at]] - values[at]))
        places.append(rows)
    return _Answer(ask.name, x.shape[:-1], tuple(nodes), tuple(places))


def _any_zero(factors: Hidden) -> Hidden:
    """Whether some number of each row is 0, shape (rows,): public."""
    rows, n = factors.shape

    def steps(arithmetic: Arithmetic, shares: Sequence[Elements]) -> Steps[Elements]:
        found = yield from any_zero(arithmetic, shares[0].reshape(LIMBS, rows, n))
        return from_int64(found.astype(np.int64))

    recipe = Stepped((factors,), openings_of_zero_test(n), steps)
    return Hidden((rows,), 0, Interval(0.0, 1.0), recipe, public=True)
