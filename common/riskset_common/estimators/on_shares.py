"""A model that is computed on shares: what everybody knows of it, a site's rows of it, and what comes back.

The kinds of analysis that have such a model write and read these; those who compute know no kind of analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskset_common.errors import EstimationError
from riskset_common.release.times import LeavingTimes
from riskset_common.study.patients import EndpointTimes, Integers, Reals
from riskset_common.survival.regression.cox import Ties
from riskset_common.survival.regression.newton import Convergence, CoxFit
from riskset_common.survival.regression.proportionality import TimeScores, Transform


@dataclass(frozen=True)
class HazardEntries:
    """What was computed: stratum by code, place among the times, cumulative hazard and standard error, shape (n_entries,) each."""

    stratum: Integers
    place: Integers
    cumulative: Reals
    std_err: Reals


@dataclass(frozen=True)
class BlindQuestion:
    """What everybody knows of a blind model.

    Attributes
    ----------
    columns
        Which of the analysis's columns it has.
    ties, convergence, max_iterations
        As in `survival.regression.cox` and `survival.regression.newton`.
    n_patients, n_events
        Over all sites.
    lower, upper
        The range of each column, from 0..1 of factors and the codebook's range of numbers.
    slot_strata, slot_times, deaths
        Stratum and step of the time grid of each event time, in order, and the deaths there.
    ph_test
        The function of time against which proportional hazards are tested.
    transformed
        Its value at each event time, where that follows from the pooled counts and not from the time.
    hazard_steps, hazard_at
        Steps up to which the baseline hazard is wanted, and the value of each column it belongs to; none where there are no steps.
    """

    columns: tuple[int, ...]
    ties: Ties
    convergence: Convergence
    max_iterations: int
    n_patients: int
    n_events: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    slot_strata: tuple[int, ...]
    slot_times: tuple[int, ...]
    deaths: tuple[int, ...]
    ph_test: Transform | None = None
    transformed: tuple[float, ...] = ()
    hazard_steps: tuple[int, ...] = ()
    hazard_at: tuple[float, ...] = ()


@dataclass(frozen=True)
class RoundedQuestion:
    """What everybody knows of a model of a plan that releases rounded numbers.

    Attributes
    ----------
    columns, ties, max_iterations, lower, upper
        As of `BlindQuestion`.
    n_patients
        Over all sites.
    decimals
        To how many decimals score and information at coefficients of 0 are opened.
    slot_strata, slot_times
        Strata and days on which there may be deaths, in order; none if risk sets lie within sites.
    deaths
        What counts them, by stratum and day; None if risk sets lie within sites.
    ties_at_most
        A bound of the deaths on one day of a stratum, if one was opened.
    """

    columns: tuple[int, ...]
    ties: Ties
    max_iterations: int
    n_patients: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    decimals: int
    slot_strata: tuple[int, ...]
    slot_times: tuple[int, ...]
    deaths: LeavingTimes | None
    ties_at_most: int | None


@dataclass(frozen=True)
class BlindCohort:
    """One site's rows of a blind model: times, all columns of the design, shape (n, p), strata and offset, shape (n,)."""

    times: EndpointTimes
    x: Reals
    stratum: Integers
    offset: Reals | None


@dataclass(frozen=True)
class BlindFit:
    """A fit of columns that were divided by 2^exponent, which has shape (p,), after being shifted; the others where they were opened."""

    fit: CoxFit
    exponent: tuple[int, ...]
    times: TimeScores | None = None
    hazard: HazardEntries | None = None


@dataclass(frozen=True)
class NoFit:
    """Why a model was not computed on shares, or not to its end: a sentence."""

    why: str


Fits = Mapping[str, Mapping[str, BlindFit] | NoFit]
"""The fits on shares of what each part of an analysis asked; the part of an analysis by itself has no name."""


def fits_of_model(fits: Fits) -> Mapping[str, BlindFit]:
    """The fits of an analysis that is one model.

    Raises
    ------
    EstimationError
        Where it has none; the message says why.
    """
    own = fits[""]
    if isinstance(own, NoFit):
        raise EstimationError(own.why)
    return own
