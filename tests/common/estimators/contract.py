"""The contract of results.json for each kind of analysis, and a check that a result keeps it.

A mapping names every key that is there, `key?` one that is only there when asked for; `{str: x}` has any names; `[x]` is a list.
`REAL` is a number that reads back as it was, or null where it does not exist.
"""

from __future__ import annotations

from typing import Any

REAL = "real"
ESTIMATE = {"estimate": REAL, "lower": REAL, "upper": REAL}
TEST = {"statistic": float, "df": int, "p_value": float}
POINTS = {
    "time": [float],
    "at_risk": [int],
    "events": [int],
    "censored": [int],
    "survival": [float],
    "std_err": [REAL],
    "lower": [REAL],
    "upper": [REAL],
}
LANDMARK = {
    "time": float,
    "at_risk": int,
    "events_to": int,
    "survival": float,
    "std_err": REAL,
    "lower": REAL,
    "upper": REAL,
}
LEVELS = {str: str}
FOLLOWED = {"at_risk": int, "ended": int}
"""What stands behind a time of follow-up; null where that is not reached."""
CONTRAST = {
    "of": str,
    "time": float,
    "group": LEVELS,
    "reference": LEVELS,
    **dict.fromkeys(("estimate", "std_err", "lower", "upper", "p_value"), REAL),
}
COMPARISON = {
    "name": str,
    **TEST,
    "strata": [str],
    "observed": [float],
    "expected": [float],
    "covariance": [[float]],
}
INCIDENCE = ("incidence", "std_err", "lower", "upper")
COX_TERM = {
    "term": str,
    "level": (str, type(None)),
    "reference": (str, type(None)),
    **dict.fromkeys(("coef", "std_err", "hazard_ratio", "lower", "upper", "z", "p_value"), REAL),
    "aliased": bool,
    "monotone": bool,
}
TABLE = {
    "n": int,
    "missing": int,
    "by": (str, type(None)),
    "columns": [str],
    "column_n": [int],
    "warnings": [str],
}
EVENT_ROW = {"event": str, "counts": [int], "percent": [REAL], "total": int}

CONTRACT: dict[str, dict[str, Any]] = {
    "kaplan_meier": {
        "kind": str,
        "endpoint": str,
        "cause?": str,
        "n": int,
        "events": int,
        "missing": int,
        "ci": str,
        "level": float,
        "groups": [
            {
                "level": {str: str},
                "n": int,
                "events": int,
                "median": ESTIMATE,
                "quantiles": [{**ESTIMATE, "p": float}],
                "at": [LANDMARK],
                "curve": POINTS,
                "rmean?": {"tau": float, "estimate": float, "std_err": float},
            }
        ],
        "contrasts?": [CONTRAST],
        "test?": COMPARISON | {"scores?": [int]},
        "tests?": {"pairwise": [{"groups": [LEVELS], **TEST, "p_holm": float}]},
        "warnings": [str],
    },
    "cumulative_incidence": {
        "kind": str,
        "endpoint": str,
        "causes": [str],
        "n": int,
        "events": int,
        "missing": int,
        "ci": str,
        "level": float,
        "groups": [
            {
                "level": {str: str},
                "n": int,
                "events": int,
                "causes": {
                    str: {
                        "events": int,
                        "at": [
                            {
                                "time": float,
                                "at_risk": int,
                                "events_to": int,
                                **dict.fromkeys(INCIDENCE, float),
                            }
                        ],
                        "curve": {
                            "time": [float],
                            **{
                                key: [int] for key in ("at_risk", "events", "competing", "censored")
                            },
                            **{key: [float] for key in INCIDENCE},
                        },
                    }
                },
            }
        ],
        "tests?": {str: COMPARISON | {"rho?": float}},
        "warnings": [str],
    },
    "follow_up": {
        "kind": str,
        "endpoint": str,
        "method": str,
        "n": int,
        "events": int,
        "missing": int,
        "ci": str,
        "level": float,
        "median": REAL,
        "lower": REAL,
        "upper": REAL,
        "at": dict.fromkeys(("median", "lower", "upper"), FOLLOWED),
        "range?": {"shortest": REAL, "longest": REAL},
        "completeness?": {"observed": float, "potential": float, "ratio": REAL, "incomplete": int},
        "warnings": [str],
    },
    "cox": {
        "kind": str,
        "endpoint": str,
        "cause?": str,
        "n": int,
        "events": int,
        "missing": int,
        "ties": str,
        "strata": [str],
        "level": float,
        "iterations": int,
        "convergence": str,
        "converged": bool,
        "terms": [COX_TERM],
        "levels": [{"term": str, "level": str, "n": int, "events": int}],
        "covariance": [[REAL]],
        "log_likelihood": {"null": float, "fitted": float},
        "tests": {
            "wald": TEST,
            "score": TEST,
            "likelihood_ratio": TEST,
            "terms": {str: TEST},
            "interaction?": TEST,
        },
        "warnings": [str],
        "penalty?": str,
        "offset?": str,
        "robust?": {"clustered_by": str, "naive_std_err": [REAL]},
        "ph_test?": {"transform": str, "terms": {str: TEST}, "global_test": TEST},
        "baseline_hazard?": {
            "numbers": {str: float},
            "rows": [
                {"stratum": {str: str}, "time": float, "cumulative_hazard": float, "std_err": float}
            ],
        },
    },
    "baseline": {
        "kind": str,
        **TABLE,
        "rows": [
            {
                "variable": str,
                "level": str,
                "counts": [int],
                "percent": [REAL],
                "total": int,
                "total_percent": REAL,
            }
        ],
        "numbers": [
            {
                "variable": str,
                "n": [int],
                "mean": [REAL],
                "std_dev": [REAL],
                "median?": [REAL],
                "lower_quartile?": [REAL],
                "upper_quartile?": [REAL],
            }
        ],
        "missing_values": {str: {"counts": [int], "total": int}},
        "tests": {str: {"name": str, "p_value": REAL, "statistic": REAL, "df": (int, type(None))}},
    },
    "flow": {
        "kind": str,
        "n": int,
        "missing": int,
        "steps": [str],
        "boxes": [
            {
                "depth": int,
                "step": (str, type(None)),
                "level": (str, type(None)),
                "path": {str: (str, type(None))},
                "n": int,
                "percent": REAL,
            }
        ],
        "warnings": [str],
    },
    "event_table": {
        "kind": str,
        "endpoint": str,
        "events": int,
        **TABLE,
        "rows": [EVENT_ROW],
        "censored": EVENT_ROW,
    },
}

