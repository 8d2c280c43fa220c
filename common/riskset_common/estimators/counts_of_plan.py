"""The counts of patients that the analyses of a plan show, which are one system under a rounded release."""

from __future__ import annotations

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.release.cells import Counts
from riskset_common.release.tables.plan_cells import PlanCells, merged
from riskset_common.study.study import Study


def with_words(study: Study) -> Study:
    """The study with the categories that its analyses make, such as an exposure by a landmark."""
    for spec in study.plan.analyses:
        study = estimator_of(spec.kind).words(spec, study)
    return study


def counts_by_analysis(study: Study) -> dict[str, tuple[Counts, ...]]:
    """By the id of each analysis the counts that it shows; the study is one `with_words`."""
    return {
        spec.id: tuple(estimator_of(spec.kind).cells(spec, study)) for spec in study.plan.analyses
    }


def plan_cells(study: Study) -> PlanCells:
    """What sites count for them."""
    return PlanCells(
        merged(each for counts in counts_by_analysis(study).values() for each in counts)
    )
