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
    "Gehan with all pairs": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": "arm",
        "test": "gehan",
        "pairwise": True,
    },
    "trend by Fleming-Harrington in strata, and differences": {
        "kind": "kaplan_meier",
        "endpoint": "LATE",
        "by": ["arm", "sex"],
        "strata": ["hospital"],
        "at": [2, 5],
        "rmean": 6,
        "contrast": ["survival", "rmean"],
        "test": {"trend": {"log_rank": {"rho": 0.5, "gamma": 1}}},
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
    "follow-up with range and completeness under left truncation": {
        "kind": "follow_up",
        "endpoint": "LATE",
        "range": True,
        "completeness": "dose",
    },
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
    "baseline with an exact test": {
        "kind": "baseline",
        "by": "sex",
        "rows": ["arm", "one_level"],
        "test": "fisher",
    },
    "baseline of some": {"kind": "baseline", "rows": ["arm"], "where": {"sex": ["male"]}},
    "flow": {"kind": "flow", "steps": ["enrolled", "sex", "arm", "one_level"]},
    "univariate": {
        "kind": "univariate",
        "endpoint": "EFS",
        "factors": ["arm", "sex", "one_level"],
        "at": [3],
        "test": "tarone_ware",
    },
    "landmark curves": {
        "kind": "landmark",
        "endpoint": "LATE",
        "at": 2,
        "exposure": "dose",
        "horizons": [4],
        "test": "log_rank",
        "rmean": 6,
        "contrast": "rmean",
    },
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
    "Gehan with all pairs": {
        "kind": "kaplan_meier",
        "endpoint": "LATE",
        "by": "arm",
        "test": "gehan",
        "pairwise": True,
        "strata": ["site"],
    },
    "trend by Peto": {
        "kind": "kaplan_meier",
        "endpoint": "EFS",
        "by": "arm",
        "test": {"trend": "peto"},
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
        "interaction_test": "likelihood_ratio",
        "strata": ["site", "sex"],
        "ties": "breslow",
    },
    "Cox with a test of proportional hazards by Kaplan-Meier": {
        "kind": "cox",
        "endpoint": "LATE",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "ph_test": "km",
        "strata": ["site"],
    },
    "Cox with a test of proportional hazards by time": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "ph_test": "identity",
        "strata": ["site", "sex"],
        "ties": "breslow",
    },
    "Cox with an offset": {
        "kind": "cox",
        "endpoint": "LATE",
        "terms": [{"factor": "sex"}],
        "offset": "age",
        "strata": ["site"],
    },
    "Cox under Firth's penalty": {
        "kind": "cox",
        "endpoint": "LATE",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "penalty": "firth",
        "strata": ["site"],
    },
    "Fine-Gray": {
        "kind": "fine_gray",
        "endpoint": "EFS",
        "cause": "relapse",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "strata": ["site"],
    },
    "Fine-Gray with censoring within sites and sexes": {
        "kind": "fine_gray",
        "endpoint": "EFS",
        "cause": "death",
        "terms": [{"factor": "arm"}, {"number": "dose"}],
        "interaction": ["arm", "dose"],
        "strata": ["site", "sex"],
        "censoring": "strata",
        "ties": "breslow",
    },
    "Cox with an exposure that begins during follow-up": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"exposure": "dose"}, {"factor": "arm"}],
        "interaction": ["arm", "dose"],
        "strata": ["site"],
    },
    "Cox with an exposure that has conditions": {
        "kind": "cox",
        "endpoint": "EFS",
        "terms": [{"exposure": "dose", "where": {"hospital": [0, 1, 2], "arm": ["A", "B"]}}],
        "strata": ["site"],
    },
    "Cox with two exposures under left truncation": {
        "kind": "cox",
        "endpoint": "LATE",
        "cause": "death",
        "terms": [{"exposure": "dose"}, {"exposure": "age"}, {"factor": "sex"}],
        "strata": ["site"],
        "ties": "breslow",
    },
    "univariate with models": {
        "kind": "univariate",
        "endpoint": "EFS",
        "factors": ["arm", "sex"],
        "at": [20],
        "test": "log_rank",
        "strata": ["site"],
    },
    "landmark model": {
        "kind": "landmark",
        "endpoint": "EFS",
        "at": 12,
        "exposure": "dose",
        "terms": [{"factor": "sex"}],
        "strata": ["site"],
    },
}
"""Estimators whose strata are the sites: the sites' share is a sum of reals."""

OF_SITES: dict[str, dict[str, Any]] = {
    "heterogeneity among sites": {
        "kind": "heterogeneity",
        "endpoint": "EFS",
        "terms": [{"factor": "sex"}, {"number": "age"}],
        "strata": ["arm"],
    },
}
"""Estimators of what is different between sites, for which another split is another question."""

ALL = COUNTED | {f"{name} within sites": each for name, each in STRATIFIED.items()} | OF_SITES

BLIND: dict[str, dict[str, Any]] = {
    "blind Cox with a test of proportional hazards by rank": {
        "kind": "cox",
        "endpoint": "LATE",
        "terms": [{"factor": "arm"}, {"number": "age"}],
        "interaction": ["arm", "age"],
        "strata": ["sex"],
        "ph_test": "rank",
    },
    "univariate with blind models": {
        "kind": "univariate",
        "endpoint": "EFS",
        "factors": ["arm", "sex"],
        "hazard_ratios": True,
    },
    "blind landmark model": {
        "kind": "landmark",
        "endpoint": "EFS",
        "at": 2,
        "exposure": "dose",
        "terms": [{"factor": "sex"}, {"number": "age"}],
    },
}
"""Models whose risk sets reach across sites: their rounds end where they wait to be computed on shares."""
