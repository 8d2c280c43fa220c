"""The test of an analysis of curves under a release of rounded numbers: what the plan asks, and what the released curves tell beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskset_common.estimators.cohort.groups import group_levels, n_groups
from riskset_common.estimators.curves.group_test import GroupTest, comparison
from riskset_common.estimators.curves.specs import CurvesSpec
from riskset_common.release.budget import Compared
from riskset_common.release.facts import Facts
from riskset_common.release.followed import cohort_of, leaving_times
from riskset_common.release.tests.gray_program import AskedGray
from riskset_common.release.tests.known import KnownEvents
from riskset_common.release.tests.log_rank_program import AskedTest
from riskset_common.release.tests.site_sums import SiteSums
from riskset_common.results.curves import GroupCurve, KnownPoints
from riskset_common.results.incidence import CauseIncidence, GroupIncidence, KnownIncidence
from riskset_common.results.shown import Shown, Withheld
from riskset_common.study.study import Study
from riskset_common.survival.tests.weighing import HIGHEST_POWER, Weighing


def compared_groups(
    spec: CurvesSpec, test: GroupTest, cause: str | None, *, pairwise: bool
) -> Compared:
    """The test of an analysis, as everybody knows it before it is made."""
    return Compared(
        name=spec.id,
        endpoint=spec.endpoint,
        kinds=() if cause is None else (cause,),
        cohort=cohort_of(spec, complete=spec.strata),
        by=spec.by,
        pairwise=pairwise,
        weighing=comparison(test).weighing,
        primary=spec.primary,
    )


def asked_test(
    spec: CurvesSpec, compared: Compared, test: GroupTest, study: Study, facts: Facts
) -> AskedTest:
    """The test as its program takes it, and what the sites count for it."""
    asked, inside = comparison(test), spec.within_sites(study)
    cause = compared.kinds[0] if compared.kinds else None
    by = spec.by if inside else (*spec.strata, *spec.by)
    followed = leaving_times(study, facts, compared.cohort, spec.endpoint, by, cause=cause)
    return AskedTest(
        compared,
        SiteSums(followed, spec.strata, asked.weighing, compared.pairwise, facts.patients)
        if inside
        else followed,
        asked.name,
        spec.strata,
        tuple(group_levels(study, spec.by)),
        asked.is_trend,
    )


def compared_causes(spec: CurvesSpec, causes: Sequence[str], rho: float) -> tuple[Compared, ...]:
    """Gray's tests of an analysis, one for each cause, as everybody knows them before they are made."""
    return tuple(
        Compared(
            name=f"{spec.id}/{cause}",
            endpoint=spec.endpoint,
            kinds=(cause,),
            cohort=cohort_of(spec, complete=spec.strata),
            by=spec.by,
            weighing=Weighing("fleming_harrington", rho) if rho else Weighing(),
            primary=spec.primary,
        )
        for cause in causes
    )


def asked_gray(
    spec: CurvesSpec, causes: Sequence[str], rho: float, study: Study, facts: Facts
) -> AskedGray:
    """Gray's tests as their program takes them, and what the sites count for them."""
    compared, by = compared_causes(spec, causes, rho), (*spec.strata, *spec.by)
    cohort = cohort_of(spec, complete=spec.strata)
    counted = leaving_times(study, facts, cohort, spec.endpoint, by, causes=causes)
    return AskedGray(compared, counted, spec.strata, n_groups(study, spec.by), rho)


def gray_problems(spec: CurvesSpec, rho: float, study: Study) -> Iterator[str]:
    """Why Gray's tests cannot be computed on shares, in words."""
    if spec.within_sites(study):
        yield (
            "test: gray that is stratified by site is not computed on shares, because nothing bounds a small site's own covariance. "
            "Leave site out of `strata`, or release exact numbers."
        )
    if not Weighing("fleming_harrington", rho).is_computable:
        yield (
            f"test: on shares rho of gray is 0, 0.5, 1, 1.5 and so on up to {HIGHEST_POWER}; found {rho:g}. "
            "Write another, or release exact numbers."
        )


def problems_on_shares(test: GroupTest) -> Iterator[str]:
    """Why a test cannot be computed on shares, in words."""
    weighing = comparison(test).weighing
    if not weighing.is_computable:
        yield (
            f"test: on shares the powers rho and gamma are 0, 0.5, 1, 1.5 and so on up to {HIGHEST_POWER}; found rho {weighing.rho:g} "
            f"and gamma {weighing.gamma:g}. Write others, or release exact numbers."
        )


def events_known(
    study: Study, by: Sequence[str], groups: Sequence[GroupCurve]
) -> list[KnownEvents]:
    """What released curves tell of the events of each group, in the order of the groups' levels; nothing of one without a curve."""
    told = {tuple(group.level.items()): _events_of(group) for group in groups}
    return [told.get(tuple(levels.items()), {}) for levels in group_levels(study, by)]


def _events_of(group: GroupCurve) -> KnownEvents:
    found: dict[float, Shown[int]] = {}
    if isinstance(group.curve, KnownPoints):
        found.update(zip(group.curve.time, group.curve.events_to, strict=True))
    if not isinstance(group.at, Withheld):
        found.update({each.time: each.events_to for each in group.at})
    return found


def causes_known(
    study: Study, by: Sequence[str], causes: Sequence[str], groups: Sequence[GroupIncidence]
) -> dict[str, list[KnownEvents]]:
    """What released incidences tell of the events of each cause and group, as `events_known` of survival curves."""
    told: dict[tuple[str, tuple[tuple[str, str], ...]], KnownEvents] = {}
    for group in groups:
        if not isinstance(group.causes, Withheld):
            for cause, found in group.causes.items():
                told[cause, tuple(group.level.items())] = _events_of_cause(found)
    return {
        cause: [told.get((cause, tuple(levels.items())), {}) for levels in group_levels(study, by)]
        for cause in causes
    }


def _events_of_cause(incidence: CauseIncidence) -> KnownEvents:
    found: dict[float, Shown[int]] = {}
    if isinstance(incidence.curve, KnownIncidence):
        found.update(zip(incidence.curve.time, incidence.curve.events_to, strict=True))
    if not isinstance(incidence.at, Withheld):
        found.update({each.time: each.events_to for each in incidence.at})
    return found
