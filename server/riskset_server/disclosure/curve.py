"""The release of a curve of survival or cumulative incidence: in blocks of at least k events, to three decimals, and not to its end.

An exact curve is a list of the days on which patients died. Its steps are merged until a block holds at least `minimum_cell`
events; the exact survival at the block's end is published, rounded, rather than recomputed from delayed events, which would bias
it. The times that the plan names are points of the curve like any other: between two points that are shown, and between the last
of them and the end, lie no event or at least `minimum_cell`. The curve ends where fewer than `minimum_at_risk` remain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import TypeVar

from riskset_common.results.curves import (
    CurvePoints,
    Estimate,
    GroupCurve,
    Landmark,
    QuantileResult,
    RestrictedMean,
)
from riskset_common.results.incidence import (
    CauseIncidence,
    GroupIncidence,
    IncidenceLandmark,
    IncidencePoints,
)
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.study.plan import Disclosure
from riskset_server.disclosure.withheld import fewest_patients, small_count, too_few_patients

DECIMALS = 3
"""Decimals of a released survival probability and its standard error and limits."""
ROUND_TO = 5
"""Released numbers at risk and censored are rounded to this."""
MEAN_DIGITS = 4
"""Significant digits of a released restricted mean: an area under the exact curve would give its steps away."""

Window = tuple[float, float] | None
Points = CurvePoints | IncidencePoints
Step = TypeVar("Step", CurvePoints, IncidencePoints)


@dataclass(frozen=True)
class _Steps:
    """The exact steps of one group's curve, and how much of it may be seen.

    Attributes
    ----------
    time
        Times of the steps at which enough patients are at risk, from the first on.
    events
        Events up to and including each of these steps.
    n, total
        Patients and events of the whole group.
    smallest
        Fewest events between two things that are shown.
    is_open
        Whether the number of all events is held: as many must then lie after the last point, or the curve would show it.
    """

    time: tuple[float, ...]
    events: list[int]
    n: int
    total: int
    smallest: int
    is_open: bool

    @classmethod
    def of(
        cls,
        curve: Points,
        total: Shown[int],
        n: int,
        disclosure: Disclosure,
        rule: Withheld | None,
    ) -> _Steps:
        fewest = fewest_patients(disclosure)
        shown = len(list(takewhile(lambda at_risk: at_risk >= fewest, curve.at_risk)))
        return cls(
            time=curve.time[:shown],
            events=list(accumulate(curve.events[:shown])),
            n=n,
            total=exact(total),
            smallest=disclosure.minimum_cell,
            is_open=rule is not None,
        )

    def before_end(self, count: int) -> bool:
        """Whether this number of events may be a point: no event comes after it, or as many as there must be."""
        rest = self.total - count
        return rest >= self.smallest or (rest == 0 and not self.is_open)

    def apart(self, count: int, *others: int) -> bool:
        """Whether the number of events equals each of the others, or differs from it by at least `minimum_cell`."""
        return all(count == other or abs(count - other) >= self.smallest for other in others)

    @property
    def window(self) -> Window:
        """The first time at which there were enough events, and the last at which enough patients are at risk."""
        begun = [
            time
            for time, events in zip(self.time, self.events, strict=True)
            if events >= self.smallest
        ]
        return (begun[0], self.time[-1]) if begun else None


@dataclass(frozen=True)
class _Point:
    """What may be seen at a time that the plan names; `rule` withholds its probability, standard error and limits."""

    at_risk: Shown[int]
    events_to: Shown[int]
    rule: Withheld | None

    def real(self, value: Shown[float]) -> Shown[float]:
        """One of these."""
        return _decimals(exact(value)) if self.rule is None else self.rule


@dataclass(frozen=True)
class _Blocks:
    """Steps merged into blocks, each as the numbers of its first and its last step."""

    spans: list[tuple[int, int]]
    n: int

    def last(self, values: Sequence[float]) -> tuple[float, ...]:
        """Values at the ends of the blocks, as they are."""
        return tuple(values[end] for _, end in self.spans)

    def decimals(self, values: Sequence[float]) -> tuple[float, ...]:
        """Probabilities at the ends of the blocks."""
        return tuple(_decimals(values[end]) for _, end in self.spans)

    def at_risk(self, counts: Sequence[int]) -> tuple[int, ...]:
        """Patients at the ends of the blocks, rounded."""
        return tuple(rounded(counts[end], self.n) for _, end in self.spans)

    def events(self, counts: Sequence[int]) -> tuple[int, ...]:
        """Patients within the blocks."""
        return tuple(sum(counts[begin : end + 1]) for begin, end in self.spans)

    def left(self, counts: Sequence[int]) -> tuple[int, ...]:
        """Patients who leave within the blocks without the event, rounded."""
        return tuple(rounded(count, self.n) for count in self.events(counts))


def released_curve(
    group: GroupCurve, disclosure: Disclosure, rule: Withheld | None = None
) -> GroupCurve:
    """One group's curve under the rules; a group that is itself too small is withheld but for its level.

    `rule` withholds the number of its events.
    """
    n, curve = exact(group.n), every_step(group.curve, CurvePoints)
    if n < fewest_patients(disclosure):
        few = too_few_patients(disclosure)
        return withheld_group(group, few, rule or few)
    steps = _Steps.of(curve, group.events, n, disclosure, rule)
    shown, known = _points(exact(group.at), steps, disclosure)
    return GroupCurve(
        n=n,
        events=rule or group.events,
        median=_median(exact(group.median), steps.window, disclosure),
        quantiles=tuple(_quantiles(exact(group.quantiles), steps, disclosure)),
        at=tuple(
            Landmark(
                time=landmark.time,
                at_risk=point.at_risk,
                events_to=point.events_to,
                survival=point.real(landmark.survival),
                std_err=point.real(landmark.std_err),
                lower=point.real(landmark.lower),
                upper=point.real(landmark.upper),
            )
            for landmark, point in zip(exact(group.at), shown, strict=True)
        ),
        curve=_curve(curve, _blocks(steps, known)),
        rmean=None
        if group.rmean is None
        else _restricted_mean(exact(group.rmean), steps, disclosure),
        level=group.level,
        numbers_at_risk=None,
    )


def released_cause(
    cause: CauseIncidence, n: int, rule: Withheld | None, disclosure: Disclosure
) -> CauseIncidence:
    """The cumulative incidence of one cause in a group of n, which is large enough: its curve and landmarks in blocks of its events.

    `rule` withholds the number of its events.
    """
    curve = every_step(cause.curve, IncidencePoints)
    steps = _Steps.of(curve, cause.events, n, disclosure, rule)
    shown, known = _points(cause.at, steps, disclosure)
    return CauseIncidence(
        events=rule or cause.events,
        at=tuple(
            IncidenceLandmark(
                time=landmark.time,
                at_risk=point.at_risk,
                events_to=point.events_to,
                incidence=point.real(landmark.incidence),
                std_err=point.real(landmark.std_err),
                lower=point.real(landmark.lower),
                upper=point.real(landmark.upper),
            )
            for landmark, point in zip(cause.at, shown, strict=True)
        ),
        curve=_incidence(curve, _blocks(steps, known)),
    )


def withheld_group(group: GroupCurve, rule: Withheld, events: Withheld) -> GroupCurve:
    """A group of which nothing but its level is shown; `events` takes the place of the number of its events."""
    return GroupCurve(
        n=rule,
        events=events,
        median=rule,
        quantiles=rule,
        at=rule,
        curve=rule,
        rmean=None if group.rmean is None else rule,
        level=group.level,
        numbers_at_risk=None,
    )


def withheld_incidence(level: Mapping[str, str], rule: Withheld) -> GroupIncidence:
    """A group under competing risks of which nothing but its level is shown."""
    return GroupIncidence(level=level, n=rule, events=rule, causes=rule, numbers_at_risk=None)


def _points(
    landmarks: Sequence[Landmark | IncidenceLandmark], steps: _Steps, disclosure: Disclosure
) -> tuple[list[_Point], set[int]]:
    """The times that the plan names, those named first served first; and the numbers of events at which the curve is now known."""
    known: set[int] = {0}
    shown: list[_Point] = []
    for landmark in landmarks:
        at_risk, events = exact(landmark.at_risk), exact(landmark.events_to)
        is_seen = bool(steps.time) and landmark.time <= steps.time[-1]
        if at_risk < fewest_patients(disclosure) or not is_seen:
            rule = too_few_patients(disclosure)
            shown.append(_Point(rule, rule, rule))
            continue
        shown.append(_point(at_risk, events, steps, known, disclosure))
        if steps.apart(events, *known):
            known.add(events)
    return shown, known


def _point(
    at_risk: int, events: int, steps: _Steps, known: set[int], disclosure: Disclosure
) -> _Point:
    """One time at which enough patients are at risk."""
    rule = small_count(disclosure)
    if not steps.apart(events, *known):
        return _Point(rounded(at_risk, steps.n), rule, rule)
    is_shown = steps.before_end(events)
    return _Point(rounded(at_risk, steps.n), events if is_shown else rule, None)


def _blocks(steps: _Steps, known: set[int]) -> _Blocks:
    """Merge steps into blocks; a last block that is too small, or leaves too little behind it, is not shown."""
    spans: list[tuple[int, int]] = []
    begun = last = 0
    for index, events in enumerate(steps.events):
        is_apart = steps.apart(events, *known) and steps.before_end(events)
        if events - last >= steps.smallest and is_apart:
            spans.append((begun, index))
            begun, last = index + 1, events
    return _Blocks(spans, steps.n)


def _curve(curve: CurvePoints, blocks: _Blocks) -> CurvePoints:
    return CurvePoints(
        time=blocks.last(curve.time),
        at_risk=blocks.at_risk(curve.at_risk),
        events=blocks.events(curve.events),
        censored=blocks.left(curve.censored),
        survival=blocks.decimals(curve.survival),
        std_err=blocks.decimals(curve.std_err),
        lower=blocks.decimals(curve.lower),
        upper=blocks.decimals(curve.upper),
    )


def _incidence(curve: IncidencePoints, blocks: _Blocks) -> IncidencePoints:
    return IncidencePoints(
        time=blocks.last(curve.time),
        at_risk=blocks.at_risk(curve.at_risk),
        events=blocks.events(curve.events),
        competing=blocks.left(curve.competing),
        censored=blocks.left(curve.censored),
        incidence=blocks.decimals(curve.incidence),
        std_err=blocks.decimals(curve.std_err),
        lower=blocks.decimals(curve.lower),
        upper=blocks.decimals(curve.upper),
    )


def _median(median: Estimate, window: Window, disclosure: Disclosure) -> Estimate:
    return Estimate(
        estimate=_within(exact(median.estimate), window, disclosure),
        lower=_within(exact(median.lower), window, disclosure),
        upper=_within(exact(median.upper), window, disclosure),
    )


def _quantiles(
    quantiles: Sequence[QuantileResult], steps: _Steps, disclosure: Disclosure
) -> Iterator[QuantileResult]:
    """Quantiles; of two with too few patients between them the second is withheld, or many would draw the exact curve."""
    kept, rule = [0.5], small_count(disclosure)
    for quantile in quantiles:
        p = quantile.p
        # To nine decimals: 0.5 and 0.4 are 5 patients of 50 apart, and not a little less.
        patients = [round(abs(p - other) * steps.n, 9) for other in kept]
        if not all(between == 0 or between >= steps.smallest for between in patients):
            yield QuantileResult(estimate=rule, lower=rule, upper=rule, p=p)
            continue
        kept.append(p)
        released = _median(quantile, steps.window, disclosure)
        yield QuantileResult(
            estimate=released.estimate, lower=released.lower, upper=released.upper, p=p
        )


def _within(value: float, window: Window, disclosure: Disclosure) -> Shown[float]:
    """A quantile or limit outside of what is shown of the curve is withheld; one that is not reached stays NaN."""
    if not math.isfinite(value) or (window and window[0] <= value <= window[1]):
        return value
    if window and value < window[0]:
        return small_count(disclosure)
    return too_few_patients(disclosure)


def _restricted_mean(
    mean: RestrictedMean, steps: _Steps, disclosure: Disclosure
) -> Shown[RestrictedMean]:
    if not steps.time or mean.tau > steps.time[-1]:
        return too_few_patients(disclosure)
    return RestrictedMean(
        tau=mean.tau, estimate=significant(mean.estimate), std_err=significant(mean.std_err)
    )


def every_step(curve: object, of: type[Step]) -> Step:
    """An exact curve. Raises `TypeError` for one that has passed these rules."""
    if not isinstance(curve, of):
        raise TypeError(f"{type(curve).__name__} is no exact curve.")
    return curve


def significant(value: float) -> float:
    """A mean time, or a sum of times, to the digits in which no single patient's is seen."""
    return float(f"{value:.{MEAN_DIGITS}g}")


def rounded(count: int, n: int) -> int:
    """A number of the n patients of a group, to the nearest multiple, and not above n, which is shown as it is."""
    return min(n, ROUND_TO * round(count / ROUND_TO))


def _decimals(value: float) -> float:
    return round(value, DECIMALS)
