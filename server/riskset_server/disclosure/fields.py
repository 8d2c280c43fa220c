"""Which fields of results the disclosure rules know. Any other is withheld, until somebody has thought about what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskset_server.disclosure.withheld import Result, withheld

NO_RULE = withheld("no rule")
"""The mark of a field for which there is no rule."""

_EVERY = frozenset({"kind", "n", "missing", "warnings"})
_OF_ENDPOINT = _EVERY | {"endpoint", "events", "level"}
_OF_GROUPS = _EVERY | {"by", "columns", "column_n", "rows"}
_OF_MODEL = _OF_ENDPOINT | {"cause", "ties", "strata", "levels"}
_COX = _OF_MODEL | {
    "iterations",
    "convergence",
    "converged",
    "terms",
    "covariance",
    "log_likelihood",
    "tests",
    "penalty",
    "offset",
    "robust",
    "ph_test",
    "baseline_hazard",
}

RESULT_FIELDS: Mapping[str, frozenset[str]] = {
    "kaplan_meier": _OF_ENDPOINT | {"cause", "ci", "groups", "contrasts", "test", "tests"},
    "cumulative_incidence": _OF_ENDPOINT | {"causes", "ci", "groups", "tests"},
    "follow_up": _OF_ENDPOINT
    | {"method", "ci", "median", "lower", "upper", "at", "range", "completeness"},
    "baseline": _OF_GROUPS | {"numbers", "missing_values", "tests"},
    "event_table": _OF_GROUPS | {"endpoint", "events", "censored"},
    "flow": _EVERY | {"steps", "boxes"},
    "cox": _COX,
    "fine_gray": _COX | {"competing", "censoring"},
    "univariate": _OF_ENDPOINT | {"ci", "strata", "all_patients", "factors"},
    "landmark": (_OF_ENDPOINT - {"level"}) | {"at", "exposure", "ended", "curves", "model"},
    "heterogeneity": _OF_MODEL
    | {"effect", "of_level", "reference", "coefficients", "sites", "fixed", "random", "test"}
    | {"i_squared", "tau_squared", "by", "groups", "between"},
}
"""By kind of analysis."""

_COUNTED = frozenset({"n", "events"})
CURVE_FIELDS = _COUNTED | {
    "level",
    "median",
    "quantiles",
    "at",
    "curve",
    "rmean",
    "numbers_at_risk",
}
INCIDENCE_FIELDS = _COUNTED | {"level", "causes", "numbers_at_risk"}
CAUSE_FIELDS = frozenset({"events", "at", "curve"})
LANDMARK_FIELDS = frozenset(
    {"time", "at_risk", "events_to", "survival", "incidence", "std_err", "lower", "upper"}
)


def known(found: Mapping[str, Any], fields: frozenset[str]) -> Result:
    """A result, or a part of one, with `NO_RULE` in place of any field that is not among these."""
    return {name: value if name in fields else dict(NO_RULE) for name, value in found.items()}
