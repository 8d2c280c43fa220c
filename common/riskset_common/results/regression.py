"""Fitted regression models, as results have them: coefficients in the covariates' own units, intervals, and tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from riskset_common.results.shown import WHEN_ASKED, Measured, Shown, sized
from riskset_common.results.tests import PrintedTest


@dataclass(frozen=True)
class CoxTerm:
    """One coefficient. NaN where the column is aliased (constant, or a combination of earlier ones, within every stratum)."""

    term: str
    level: str | None
    reference: str | None
    coef: float
    std_err: float
    hazard_ratio: float
    lower: float
    upper: float
    z: float
    p_value: float
    aliased: bool
    monotone: bool


@dataclass(frozen=True)
class FactorLevel:
    """Patients and events behind a level of a factor, of a number with two codes, or behind a cell `x:y` of an interaction `a:b`."""

    term: str
    level: str
    n: Shown[int]
    events: Shown[int]


@dataclass(frozen=True)
class LogLikelihood:
    """The log partial likelihood at coefficients of zero, and at the maximum."""

    null: float
    fitted: float


@dataclass(frozen=True)
class CoxTests:
    """Tests of the whole model, Wald tests of each term over all its levels, and the likelihood-ratio test of all interactions."""

    wald: PrintedTest
    score: PrintedTest
    likelihood_ratio: PrintedTest
    terms: Mapping[str, PrintedTest]
    interaction: PrintedTest | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class RobustVariance:
    """By what the variances are clustered, and the standard errors that the information alone gives, in the order of the terms.

    `clusters` are the sites that bear on the coefficients, where these are the clusters.
    """

    clustered_by: str
    naive_std_err: tuple[float, ...]
    clusters: int | None = field(metadata=WHEN_ASKED)


@dataclass(frozen=True)
class ProportionalityTest:
    """Tests that the coefficients do not change with the transformed time: of each term, and of all together."""

    transform: str
    terms: Mapping[str, PrintedTest]
    global_test: PrintedTest


@dataclass(frozen=True)
class HazardRow:
    """The cumulative hazard of a stratum at a time."""

    stratum: Mapping[str, str]
    time: float
    cumulative_hazard: float
    std_err: float


@dataclass(frozen=True)
class PrintedHazard:
    """The baseline hazard and the values of the numbers that it belongs to."""

    numbers: Mapping[str, float]
    rows: tuple[HazardRow, ...]


@dataclass(frozen=True)
class FittedModel(Measured):
    """A fitted model of hazards. `covariance` has shape (n_terms, n_terms), in the order of `terms`."""

    kind: str
    endpoint: str
    cause: str | None = field(metadata=WHEN_ASKED)
    n: Shown[int]
    events: Shown[int]
    missing: Shown[int]
    ties: str
    strata: tuple[str, ...]
    level: float
    iterations: int
    convergence: str
    converged: bool
    terms: tuple[CoxTerm, ...]
    levels: Shown[tuple[FactorLevel, ...]]
    covariance: tuple[tuple[float, ...], ...]
    log_likelihood: LogLikelihood
    tests: CoxTests
    warnings: tuple[str, ...]
    penalty: str | None = field(metadata=WHEN_ASKED)
    offset: str | None = field(metadata=WHEN_ASKED)
    robust: RobustVariance | None = field(metadata=WHEN_ASKED)
    ph_test: ProportionalityTest | None = field(metadata=WHEN_ASKED)
    baseline_hazard: PrintedHazard | None = field(metadata=WHEN_ASKED)

    def lengths(self) -> Iterator[tuple[str, int, int]]:
        """One row and column of the covariance, and one robust standard error, a term."""
        by_row = {f"covariance[{index}]": row for index, row in enumerate(self.covariance)}
        naive = None if self.robust is None else self.robust.naive_std_err
        for name, length in sized(covariance=self.covariance, naive_std_err=naive, **by_row):
            yield name, length, len(self.terms)

    def names(self) -> Iterator[tuple[str, Collection[str], Iterable[str]]]:
        """Of each term its Wald test."""
        yield "tests.terms", self.tests.terms, (term.term for term in self.terms)


@dataclass(frozen=True)
class CoxResult(FittedModel):
    """A fitted Cox model.

    If rounded numbers are released, score and information at coefficients of 0 were opened to `decimals`, and `ties_at_most` bounds the
    events on one day, if they are told apart.
    """

    decimals: int | None = field(default=None, metadata=WHEN_ASKED)
    ties_at_most: int | None = field(default=None, metadata=WHEN_ASKED)


@dataclass(frozen=True)
class FineGrayResult(FittedModel):
    """A fitted model; `hazard_ratio` is of the subdistribution hazard, and `events` are of the cause."""

    competing: Shown[int]
    censoring: str
