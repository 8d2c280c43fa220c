"""The bytes of every question as it travels: whichever class holds a question, sites and centre of one release write and read it alike."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import pool

from riskset_common.formats.canonical_json import canonical_json
from riskset_common.rounds.questions import questions_json, read_questions

MODEL: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"factor": "sex"}],
    "strata": ["site"],
}
CROSSED = MODEL | {
    "terms": [{"factor": "sex"}, {"factor": "one_level"}],
    "interaction": ["sex", "one_level"],
    "interaction_test": "likelihood_ratio",
}
FACTORS: dict[str, Any] = {
    "kind": "univariate",
    "endpoint": "EFS",
    "factors": ["sex"],
    "hazard_ratios": True,
}
AT_LANDMARK: dict[str, Any] = {
    "kind": "landmark",
    "endpoint": "EFS",
    "at": 2,
    "exposure": "dose",
    "terms": [{"factor": "sex"}],
}
FINE_GRAY: dict[str, Any] = MODEL | {"kind": "fine_gray", "cause": "relapse"}

SURVEY = b'{"beta":[],"clusters":false,"count_steps":null,"exponent":null,"mains":[],"n_steps":null,"times":false,"waits":false}'
DEATHS = b'{"beta":[],"clusters":false,"count_steps":null,"exponent":null,"mains":[],"n_steps":8,"times":false,"waits":false}'
WAITING = b'{"beta":[],"clusters":false,"count_steps":null,"exponent":null,"mains":[],"n_steps":8,"times":false,"waits":true}'
AT_BETA = b'{"beta":[0.5],"clusters":false,"count_steps":null,"exponent":[-1],"mains":[],"n_steps":null,"times":false,"waits":false}'
COUNTING = b'{"beta":[0],"clusters":false,"count_steps":16,"exponent":[1],"mains":[],"n_steps":null,"times":false,"waits":false}'
CLUSTERS = b'{"beta":[0.5],"clusters":true,"count_steps":null,"exponent":[1],"mains":[],"n_steps":null,"times":false,"waits":false}'
TIMES = b'{"beta":[0.5],"clusters":false,"count_steps":null,"exponent":[1],"mains":[],"n_steps":null,"times":true,"waits":false}'
BESIDE = b'{"beta":[0.5],"clusters":false,"count_steps":null,"exponent":[1],"mains":[0.25],"n_steps":null,"times":false,"waits":false}'
ALONE = b'{"beta":[],"clusters":false,"count_steps":null,"exponent":[1],"mains":[0.25],"n_steps":null,"times":false,"waits":false}'
GRID = b'{"counted":false,"n_steps":null}'
COUNTS = b'{"counted":false,"n_steps":16}'
ONLY_BESIDE = b'{"counted":true,"n_steps":16}'

QUESTIONS: dict[str, tuple[dict[str, Any], bytes]] = {
    "survey": (MODEL, SURVEY),
    "likelihood": (MODEL, AT_BETA),
    "likelihood beside counts": (MODEL | {"ph_test": "rank"}, COUNTING),
    "clusters": (MODEL | {"robust": "site"}, CLUSTERS),
    "times": (MODEL | {"ph_test": "log"}, TIMES),
    "main effects beside the model": (CROSSED, BESIDE),
    "main effects alone": (CROSSED, ALONE),
    "survey of a blind model": (MODEL | {"strata": []}, SURVEY),
    "deaths": (MODEL | {"strata": []}, DEATHS),
    "a model that waits": (MODEL | {"strata": []}, WAITING),
    "survey of Fine-Gray": (FINE_GRAY, SURVEY),
    "censorings": (FINE_GRAY, COUNTING),
    "likelihood of Fine-Gray": (FINE_GRAY, AT_BETA),
    "residuals of Fine-Gray": (FINE_GRAY, CLUSTERS),
    "the length of a grid": ({"kind": "kaplan_meier", "endpoint": "EFS"}, GRID),
    "counts": ({"kind": "cumulative_incidence", "endpoint": "EFS"}, COUNTS),
    "person-time": (
        {"kind": "follow_up", "endpoint": "EFS", "completeness": "dose"},
        ONLY_BESIDE,
    ),
    "parts": (FACTORS, b'{"curves":{"sex":%b},"models":{"sex":%b}}' % (COUNTS, DEATHS)),
    "parts of which one waits": (
        FACTORS,
        b'{"curves":{"_":%b},"models":{"sex":%b}}' % (COUNTS, WAITING),
    ),
    "a model at a landmark": (
        AT_LANDMARK,
        b'{"curves":{},"ended":true,"models":{"landmark":%b}}' % SURVEY,
    ),
    "sites with an estimate": (
        {"kind": "heterogeneity", "endpoint": "EFS", "terms": [{"factor": "sex"}]},
        b'{"asks":"sites"}',
    ),
    "cells": ({"kind": "baseline", "rows": ["sex"]}, b"{}"),
}


@pytest.mark.parametrize(("analysis", "question"), QUESTIONS.values(), ids=list(QUESTIONS))
def test_a_question_travels_in_the_bytes_of_this_release(
    analysis: dict[str, Any], question: bytes
) -> None:
    travelling = b'{"asked":%b}' % question
    requests = read_questions(study_of(analysis, 5), travelling)

    assert travelling == questions_json(requests)


def without_reals(question: Any) -> Any:
    """A question with 0 in place of each coefficient, whose last digits belong to a machine."""
    if isinstance(question, dict):
        return {name: without_reals(each) for name, each in question.items()}
    if isinstance(question, list):
        return [without_reals(each) for each in question]
    return 0.0 if isinstance(question, float) else question


def digest(analysis: dict[str, Any]) -> str:
    """Of the questions that a run leads to, each once."""
    asked = pool(study_of(analysis, 5), random_cohort(1).patients(study_of(analysis, 5))).questions
    seen = dict.fromkeys(canonical_json(without_reals(each)) for each in asked)
    return sha256(b"".join(seen)).hexdigest()[:16]


ASKED: dict[str, str] = {
    "curves": "96f378f7d6f89e3e",
    "curves by group": "96f378f7d6f89e3e",
    "log-rank": "96f378f7d6f89e3e",
    "stratified log-rank under left truncation": "96f378f7d6f89e3e",
    "Gehan with all pairs": "96f378f7d6f89e3e",
    "trend by Fleming-Harrington in strata, and differences": "96f378f7d6f89e3e",
    "a group of one level": "96f378f7d6f89e3e",
    "cause-specific log-rank": "96f378f7d6f89e3e",
    "cumulative incidence": "96f378f7d6f89e3e",
    "cumulative incidence of one cause under left truncation": "96f378f7d6f89e3e",
    "stratified weighted Gray's test": "96f378f7d6f89e3e",
    "follow-up": "96f378f7d6f89e3e",
    "follow-up with range and completeness under left truncation": "96f378f7d6f89e3e",
    "follow-up under left truncation of a population": "96f378f7d6f89e3e",
    "baseline": "44136fa355b3678a",
    "baseline with an exact test": "44136fa355b3678a",
    "baseline of some": "44136fa355b3678a",
    "flow": "44136fa355b3678a",
    "univariate": "750af97ce9783d69",
    "landmark curves": "3e0b3cb3e987ee13",
    "event table": "44136fa355b3678a",
    "log-rank within sites": "96f378f7d6f89e3e",
    "log-rank within sites and sexes under left truncation within sites": "96f378f7d6f89e3e",
    "Gehan with all pairs within sites": "96f378f7d6f89e3e",
    "trend by Peto within sites": "96f378f7d6f89e3e",
    "Gray within sites": "96f378f7d6f89e3e",
    "Gray for one cause within sites and sexes within sites": "96f378f7d6f89e3e",
    "cause-specific Cox within sites": "b3fd3846a19caa57",
    "Cox within sites": "d2ea8c09183a672d",
    "Cox with an interaction, more strata and left truncation within sites": "668a3c79c53d58ee",
    "Cox with a test of proportional hazards by Kaplan-Meier within sites": "0ff93a557575ad3d",
    "Cox with a test of proportional hazards by time within sites": "07eac68f0516813b",
    "Cox with an offset within sites": "06b88c79364c7122",
    "Cox under Firth's penalty within sites": "b3fd3846a19caa57",
    "Fine-Gray within sites": "183056f143a17fdb",
    "Fine-Gray with censoring within sites and sexes within sites": "e8bfac0160c9c04c",
    "Cox with an exposure that begins during follow-up within sites": "fba800330960b3a8",
    "Cox with two exposures under left truncation within sites": "7140a1cf3c7d5319",
    "univariate with models within sites": "ad2e7870aba236f7",
    "landmark model within sites": "fa7cceab183a0223",
    "heterogeneity among sites": "1216a785d9e3a41d",
}
"""By analysis: the digest of its questions, as they were before a question had a class of its own.

Of a kind that came later nothing is recorded: no site has been asked in other bytes.
"""


@pytest.mark.parametrize("name", ASKED)
def test_a_run_asks_in_the_bytes_of_this_release(name: str) -> None:
    assert ASKED[name] == digest(ALL[name])
