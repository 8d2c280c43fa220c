"""The public half of a blind Cox model: everything that all parties know before they begin, and how a site's numbers are laid out.

Event times and the number of deaths at each are public here: they are the steps of a printed Kaplan-Meier curve. Covariates are
standardised by public constants, x' = (x - centre) 2^-exponent with |x'| <= 1, which changes the coefficients by a power of two and
nothing else.

Efron's approximation takes the d deaths of a time in turn, l = 0..d-1, out of the risk set, and Breslow's takes all at once:

    Efron      one term for each death,  A = d S0 - l D0, weight 1
    Breslow    one term for each time,   A = S0,          weight d

A and the like for S1 and S2 are the sums of the partial likelihood times the whole number d, so that no share is divided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskset_common.errors import DataError, ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.formats.json_values import Json
from riskset_common.primitives.hashing import H
from riskset_common.secure.blind.cox.wanted import FURTHEST, WantedHazard, WantedPhTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.survival.regression.cox import Ties
from riskset_common.survival.regression.newton import Convergence


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of the partial likelihood, in the order of slots; each an array of shape (n_terms,).

    Attributes
    ----------
    slot
        The slot of each term.
    factor, taken
        d and l in A = d S0 - l D0.
    weight
        How often the term counts.
    tied
        Slots whose D is needed, shape (n_tied,).
    tied_place
        Position of a term's slot among those; 0 where nothing is taken.
    """

    slot: IntArray
    factor: IntArray
    taken: IntArray
    weight: IntArray
    tied: IntArray
    tied_place: IntArray


