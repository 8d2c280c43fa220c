"""Sums over risk sets, and over a patient's time at risk, by additions alone.

The distinct event times of all strata are numbered as slots, stratum after stratum, within a stratum from the latest time to the
earliest. A patient is at risk in the slots first..last of one stratum: `first` is the latest event time not after the patient's
own time, `last` the stratum's earliest, or the first after the patient's entry. Two sums are wanted, each the other's transpose:

    over_risk_sets       S_k = sum of v_i over the patients i with first_i <= k <= last_i
    over_time_at_risk    A_i = sum of a_k over the slots k with first_i <= k <= last_i

Taking the difference of two running totals would be the obvious way to leave out other strata and patients who have not entered,
but the digits of a small risk set drown in a large total. Here nothing is ever subtracted, so that every sum is as accurate as if
its risk set were the only one:

- Without entry `last` is the stratum's last slot, and S is a running total within the stratum: of one stratum after the other where
  they are long, of all others at once by adding to each slot its neighbour at distance 1, 2, 4, .. (Hillis and Steele 1986).
- Otherwise the slots are cut in halves again and again. An interval that is longer than a slot is split by the middle m of
  exactly one block of 2^level slots: to its left the patient is at risk from `first` to the end of the left half, to its right
  from the beginning of the right half to `last`. Both are running totals within half a block. Patients are binned once to
  each side, whatever the level (the idea is that of the disjoint sparse table).

References
----------
Hillis WD, Steele GL (1986), Commun ACM 29:1170.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from riskset_common.survival.arrays.shapes import FloatArray, IntArray, run_starts

_LONG_STRATUM = 256
"""From this many slots on a stratum is worth a step of a Python loop."""


@dataclass(frozen=True, eq=False)
class RunningTotals:
    """Risk sets without entry.

    Attributes
    ----------
    first
        First slot of each row, ascending, shape (n_rows,). Every slot is the first of some row: of the one who dies there.
    slot_rows
        Where the rows of each slot begin, shape (n_slots,).
    long_strata
        First slot of each long stratum, and the slot after its last.
    distances
        Distance 1, 2, 4, .., and the slots of short strata that have a neighbour so far before them, shape (m,) each.
    """

    first: IntArray
    slot_rows: IntArray
    long_strata: tuple[tuple[int, int], ...]
    distances: tuple[tuple[int, IntArray], ...]

    def over_risk_sets(self, values: FloatArray) -> FloatArray:
        """Sum over the risk set of every slot; values of shape (q, n_rows), sums of shape (q, n_slots)."""
        sums = np.add.reduceat(values, self.slot_rows, axis=1)
        for begin, end in self.long_strata:
            np.cumsum(sums[:, begin:end], axis=1, out=sums[:, begin:end])
        for distance, slots in self.distances:
            sums[:, slots] += sums[:, slots - distance]
        return sums

    def over_time_at_risk(self, values: FloatArray) -> FloatArray:
        """Sum over the time at risk of every row; values of shape (n_slots,), sums of shape (n_rows,)."""
        sums = values.copy()
        for begin, end in self.long_strata:
            sums[begin:end] = _suffix_sums(values[begin:end])
        for distance, slots in self.distances:
            sums[slots - distance] += sums[slots]
        return sums[self.first]


@dataclass(frozen=True, eq=False)
class Side:
    """The rows of one level, sorted by the slot at which their part of one half begins or ends.

    Attributes
    ----------
    rows
        Row numbers, shape (m,).
    starts
        Where the rows of each slot begin in `rows`, shape (n_bins,).
    slots
        The slot of each bin, shape (n_bins,).
    """

    rows: IntArray
    starts: IntArray
    slots: IntArray

    def binned(self, values: FloatArray) -> FloatArray:
        """Sum of values, shape (q, n_rows), in each bin, shape (q, n_bins)."""
        return np.add.reduceat(values[:, self.rows], self.starts, axis=1)


@dataclass(frozen=True, eq=False)
class HalvedBlocks:
    """Risk sets of any intervals of slots.

    Attributes
    ----------
    first, last
        First and last slot of each row, shape (n_rows,).
    n_slots
        Number of slots.
    sides
        Level, and the rows of that level by `first`, to the left of a middle, and by `last`, to the right of it. The level
        is 0 where first is last (then the left alone counts), otherwise 2^level is the size of the block that is split.
    """

    first: IntArray
    last: IntArray
    n_slots: int
    sides: tuple[tuple[int, Side, Side], ...]

    def over_risk_sets(self, values: FloatArray) -> FloatArray:
        """Sum over the risk set of every slot; values of shape (q, n_rows), sums of shape (q, n_slots)."""
        size = _power_of_two(self.n_slots)
        sums = np.zeros((len(values), size))
        for level, left, right in self.sides:
            bins = np.zeros_like(sums)
            bins[:, left.slots] = left.binned(values)
            if level == 0:
                sums += bins
                continue
            bins[:, right.slots] = right.binned(values)
            halves = bins.reshape(len(values), -1, 2, 2 ** (level - 1))
            parts = sums.reshape(halves.shape)
            parts[:, :, 0] += np.cumsum(halves[:, :, 0], axis=-1)
            parts[:, :, 1] += _suffix_sums(halves[:, :, 1])
        return sums[:, : self.n_slots]

    def over_time_at_risk(self, values: FloatArray) -> FloatArray:
        """Sum over the time at risk of every row; values of shape (n_slots,), sums of shape (n_rows,)."""
        padded = np.zeros(_power_of_two(self.n_slots))
        padded[: self.n_slots] = values
        sums = np.empty(len(self.first))
        for level, rows, _ in self.sides:
            first, last = self.first[rows.rows], self.last[rows.rows]
            if level == 0:
                sums[rows.rows] = padded[first]
                continue
            halves = padded.reshape(-1, 2, 2 ** (level - 1))
            parts = np.empty_like(halves)
            parts[:, 0] = _suffix_sums(halves[:, 0])
            np.cumsum(halves[:, 1], axis=-1, out=parts[:, 1])
            sums[rows.rows] = parts.ravel()[first] + parts.ravel()[last]
        return sums


RiskSets = RunningTotals | HalvedBlocks


class SumsOverRiskSets(Protocol):
    """Anything that has the two sums, each the other's transpose."""

    def over_risk_sets(self, values: FloatArray) -> FloatArray:
        """Values of shape (q, n_rows), sums of shape (q, n_slots)."""
        ...

    def over_time_at_risk(self, values: FloatArray) -> FloatArray:
        """Values of shape (n_slots,), sums of shape (n_rows,)."""
        ...


