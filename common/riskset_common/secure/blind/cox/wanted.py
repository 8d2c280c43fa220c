"""The further requests of a blind model: the test of proportional hazards, and the baseline hazard at a few times."""

from __future__ import annotations

import decimal
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.formats.json_values import Json
from riskset_common.secure.blind.cox.guards import require_wide_blocks
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.proportionality import Transform

G_BITS = 40
EXACT_BITS, LEAST_BITS = 50, 8
FURTHEST = 1024.0
"""A covariate at which the hazard is wanted lies within so many half ranges of the middle of its range."""


@dataclass(frozen=True)
class WantedPhTest:
    """The score test against g(t), see `regression.proportionality`.

    Attributes
    ----------
    transform
        Which g.
    times
        g of the time of each slot, length n_slots. Each party computes them for itself from what is public of the cohort: one that
        took them from somebody else would let him choose a g that singles out an event time.
    """

    transform: Transform
    times: tuple[float, ...]

    def check(self, slot_times: Sequence[float]) -> None:
        """Raise unless g grows with time, and is what its name says where the slots' times tell."""
        if len(self.times) != len(slot_times) or not all(map(math.isfinite, self.times)):
            raise ProtocolRefusal(
                "The test of proportional hazards needs one finite transformed time for each event time."
            )
        pairs = sorted(set(zip(slot_times, self.times, strict=True)))
        grows = all(a < b and g <= h for (a, g), (b, h) in itertools.pairwise(pairs))
        if not grows or min(self.times) == max(self.times):
            raise ProtocolRefusal(
                "The test of proportional hazards needs transformed times that grow with time, the same in every stratum, and two "
                "that differ."
            )
        known = {"identity": identity_times, "log": log_times}.get(self.transform)
        # A time of 0 has no logarithm; which one it is given is agreed elsewhere.
        pairs = [pair for pair in pairs if pair[0] > 0 or self.transform == "identity"]
        if known is not None and known([time for time, _ in pairs]) != tuple(g for _, g in pairs):
            raise ProtocolRefusal(
                f"The transformed times are not the {self.transform} of the event times."
            )

    @property
    def whole(self) -> list[int]:
        """(g - least g)/(range of g) of each slot as whole numbers of 2^-40, at most 2^40; the test is the same."""
        g = np.array(self.times)
        low, high = float(g.min()), float(g.max())
        scaled = np.rint((g - low) / (high - low) * float(1 << G_BITS))
        return [int(each) for each in scaled.tolist()]

    @property
    def scaled(self) -> FloatArray:
        """The same as doubles between 0 and 1, exactly."""
        return np.array(self.whole, dtype=np.float64) / float(1 << G_BITS)

    def to_json(self) -> dict[str, Json]:
        """The request as a mapping."""
        return {"transform": self.transform, "times": list(self.times)}


def identity_times(slot_times: Sequence[float]) -> tuple[float, ...]:
    """g(t) = t."""
    return tuple(slot_times)


def log_times(slot_times: Sequence[float], least: float = 0.0) -> tuple[float, ...]:
    """g(t) = log t, rounded correctly and so to the same bits on every machine, for the parties compare their models by hash.

    A time before `least` is taken for it, half a step of a time grid for instance; a logarithm of 0 is refused.
    """
    times = [max(time, least) for time in slot_times]
    if min(times) <= 0:
        raise EstimationError(
            "The logarithm of a time of 0 does not exist. Test proportional hazards against km, rank or identity."
        )
    context = decimal.Context(prec=30)
    return tuple(float(context.ln(decimal.Decimal(time))) for time in times)


class Block(NamedTuple):
    """What a cumulative hazard adds up: the slots from `start` to before `end` of a stratum, up to a time."""

    stratum: int
    time: float
    start: int
    end: int


@dataclass(frozen=True)
class WantedHazard:
    """The cumulative baseline hazard of each stratum at agreed times.

    Attributes
    ----------
    times
        In order; few of them, and far enough apart, see `guards.require_wide_blocks`.
    at
        The covariates to which it belongs, in the columns' own units, length p: all 0 for the reference levels.
    bits
        Fractional bits of it that are opened: 50 where the plan releases exact numbers, for validation on public data. Else at most
        half as many as each block has events: a pattern of covariates in the block then cannot be told from others. What is opened
        errs by up to 3, 10 or 5 in its last bit, with the committees of `committee.PRESETS`.
    """

    times: tuple[float, ...]
    at: tuple[float, ...]
    bits: int = EXACT_BITS

    def check(
        self, slot_strata: Sequence[int], slot_times: Sequence[float], deaths: Sequence[int]
    ) -> None:
        """Raise unless the times are few, in order, and part the events into blocks that are wide enough."""
        if list(self.times) != sorted(set(self.times)) or not all(map(math.isfinite, self.times)):
            raise ProtocolRefusal(
                "The times of a baseline hazard must be listed once each, in order."
            )
        if not LEAST_BITS <= self.bits <= EXACT_BITS:
            raise ProtocolRefusal(
                f"Between {LEAST_BITS} and {EXACT_BITS} bits of a baseline hazard can be opened, "
                f"but {self.bits} were asked."
            )
        begin, apart = 0, []
        for block in self.blocks(slot_strata, slot_times):
            begin = max(begin, block.start)
            apart.append((sum(deaths[begin : block.end]), block.end - begin))
            begin = block.end
        exact = self.bits == EXACT_BITS
        require_wide_blocks(len(self.times), apart, 0 if exact else 2 * self.bits)

    @property
    def variance_bits(self) -> int:
        """Fractional bits of the variance that are opened; it is the smaller number."""
        return self.bits + 2 + self.bits // 4

    def blocks(self, slot_strata: Sequence[int], slot_times: Sequence[float]) -> list[Block]:
        """One block for each stratum and time."""
        strata, times = np.array(slot_strata), np.array(slot_times)
        blocks = []
        for stratum in np.unique(strata).tolist():
            start, end = np.searchsorted(strata, [stratum, stratum + 1]).tolist()
            until = start + np.searchsorted(times[start:end], self.times, side="right")
            blocks += [
                Block(stratum, time, start, int(stop))
                for time, stop in zip(self.times, until, strict=True)
            ]
        return blocks

    def to_json(self) -> dict[str, Json]:
        """The request as a mapping."""
        return {"times": list(self.times), "at": list(self.at), "bits": self.bits}
