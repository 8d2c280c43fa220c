"""A check that a result keeps the types of its kind, and that what always exists is never NaN."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.results.among_sites import HeterogeneityResult
from riskset_common.results.as_json import to_text
from riskset_common.results.composed import LandmarkResult
from riskset_common.results.curves import CurvePoints, Landmark, QuantileResult, RestrictedMean
from riskset_common.results.follow_up import Completeness
from riskset_common.results.incidence import IncidenceLandmark, IncidencePoints
from riskset_common.results.regression import HazardRow, LogLikelihood, PrintedHazard
from riskset_common.results.tests import (
    Contrast,
    GrayResult,
    LogRankResult,
    PairTest,
    PrintedTest,
)

TEST = ("statistic", "p_value")
COMPARISON = (*TEST, "observed", "expected", "covariance")
INCIDENCE = ("time", "incidence", "std_err", "lower", "upper")
ALWAYS: dict[type, tuple[str, ...]] = {
    CurvePoints: ("time", "survival"),
    Landmark: ("time",),
    QuantileResult: ("p",),
    RestrictedMean: ("tau",),
    Contrast: ("time",),
    LogRankResult: COMPARISON,
    GrayResult: COMPARISON,
    PairTest: (*TEST, "p_holm"),
    IncidencePoints: INCIDENCE,
    IncidenceLandmark: ("time",),
    Completeness: ("observed", "potential"),
    PrintedTest: TEST,
    LogLikelihood: ("null", "fitted"),
    PrintedHazard: ("numbers",),
    HazardRow: ("time", "cumulative_hazard", "std_err"),
    LandmarkResult: ("at",),
}
"""Reals that exist in every exact result, beside a confidence level. A limit when nobody is left need not, nor a median, nor what is beyond
follow-up."""


def keeps_types(result: Mapping[str, Any]) -> None:
    """Raise where an exact result is not one of its kind, to the byte, or lacks a real that always exists."""
    read = analysis_from_json(result)

    assert to_text(result) == to_text(read)
    for name, value in always(read):
        assert all(map(math.isfinite, reals(value))), f"{name} does not exist"


def always(value: object) -> Iterator[tuple[str, object]]:
    """Everything in a result that always exists, with its name."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if field.name in ("level", *ALWAYS.get(type(value), ())):
                yield f"{type(value).__name__}.{field.name}", item
            # Of too few sites with an estimate there is no test of their heterogeneity.
            if not isinstance(value, HeterogeneityResult) or field.name != "test":
                yield from always(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from always(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from always(item)


def reals(value: object) -> Iterator[float]:
    """The reals of a value, a list of them, a matrix or a mapping."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from reals(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from reals(item)
