"""What sites count of the patients whom an analysis follows, by groups: equal for all analyses that follow the same patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from riskset_common.release.facts import Facts, origin_of
from riskset_common.release.release_times import marks_of
from riskset_common.release.times import Cohort, LeavingTimes
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import BUILT_IN
from riskset_common.study.study import Study


def cohort_of(analysis: AnalysisSpec, complete: Iterable[str] = ()) -> Cohort:
    """The patients of an analysis of whom these variables are known; site and study group are known of everybody."""
    return Cohort(
        analysis.population,
        tuple(sorted((name, tuple(levels)) for name, levels in analysis.where.items())),
        tuple(sorted(set(complete) - set(BUILT_IN))),
    )


def leaving_times(
    study: Study,
    facts: Facts,
    cohort: Cohort,
    endpoint: str,
    by: Sequence[str] = (),
    *,
    cause: str | None = None,
    causes: Sequence[str] = (),
) -> LeavingTimes:
    """Patients of a cohort, followed for an endpoint, by the levels of some variables.

    Parameters
    ----------
    cause
        The one kind of event that counts, the others being censorings; None where every kind is the event.
    causes
        Kinds of event that compete and are told apart, in order.
    """
    origin = origin_of(study, endpoint)
    every = study.endpoint(endpoint).events
    kinds = () if cause is None or every == (cause,) else (cause,)
    return LeavingTimes(
        endpoint,
        tuple(causes) or kinds,
        censors=bool(kinds),
        cohort=cohort,
        by=tuple(by),
        days=facts.days[origin].steps,
        marks=marks_of(study, facts, origin),
        left_truncated=study.endpoint(endpoint).entry is not None,
    )
