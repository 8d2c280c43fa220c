"""Agreement of the published figures among themselves, computed from the figures and their rounding alone.

A figure printed with d decimals stands for every value within half a unit of its last place. Two figures disagree where no such values
fit together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from riskset_common.formats.json_values import Json
from riskset_common.survival.arrays.distributions import normal_p_value, normal_quantile
from riskset_embedded.demos.published.mapping import AtMost, Relations, Same, Shares, StandardErrors
from riskset_embedded.demos.published.places import (
    Hazard,
    hazard,
    inward,
    is_hazard,
    number,
    numbers,
    published_at,
)

Z = normal_quantile(0.975)
RATIO_DECIMALS = 2
"""Hazard ratios and their limits are printed with two decimals."""
P_DECIMALS = 2
"""P values are printed with two decimals at least; JSON drops a last zero."""
NEAR = 1e-9
"""Binary fractions of decimal figures are off by less."""


@dataclass(frozen=True)
class Check:
    """One relation among published figures: what it is about, and what is wrong with it (None where it holds)."""

    place: str
    wrong: str | None


def checks(published: Json, relations: Relations) -> list[Check]:
    """Every check of the published figures, those of hazard ratios first."""
    made = [check for place, row in _hazard_rows(published, "") for check in _hazard(place, row)]
    for total, partitions in relations.sums.items():
        made += [_sum(published, total, parts) for parts in partitions]
    for shares in relations.shares:
        made += _shares(published, shares)
    made += [_same(published, same) for same in relations.same]
    made += [_at_most(published, limit) for limit in relations.at_most]
    for whole, partitions in relations.between.items():
        made += [_between(published, whole, parts) for parts in partitions]
    for errors in relations.standard_errors:
        made += _standard_errors(published, errors)
    return made


def decimals(value: float) -> int:
    """Decimals with which a number is written in JSON."""
    return len(repr(float(value)).partition(".")[2].rstrip("0"))


def _half(places: int) -> float:
    return 0.5 * 10.0**-places


def _hazard_rows(found: Json, place: str) -> Iterator[tuple[str, Hazard]]:
    """Every hazard ratio with an interval, wherever it stands."""
    if is_hazard(found):
        yield place, hazard(found)
        return
    for name, item in inward(found):
        yield from _hazard_rows(item, f"{place}.{name}" if place else name)


def _hazard(place: str, row: Hazard) -> Iterator[Check]:
    """The ratio is the middle of its interval on the log scale; P follows from both."""
    ratio, low, high, half = row.ratio, row.low, row.high, _half(RATIO_DECIMALS)
    named = place if row.level is None else f"{place} ({row.level})"
    middle = math.sqrt(low * high)
    fits = math.sqrt((low - half) * (high - half)) <= ratio + half and ratio - half <= math.sqrt(
        (low + half) * (high + half)
    )
    yield Check(
        named,
        None
        if fits
        else f"HR {ratio:.2f} is not the middle of its interval {low:.2f} to {high:.2f} on the log scale, which is {middle:.2f}; "
        f"with the lower limit it would need the upper limit {ratio**2 / low:.2f}",
    )
    given = row.p
    by_ratio, by_middle = _p_range(ratio, low, high), _p_range(middle, low, high)
    if _p_fits(given, by_ratio):
        yield Check(named, None)
    elif not fits and _p_fits(given, by_middle):
        yield Check(
            named,
            f"P {given} belongs to the middle of the interval ({middle:.2f}) and not to HR {ratio:.2f}, so that the HR is the misprint",
        )
    else:
        yield Check(
            named,
            f"P {given} does not follow from HR {ratio:.2f} ({low:.2f} to {high:.2f}), "
            f"which gives P {by_ratio[0]:.2g} to {by_ratio[1]:.2g}",
        )


def _p_range(ratio: float, low: float, high: float) -> tuple[float, float]:
    """Smallest and largest P (Wald, two-sided) of a ratio and limits that round to these."""
    half = _half(RATIO_DECIMALS)
    widest = math.log((high + half) / (low - half)) / (2 * Z)
    narrowest = math.log((high - half) / (low + half)) / (2 * Z)
    ends = (abs(math.log(ratio - half)), abs(math.log(ratio + half)))
    nearest = 0.0 if ratio - half <= 1 <= ratio + half else min(ends)
    return float(normal_p_value(max(ends) / narrowest)), float(normal_p_value(nearest / widest))


def _p_fits(told: float | str, found: tuple[float, float]) -> bool:
    if isinstance(told, str):
        return found[0] < float(told.removeprefix("<"))
    half = _half(max(P_DECIMALS, decimals(told)))
    return told - half <= found[1] and found[0] <= told + half


def _number_at(published: Json, place: str) -> float:
    return number(published_at(published, place))


def _sum_at(published: Json, places: Sequence[str]) -> float:
    return sum(_number_at(published, place) for place in places)


def _sum(published: Json, total: str, parts: Sequence[str]) -> Check:
    whole, added = _number_at(published, total), _sum_at(published, parts)
    wrong = None if whole == added else f"{' + '.join(parts)} is {added:,}, not {whole:,}"
    return Check(total, wrong)


def _shares(published: Json, shares: Shares) -> Iterator[Check]:
    """Each percentage is one of a whole number of patients; together they are all patients."""
    n = _number_at(published, shares.of)
    values = [_number_at(published, place) for place in shares.percent]
    half = _half(max(decimals(value) for value in values))
    bounds = [
        (math.ceil((value - half) * n / 100 - NEAR), math.floor((value + half) * n / 100 + NEAR))
        for value in values
    ]
    for place, value, (fewest, most) in zip(shares.percent, values, bounds, strict=True):
        near = sorted({math.floor(value * n / 100), math.ceil(value * n / 100)})
        nearest = " and ".join(f"{count} of {n} are {100 * count / n:.2f}%" for count in near)
        yield Check(
            place, None if fewest <= most else f"no number of {n} patients is {value}%: {nearest}"
        )
    if shares.whole:
        fits = abs(sum(values) - 100) <= half * len(values) + NEAR
        yield Check(
            shares.percent[0],
            None if fits else f"the percentages that make up {shares.of} add up to {sum(values):g}",
        )


def _same(published: Json, same: Same) -> Check:
    (first, first_error), (second, second_error) = (
        numbers(published_at(published, place)) for place in same.of
    )
    if (first, first_error) == (second, second_error):
        return Check(same.of[0], None)
    return Check(
        " and ".join(same.of),
        f"{first} (SE {first_error}) and {second} (SE {second_error}) are of the same patients, because {same.because}",
    )


def _at_most(published: Json, limit: AtMost) -> Check:
    smaller = _sum_at(published, limit.smaller)
    larger = _sum_at(published, limit.larger) - _sum_at(published, limit.less)
    less = "".join(f" - {place}" for place in limit.less)
    named = f"{' + '.join(limit.smaller)} ({smaller:,}) exceeds {' + '.join(limit.larger)}{less} ({larger:,})"
    return Check(
        limit.smaller[0], None if smaller <= larger else f"{named}, although {limit.because}"
    )


def _between(published: Json, whole: str, parts: Sequence[str]) -> Check:
    estimate, _ = numbers(published_at(published, whole))
    inside = [numbers(published_at(published, part))[0] for part in parts]
    fits = min(inside) <= estimate <= max(inside)
    return Check(
        whole,
        None
        if fits
        else f"{estimate} does not lie between {', '.join(map(str, inside))} of its parts",
    )


def _standard_errors(published: Json, errors: StandardErrors) -> Iterator[Check]:
    n = _number_at(published, errors.of)
    for place in errors.estimates:
        estimate, error = numbers(published_at(published, place))
        half = _half(1)
        least = 100 * min(
            math.sqrt(s * (1 - s) / n) for s in ((estimate - half) / 100, (estimate + half) / 100)
        )
        wrong = f"SE {error} of {estimate} is smaller than {least:.1f}, that of {n} patients without any censoring"
        yield Check(place, None if error + half >= least else wrong)
