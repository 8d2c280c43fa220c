"""The public half of a blind Cox model whose risk sets cross sites, and how a site's numbers are laid out.

Its slots are pairs of a stratum and a day. Either the deaths at each slot are public, as the steps of a printed Kaplan-Meier curve are;
then every slot has some. Or the slots are the days on which some event of some endpoint falls, in every stratum, and the deaths are on
shares: 0 to `ties` of them at each slot, by a public bound.

Efron's approximation takes the d deaths of a slot in turn, l = 0..d-1, out of the risk set, and Breslow's takes all at once:

    Efron      one term for each death,  A = d S0 - l D0, weight 1
    Breslow    one term for each slot,   A = S0,          weight d

A and the like for S1 and S2 are the sums of the partial likelihood times the whole number d, so that no share is divided. Where deaths
are hidden, Efron's terms are l = 0..ties-1 at every slot, and those with d <= l must add nothing, see `hidden_deaths.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.formats.json_values import Json
from riskset_common.secure.blind.cox.columns import ModelOfColumns
from riskset_common.secure.blind.cox.wanted import FURTHEST, WantedHazard, WantedPhTest
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

MOST_TIES = 127
"""Deaths at one slot, where they are hidden: as many powers of them are computed at every slot."""


@dataclass(frozen=True)
class HiddenDeaths:
    """Deaths that are on shares: at each slot a whole number from 0 to `ties`, a bound that is public and proved."""

    ties: int


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of the partial likelihood, in the order of slots; each an array of shape (n_terms,).

    Attributes
    ----------
    slot
        The slot of each term.
    factor, taken
        d and l in A = d S0 - l D0; where deaths are hidden, the largest d.
    weight
        How often the term counts; 1 where deaths are hidden.
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
class BlindModel(ModelOfColumns):
    """A pooled Cox model as all parties agree on it.

    Attributes
    ----------
    slot_strata, slot_times
        Stratum and time of each slot, sorted, length n_slots.
    deaths
        The deaths there, length n_slots, or their bound where they are hidden.
    warm_start
        Standardised coefficients to try first after those of 0, the site-stratified fit for instance; None begins with Newton's.
    ph_test, hazard
        What shall be opened besides, once the fit has converged; None opens nothing. Only where deaths are public.
    """

    slot_strata: tuple[int, ...]
    slot_times: tuple[float, ...]
    deaths: tuple[int, ...] | HiddenDeaths
    warm_start: tuple[float, ...] | None = None
    ph_test: WantedPhTest | None = None
    hazard: WantedHazard | None = None

    def __post_init__(self) -> None:
        slots = list(zip(self.slot_strata, self.slot_times, strict=True))
        if not slots or slots != sorted(set(slots)):
            raise ProtocolRefusal(
                "A blind model needs at least one event time, and each stratum's event times once and in order."
            )
        if isinstance(self.deaths, HiddenDeaths):
            self._check_hidden(self.deaths)
        else:
            self._check_public(self.deaths)
        if self.warm_start is not None and self.convergence == "r":
            raise ProtocolRefusal(
                "R's rule of convergence counts iterations from 0; a model under it takes no warm start."
            )
        if self.warm_start is not None and len(self.warm_start) != len(self.lower):
            raise ProtocolRefusal("A blind model needs one range, and one start, for each column.")
        super().__post_init__()
        self._check_wanted()

    def _check_public(self, deaths: tuple[int, ...]) -> None:
        if len(deaths) != len(self.slot_times) or min(deaths) < 1:
            raise ProtocolRefusal("Each event time of a blind model needs at least one death.")
        if self.n_patients < sum(deaths):
            raise ProtocolRefusal("A blind model cannot have more deaths than patients.")

    def _check_hidden(self, deaths: HiddenDeaths) -> None:
        if not 1 <= deaths.ties <= MOST_TIES:
            raise ProtocolRefusal(
                f"On one day up to {deaths.ties} deaths may fall; a model whose deaths are hidden takes 1 to {MOST_TIES}. Choose a finer "
                "grid of time."
            )
        if not self.has_few_digits or self.ph_test is not None or self.hazard is not None:
            raise ProtocolRefusal(
                "A model whose deaths are hidden opens few digits of its fit, and nothing besides."
            )

    def _check_wanted(self) -> None:
        if self.ph_test is not None:
            self.ph_test.check(self.slot_times)
        if self.hazard is not None and not isinstance(self.deaths, HiddenDeaths):
            self.hazard.check(self.slot_strata, self.slot_times, self.deaths)
            if len(self.hazard.at) != self.n_columns:
                raise ProtocolRefusal("A baseline hazard needs one covariate for each column.")
            # Written so that what is not a number is refused.
            if not bool(np.all(np.abs(self.hazard_at) <= FURTHEST)):
                raise ProtocolRefusal(
                    "A baseline hazard is wanted at covariates far outside of the declared ranges. Choose values within them."
                )

    @property
    def most_ties(self) -> int:
        """The most deaths at one slot, by what is public."""
        return self.deaths.ties if isinstance(self.deaths, HiddenDeaths) else max(self.deaths)

    @property
    def most_events(self) -> int:
        """Deaths at all slots, or a public bound of them."""
        if isinstance(self.deaths, HiddenDeaths):
            return min(self.n_patients, self.deaths.ties * self.n_slots)
        return sum(self.deaths)

    @property
    def weights_are_hidden(self) -> bool:
        """Whether terms count as often as there are deaths, and these are hidden."""
        return isinstance(self.deaths, HiddenDeaths) and self.ties == "breslow"

    @property
    def n_slots(self) -> int:
        """Pairs of a stratum and an event time in it."""
        return len(self.slot_times)

    @cached_property
    def terms(self) -> Terms:
        """The terms, and the slots at which deaths must be told from the others at risk."""
        every = np.arange(self.n_slots)
        if isinstance(self.deaths, HiddenDeaths):
            return _hidden_terms(every, self.deaths.ties if self.ties == "efron" else 1)
        d = np.array(self.deaths, dtype=np.int64)
        if self.ties == "breslow":
            one, none = np.ones_like(d), np.zeros_like(d)
            return Terms(every, one, none, d, none[:0], none)
        slot = np.repeat(every, d)
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
        deaths: dict[str, Json]
        if isinstance(self.deaths, HiddenDeaths):
            deaths = {"ties_at_most": self.deaths.ties}
        else:
            deaths = {"deaths": list(self.deaths)}
        return (
            wanted
            | super().to_json()
            | deaths
            | {
                "slot_strata": list(self.slot_strata),
                "slot_times": list(self.slot_times),
                "warm_start": None if self.warm_start is None else list(self.warm_start),
            }
        )


def _hidden_terms(every: IntArray, ties: int) -> Terms:
    """The terms l = 0..ties-1 of every slot."""
    slot, taken = np.repeat(every, ties), np.tile(np.arange(ties), len(every))
    one = np.ones_like(slot)
    tied = every if ties > 1 else every[:0]
    return Terms(slot, one * ties, taken, one, tied, slot if ties > 1 else np.zeros_like(slot))
