"""Words that tables and figures of curves share."""

from __future__ import annotations

from collections.abc import Iterable

from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.shown import Withheld
from riskset_server.displays.parts.cells import (
    EMPTY,
    Cell,
    cell,
    joined,
    probability,
    whole_percent,
    withheld_cell,
)
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import listed, lower_first, sentence_case
from riskset_server.results.typed import Curve, curves_of, estimated_at, estimates
from riskset_server.results.typed import probability as probability_at

INTERVALS = {"plain": "linear", "log": "log-transformed", "log-log": "log-log transformed"}


def horizons(shown: Shown) -> tuple[float, ...]:
    """The times at which the plan asks for estimates, of all analyses of a display, ascending; those that the display names if it does."""
    return horizons_of((curve for part in shown.parts for curve in curves_of(part.result)), shown)


def horizons_of(curves: Iterable[Curve], shown: Shown) -> tuple[float, ...]:
    """The same of some of the curves of a display."""
    found = {estimated.time for curve in curves for estimated in estimates(curve)}
    wanted = shown.display.horizons
    return tuple(sorted(time for time in found if not wanted or time in wanted))


def probability_and_error(curve: Curve, time: float) -> Cell:
    """`46.1 (2.1)`: the probability that a curve is of and its standard error at a time, in percent."""
    at = estimated_at(curve, time)
    if at is None:
        return EMPTY
    if isinstance(at, Withheld):
        return withheld_cell(at)
    return joined((cell(probability_at(at), probability), cell(at.std_err, probability)), "{} ({})")


def interval_at(curve: Curve, time: float, shown: Shown) -> Cell:
    """`40.2 to 51.7`: the limits of a curve at a time, in percent; `40 to 52` where results are released rounded."""
    at = estimated_at(curve, time)
    if at is None:
        return EMPTY
    if isinstance(at, Withheld):
        return withheld_cell(at)
    is_exact = shown.words.plan.disclosure.release == "exact"
    read = probability if is_exact else whole_percent
    return joined((cell(at.lower, read), cell(at.upper, read)), "{} to {}")


def endpoint_noun(shown: Shown) -> str:
    """What the estimates are of: `EFS`, or `survival` where the analyses have several endpoints or a long one.

    Where other events are censored it is `freedom from relapse`, which is no survival.
    """
    if shown.causes:
        return (
            f"freedom from {listed([lower_first(sentence_case(cause)) for cause in shown.causes])}"
        )
    names = {part.spec.endpoint_name() or "" for part in shown.parts}
    short = shown.words.short_endpoint(names.pop()) if len(names) == 1 else ""
    return short if short and len(short) <= 24 else "survival"


def interval_kinds(parts: Iterable[Part]) -> str:
    """How the intervals of these analyses of curves are made: `log-log transformed`; empty where all are withheld."""
    results = (part.result for part in parts)
    kinds = dict.fromkeys(
        result.ci
        for result in results
        if isinstance(result, (KaplanMeierResult, CumulativeIncidenceResult))
    )
    return listed([INTERVALS[kind] for kind in kinds])


def test_noun(name: str) -> str:
    """The name of a test in a sentence: `log-rank test`, `log-rank test for trend`."""
    return name if "test" in name else f"{name} test"