CONTRACT["fine_gray"] = {
    **CONTRACT["cox"],
    "competing": int,
    "censoring": str,
}
POOLED = dict.fromkeys(("coef", "std_err", "hazard_ratio", "lower", "upper", "p_value"), REAL)
CONTRACT["heterogeneity"] = {
    "kind": str,
    "endpoint": str,
    "cause?": str,
    **dict.fromkeys(("effect", "of_level", "reference", "ties"), str),
    **dict.fromkeys(("n", "events", "missing", "coefficients", "sites"), int),
    "strata": [str],
    "level": float,
    "levels": [{"term": str, "level": str, "n": int, "events": int}],
    "fixed": POOLED,
    "random": POOLED,
    "test": {"statistic": REAL, "df": int, "p_value": REAL},
    "i_squared": REAL,
    "tau_squared": REAL,
    "by?": str,
    "groups?": [{"level": str, "sites": int, "effect": POOLED}],
    "between?": TEST,
    "warnings": [str],
}

CONTRACT["univariate"] = {
    "kind": str,
    "endpoint": str,
    "n": int,
    "events": int,
    "missing": int,
    "ci": str,
    "level": float,
    "strata": [str],
    "all_patients": CONTRACT["kaplan_meier"],
    "factors": [
        {"factor": str, "curves": CONTRACT["kaplan_meier"], "model?": CONTRACT["cox"]},
    ],
    "warnings": [str],
}
CONTRACT["landmark"] = {
    "kind": str,
    "endpoint": str,
    "at": float,
    "exposure": str,
    "n": int,
    "events": int,
    "missing": int,
    "ended": int,
    "curves?": CONTRACT["kaplan_meier"],
    "model?": CONTRACT["cox"],
    "warnings": [str],
}


def keeps_contract(result: dict[str, Any]) -> None:
    """Raise where a result does not keep the contract of its kind."""
    _keeps(CONTRACT[result["kind"]], result, result["kind"])


def _keeps(promised: Any, found: Any, where: str) -> None:
    if promised is REAL:
        assert found is None or type(found) is float, f"{where}: {found!r} is no real"
    elif isinstance(promised, list):
        assert isinstance(found, list), f"{where}: {found!r} is no list"
        for index, item in enumerate(found):
            _keeps(promised[0], item, f"{where}[{index}]")
    elif isinstance(promised, dict) and str in promised:
        assert isinstance(found, dict), f"{where}: {found!r} is no mapping"
        for key, item in found.items():
            _keeps(promised[str], item, f"{where}.{key}")
    elif promised is FOLLOWED and found is None:
        return
    elif isinstance(promised, dict):
        assert isinstance(found, dict), f"{where}: {found!r} is no mapping"
        asked = {key.removesuffix("?"): item for key, item in promised.items()}
        always = {key for key in promised if not key.endswith("?")}
        assert always <= set(found) <= set(asked), f"{where}: {sorted(found)}"
        for key, item in found.items():
            _keeps(asked[key], item, f"{where}.{key}")
    else:
        allowed = promised if isinstance(promised, tuple) else (promised,)
        assert type(found) in allowed, f"{where}: {found!r} is no {promised}"
