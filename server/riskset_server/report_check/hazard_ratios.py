"""Do hazard ratio, interval and P of a printed row agree, as far as their digits say.

A Wald interval is symmetric about the logarithm of the hazard ratio, so the ratio is the geometric mean of its limits, and
z = log(HR) / SE with SE = (log(upper) - log(lower)) / (2 z of the confidence level). Each printed number stands for an interval of
half a unit of its last digit to both sides; numbers disagree where no values within these intervals fit together (Altman and
Bland, BMJ 2011;343:d2090 and d2304).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from riskset_server.report_check.disagreement import Disagreement

CHECK: Final = "HR, CI and P agree"

_RATIO = re.compile(r"^(\d+\.\d+)")
_LIMITS = re.compile(r"(\d[\d,]*\.\d+) to (\d[\d,]*\.\d+)")
_LEVEL = re.compile(r"(\d+(?:\.\d+)?)% CI")
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Span:
    """What a printed number may have been before it was rounded."""

    low: float
    high: float

    def meets(self, other: Span) -> bool:
        """Whether the two have a number in common."""
        return self.low <= other.high and other.low <= self.high


def printed_span(text: str) -> Span:
    """Half a unit of the last digit to both sides; `< .001` and `> .99` as what lies beyond."""
    number = text.lstrip("<> ").replace(",", "")
    half = 0.5 * 10.0 ** -len(number.partition(".")[2]) * (1 + 1e-9)
    found = float(number)
    if text.startswith("<"):
        return Span(0.0, found + half)
    if text.startswith(">"):
        return Span(found - half, 1.0)
    return Span(max(found - half, 0.0), found + half)


def ratios(where: str, rows: Sequence[Sequence[str]]) -> Iterator[Disagreement]:
    """Every row of a printed table whose hazard ratio, interval and P do not fit together; tables without hazard ratios have none."""
    heads = rows[0]
    ratio_at = next((at for at, head in enumerate(heads) if head.startswith("HR")), None)
    level = next((_LEVEL.search(head) for head in heads if _LEVEL.search(head)), None)
    if ratio_at is None or level is None:
        return
    z = _NORMAL.inv_cdf(0.5 + float(level[1]) / 200)
    for row in rows[1:]:
        ratio, limits = (
            _RATIO.match(row[ratio_at]),
            _LIMITS.search(" ".join(row[ratio_at : ratio_at + 2])),
        )
        if ratio is None or limits is None:
            continue
        p = row[heads.index("P")] if "P" in heads else ""
        problem = disagreement(ratio[1], (limits[1], limits[2]), p, z)
        if problem:
            yield Disagreement(CHECK, f"{where}, row {row[0].strip()!r}", problem)


def disagreement(ratio: str, limits: tuple[str, str], p: str, z: float) -> str:
    """What does not agree in a row as printed; empty where all does. `z` is the normal quantile of the confidence level."""
    hr, lower, upper = printed_span(ratio), printed_span(limits[0]), printed_span(limits[1])
    if not (lower.low <= hr.high and hr.low <= upper.high):
        return f"HR {ratio} lies outside of {limits[0]} to {limits[1]}"
    if lower.low == 0 or hr.low == 0:
        return ""
    middle = Span(math.sqrt(lower.low * upper.low), math.sqrt(lower.high * upper.high))
    if not hr.meets(middle):
        return (
            f"HR {ratio} is not the middle of {limits[0]} to {limits[1]} "
            f"({middle.low:.3g} to {middle.high:.3g} on the logarithmic axis)"
        )
    if not re.fullmatch(r"[<>]? ?\.\d+", p):
        return ""
    expected = _p_span(hr, lower, upper, z)
    if printed_span(p).meets(expected):
        return ""
    return f"P {p} does not follow from HR {ratio}, {limits[0]} to {limits[1]} ({expected.low:.2g} to {expected.high:.2g})"


def _p_span(hr: Span, lower: Span, upper: Span, z: float) -> Span:
    """Two-sided Wald P of all values within the spans."""
    logs = (math.log(hr.low), math.log(hr.high))
    nearest = 0.0 if logs[0] <= 0 <= logs[1] else min(map(abs, logs))
    farthest = max(map(abs, logs))
    widest = (math.log(upper.high) - math.log(lower.low)) / (2 * z)
    narrowest = (math.log(upper.low) - math.log(lower.high)) / (2 * z)
    lowest = 2 * _NORMAL.cdf(-farthest / narrowest) if narrowest > 0 else 0.0
    return Span(lowest, 2 * _NORMAL.cdf(-nearest / widest))
