"""The release of comparisons between groups: tests of all groups and of pairs, and differences between two curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from riskset_common.results.curves import GroupCurve
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.results.tests import (
    Contrast,
    FurtherTests,
    GrayResult,
    LogRankResult,
    PairTest,
)
from riskset_common.study.plan import Disclosure
from riskset_common.survival.tests.difference import Difference, difference
from riskset_server.disclosure.shortened import real, reals, rows
from riskset_server.disclosure.table import Held, is_small
from riskset_server.disclosure.withheld import small_count


def released_log_rank(
    test: LogRankResult, counts: Sequence[int], held: Held, disclosure: Disclosure
) -> Shown[LogRankResult]:
    """A test of the log-rank family between groups of so many patients."""
    rule = small_count(disclosure)
    if _reads_back(counts, disclosure):
        return rule
    hidden = rule if held.anything else None
    return LogRankResult(
        statistic=real(test.statistic),
        df=test.df,
        p_value=real(test.p_value),
        name=test.name,
        strata=test.strata,
        observed=hidden or reals(exact(test.observed or ())),
        expected=hidden or reals(exact(test.expected or ())),
        covariance=hidden or rows(exact(test.covariance)),
        scores=test.scores,
    )


def released_gray(
    test: GrayResult, counts: Sequence[int], held: Held, disclosure: Disclosure
) -> Shown[GrayResult]:
    """Gray's test of one cause between groups of so many patients."""
    rule = small_count(disclosure)
    if _reads_back(counts, disclosure):
        return rule
    hidden = rule if held.anything else None
    return GrayResult(
        statistic=real(test.statistic),
        df=test.df,
        p_value=real(test.p_value),
        name=test.name,
        strata=test.strata,
        observed=hidden or reals(exact(test.observed or ())),
        expected=hidden or reals(exact(test.expected or ())),
        covariance=hidden or rows(exact(test.covariance)),
        rho=None if test.rho is None else real(test.rho),
    )


def _reads_back(counts: Sequence[int], disclosure: Disclosure) -> bool:
    """Whether a group has few patients, who could be read back from a test."""
    return any(is_small(n, disclosure.minimum_cell) for n in counts)


def released_pairs(
    tests: FurtherTests, hidden: Sequence[Mapping[str, str]], disclosure: Disclosure
) -> FurtherTests:
    """The tests of all pairs, without those of a group of which nothing is shown (`hidden` are these groups' levels)."""
    rule = small_count(disclosure)
    return FurtherTests(
        pairwise=tuple(
            PairTest(groups=pair.groups, statistic=rule, df=rule, p_value=rule, p_holm=rule)
            if any(level in hidden for level in pair.groups)
            else PairTest(
                groups=pair.groups,
                statistic=real(exact(pair.statistic)),
                df=pair.df,
                p_value=real(exact(pair.p_value)),
                p_holm=real(exact(pair.p_holm)),
            )
            for pair in tests.pairwise
        )
    )


def released_contrasts(
    contrasts: Sequence[Contrast], groups: Sequence[GroupCurve], level: float
) -> tuple[Contrast, ...]:
    """Differences, made anew from what is shown of the two groups, so that they show nothing more."""
    by_level = {tuple(group.level.items()): group for group in groups}
    return tuple(
        _released(
            each,
            _shown(by_level[tuple(each.group.items())], each),
            _shown(by_level[tuple(each.reference.items())], each),
            level,
        )
        for each in contrasts
    )


def _shown(group: GroupCurve, contrast: Contrast) -> Shown[tuple[float, float]]:
    """What is shown of a group: an estimate and its standard error."""
    if contrast.of == "rmean":
        mean = group.rmean
        if isinstance(mean, Withheld):
            return mean
        return (math.nan, math.nan) if mean is None else (mean.estimate, mean.std_err)
    if isinstance(group.at, Withheld):
        return group.at
    at = next(each for each in group.at if each.time == contrast.time)
    if isinstance(at.survival, Withheld):
        return at.survival
    return at.survival, exact(at.std_err)


def _released(
    contrast: Contrast,
    here: Shown[tuple[float, float]],
    there: Shown[tuple[float, float]],
    level: float,
) -> Contrast:
    estimated = _difference(here, there, level)
    return Contrast(
        estimate=estimated if isinstance(estimated, Withheld) else estimated.estimate,
        std_err=estimated if isinstance(estimated, Withheld) else estimated.std_err,
        lower=estimated if isinstance(estimated, Withheld) else estimated.lower,
        upper=estimated if isinstance(estimated, Withheld) else estimated.upper,
        p_value=estimated if isinstance(estimated, Withheld) else estimated.p_value,
        of=contrast.of,
        time=contrast.time,
        group=contrast.group,
        reference=contrast.reference,
    )


def _difference(
    here: Shown[tuple[float, float]], there: Shown[tuple[float, float]], level: float
) -> Shown[Difference]:
    if isinstance(here, Withheld):
        return here
    if isinstance(there, Withheld):
        return there
    estimate, std_err, of, std_err_of = (
        value if math.isfinite(value) else math.nan for value in (*here, *there)
    )
    return difference(estimate, std_err, of, std_err_of, level)
