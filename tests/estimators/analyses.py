"""Analyses of every kind: those that count, and those whose strata are the sites."""

from __future__ import annotations

from typing import Any

COUNTED: dict[str, dict[str, Any]] = {
    "curves": {"kind": "kaplan_meier", "endpoint": "EFS", "at": [0, 3, 9], "rmean": 7},
    "curves by group": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": ["arm", "sex"],
        "at": [2.5],
        "quantiles": [0.25, 0.5, 0.75],
        "ci": "log-log",
    },
    "log-rank": {"kind": "kaplan_meier", "endpoint": "EFS", "by": "arm", "test": "log_rank"},
    "stratified log-rank under left truncation": {
        "kind": "kaplan_meier",
        "endpoint": "LATE",
        "by": "arm",
        "strata": ["sex"],
        "test": "log_rank",
        "at": [4],
    },
    "a group of one level": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": "one_level",
        "test": "log_rank",
    },
    "cause-specific log-rank": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "cause": "relapse",
        "by": "arm",
        "test": "log_rank",
    },
    "cumulative incidence": {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "by": ["arm"],
        "at": [0, 3, 9],
        "test": "gray",
    },
    "cumulative incidence of one cause under left truncation": {
        "kind": "cumulative_incidence",
        "endpoint": "LATE",
        "causes": "death",
        "at": [4],
        "ci": "log-log",
    },
    "stratified weighted Gray's test": {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "causes": ["death"],
        "by": ["arm", "one_level"],
        "strata": ["sex"],
        "test": {"gray": {"rho": 1}},
    },
    "follow-up": {"kind": "follow_up", "endpoint": "EFS"},
    "follow-up under left truncation of a population": {
        "kind": "follow_up",
        "endpoint": "LATE",
        "population": "women",
    },
    "baseline": {
        "kind": "baseline",
        "by": "arm",
        "rows": ["sex", "hospital", "one_level"],
        "test": "chi_square",
    },
    "baseline of some": {"kind": "baseline", "rows": ["arm"], "where": {"sex": ["male"]}},
    "event table": {"kind": "event_table", "endpoint": "LATE", "by": ["sex", "arm"]},
}
"""Estimators that are functions of counts: not a bit may differ."""

STRATIFIED: dict[str, dict[str, Any]] = {
    "log-rank": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": "arm",
        "test": "log_rank",
        "strata": ["site"],
    },
    "log-rank within sites and sexes under left truncation": {
        "kind": "kaplan_meier",
        "endpoint": "LATE",
        "by": "arm",
        "test": "log_rank",
        "strata": ["sex", "site"],
    },
    "Gray": {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "by": "arm",
        "test": "gray",
        "strata": ["site"],
    },
    "Gray for one cause within sites and sexes": {
        "kind": "cumulative_incidence",
        "endpoint": "EFS",
        "causes": ["death"],
        "by": "arm",
        "test": {"gray": {"rho": -1}},
        "strata": ["sex", "site"],
    },
    "cause-specific Cox": {
        "kind": "cox",
        "endpoint": "EFS",
        "cause": "death",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "strata": ["site"],
    },
    "Cox": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"factor": "arm"}, {"factor": "sex"}, {"number": "age"}],
        "strata": ["site"],
    },
    "Cox with an interaction, more strata and left truncation": {
        "kind": "cox",
        "endpoint": "LATE",
        "terms": [{"factor": "arm", "reference": "B"}, {"number": "age"}, {"number": "dose"}],
        "interaction": ["arm", "age"],
        "strata": ["site", "sex"],
        "ties": "breslow",
    },
}
"""Estimators whose strata are the sites: the sites' share is a sum of reals."""

ALL = COUNTED | {f"{name} within sites": each for name, each in STRATIFIED.items()}