def risk_sets(first: IntArray, last: IntArray, strata: IntArray) -> RiskSets:
    """Choose how the sums over risk sets are made.

    Parameters
    ----------
    first, last
        First and last slot of each row, `first` ascending and every slot in it, shape (n_rows,).
    strata
        Where the slots of each stratum begin, and the number of slots at the end, shape (n_strata + 1,).
    """
    sizes = np.diff(strata)
    if bool(np.all(last == np.repeat(strata[1:] - 1, sizes)[first])):
        return _running_totals(first, strata, sizes)
    level = np.frexp((first ^ last).astype(np.float64))[1]  # the number of binary digits
    sides = []
    for each in np.unique(level):
        rows = np.flatnonzero(level == each)
        sides.append((int(each), _side(rows, first), _side(rows, last)))
    return HalvedBlocks(first, last, int(strata[-1]), tuple(sides))


def _running_totals(first: IntArray, strata: IntArray, sizes: IntArray) -> RunningTotals:
    """Part the strata into long and short ones."""
    long = sizes >= _LONG_STRATUM
    longest_short = int(sizes[~long].max(initial=0))
    position = np.arange(strata[-1]) - np.repeat(strata[:-1], sizes)
    position[np.repeat(long, sizes)] = 0
    distances = [2**i for i in range(max(longest_short - 1, 0).bit_length())]
    return RunningTotals(
        first=first,
        slot_rows=run_starts(first),
        long_strata=tuple(zip(strata[:-1][long].tolist(), strata[1:][long].tolist(), strict=True)),
        distances=tuple((each, np.flatnonzero(position >= each)) for each in distances),
    )


def _side(rows: IntArray, slot: IntArray) -> Side:
    """Sort the rows of one level by a slot of theirs."""
    rows = rows[np.argsort(slot[rows], kind="stable")]
    starts = run_starts(slot[rows])
    return Side(rows, starts, slot[rows][starts])


def _suffix_sums(values: FloatArray) -> FloatArray:
    """Running totals from the end of the last axis."""
    return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]


def _power_of_two(size: int) -> int:
    """The least power of two that is not below `size`."""
    return 1 << max(size - 1, 0).bit_length()