@dataclass(frozen=True)
class BlindModel:
    """A pooled Cox model as all parties agree on it.

    Attributes
    ----------
    analysis
        The plan's name for it.
    ties, convergence, max_iterations
        As in `survival.regression.cox` and `survival.regression.newton`.
    n_patients
        N, patients analysed at all sites together.
    lower, upper
        The range of each column that the plan or codebook declares, length p.
    slot_strata, slot_times, deaths
        Stratum and time of each slot, sorted, and the deaths there, length n_slots.
    warm_start
        Standardised coefficients to try first after those of 0, the site-stratified fit for instance; None begins with Newton's.
    ph_test, hazard
        What shall be opened besides, once the fit has converged; None opens nothing.
    """

    analysis: str
    ties: Ties
    convergence: Convergence
    max_iterations: int
    n_patients: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    slot_strata: tuple[int, ...]
    slot_times: tuple[float, ...]
    deaths: tuple[int, ...]
    warm_start: tuple[float, ...] | None = None
    ph_test: WantedPhTest | None = None
    hazard: WantedHazard | None = None

    def __post_init__(self) -> None:
        slots = list(zip(self.slot_strata, self.slot_times, strict=True))
        if not slots or slots != sorted(set(slots)):
            raise ProtocolRefusal(
                "A blind model needs at least one event time, and each stratum's event times once and in order."
            )
        if len(self.deaths) != len(slots) or min(self.deaths) < 1:
            raise ProtocolRefusal("Each event time of a blind model needs at least one death.")
        if self.n_patients < self.n_events:
            raise ProtocolRefusal("A blind model cannot have more deaths than patients.")
        if self.warm_start is not None and self.convergence == "r":
            raise ProtocolRefusal(
                "R's rule of convergence counts iterations from 0; a model under it takes no warm start."
            )
        warm = len(self.lower) if self.warm_start is None else len(self.warm_start)
        if not len(self.lower) == len(self.upper) == warm or not self.lower:
            raise ProtocolRefusal("A blind model needs one range, and one start, for each column.")
        for low, high in zip(self.lower, self.upper, strict=True):
            if not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ProtocolRefusal(
                    "A column's range must be two finite numbers in order. State it in the codebook."
                )
        self._check_wanted()

    def _check_wanted(self) -> None:
        if self.ph_test is not None:
            self.ph_test.check(self.slot_times)
        if self.hazard is not None:
            self.hazard.check(self.slot_strata, self.slot_times, self.deaths)
            if len(self.hazard.at) != self.n_columns:
                raise ProtocolRefusal("A baseline hazard needs one covariate for each column.")
            # Written so that what is not a number is refused.
            if not bool(np.all(np.abs(self.hazard_at) <= FURTHEST)):
                raise ProtocolRefusal(
                    "A baseline hazard is wanted at covariates far outside of the declared ranges. Choose values within them."
                )

    @property
    def n_columns(self) -> int:
        """p."""
        return len(self.lower)

    @property
    def n_events(self) -> int:
        """Deaths at all slots."""
        return sum(self.deaths)

    @property
    def n_slots(self) -> int:
        """Pairs of a stratum and an event time in it."""
        return len(self.deaths)

    @cached_property
    def centre(self) -> FloatArray:
        """Middle of each range, shape (p,)."""
        return np.array(self.lower) / 2 + np.array(self.upper) / 2

    @cached_property
    def exponent(self) -> IntArray:
        """The power of two that is not below half of each range, shape (p,)."""
        half = np.maximum(np.array(self.upper) - self.centre, self.centre - np.array(self.lower))
        mantissa, exponent = np.frexp(half)
        # frexp gives 1/2 <= mantissa < 1; a half range of 2^e itself needs no more than e.
        return np.where(half > 0, exponent - (mantissa == 0.5), 0).astype(np.int64)

    @cached_property
    def half_range(self) -> FloatArray:
        """The largest |x'| of each column, shape (p,), at most 1."""
        half = np.maximum(np.array(self.upper) - self.centre, self.centre - np.array(self.lower))
        scaled: FloatArray = np.ldexp(half, -self.exponent)
        return scaled

    def standardised(self, x: FloatArray) -> FloatArray:
        """x' of a site's patients, shape (n, p); refused where one lies outside of the declared range."""
        inside = (x >= np.array(self.lower)) & (x <= np.array(self.upper))
        if not bool(np.all(inside)):
            columns = ", ".join(str(column + 1) for column in np.flatnonzero(~inside.all(axis=0)))
            raise DataError(
                f"Model {self.analysis!r}: a patient's value lies outside of the range declared for column "
                f"{columns}. Correct the record, or the range in the codebook."
            )
        scaled: FloatArray = np.ldexp(x - self.centre, -self.exponent)
        return scaled

    @cached_property
    def terms(self) -> Terms:
        """The terms, and the slots at which deaths must be told from the others at risk."""
        d = np.array(self.deaths, dtype=np.int64)
        if self.ties == "breslow":
            one, none = np.ones_like(d), np.zeros_like(d)
            return Terms(np.arange(len(d)), one, none, d, none[:0], none)
        slot = np.repeat(np.arange(len(d)), d)
        taken = np.arange(len(slot)) - np.repeat(np.cumsum(d) - d, d)
        tied = np.flatnonzero(d > 1)
        place = np.zeros(len(d), np.int64)
        place[tied] = np.arange(len(tied))
        return Terms(slot, d[slot], taken, np.ones_like(slot), tied, place[slot])

    @cached_property
    def hazard_at(self) -> FloatArray:
        """The standardised covariates of the baseline hazard, shape (p,); 0 where none is wanted."""
        at = self.centre if self.hazard is None else np.array(self.hazard.at)
        scaled: FloatArray = np.ldexp(at - self.centre, -self.exponent)
        return scaled

    @property
    def n_sums(self) -> int:
        """Columns of a sum over a risk set: of w, w x and the upper triangle of w x x'."""
        p = self.n_columns
        return 1 + p + p * (p + 1) // 2

    @property
    def length(self) -> int:
        """Numbers in a site's input: S at all slots, D at the tied ones, the sum of x over the deaths, that of x g where it is tested."""
        n_events = self.n_columns * (1 if self.ph_test is None else 2)
        return self.n_sums * (self.n_slots + len(self.terms.tied)) + n_events

    def to_json(self) -> dict[str, Json]:
        """The model as a mapping of numbers, texts and lists; what is not wanted besides the fit is left out."""
        further = {"ph_test": self.ph_test, "hazard": self.hazard}
        wanted: dict[str, Json] = {
            name: each.to_json() for name, each in further.items() if each is not None
        }
        return wanted | {
            "analysis": self.analysis,
            "ties": self.ties,
            "convergence": self.convergence,
            "max_iterations": self.max_iterations,
            "n_patients": self.n_patients,
            "lower": list(self.lower),
            "upper": list(self.upper),
            "slot_strata": list(self.slot_strata),
            "slot_times": list(self.slot_times),
            "deaths": list(self.deaths),
            "warm_start": None if self.warm_start is None else list(self.warm_start),
        }

    @cached_property
    def hash(self) -> bytes:
        """32 bytes over all of it."""
        return H(b"blind-model", canonical_json(self.to_json()))
