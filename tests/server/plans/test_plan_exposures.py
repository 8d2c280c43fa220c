"""Exposures by a time without conditions, of which whoever signs the plan is warned."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.estimators.cohorts import study_of

from riskset_server.plans.exposures import everybody_exposed

COX: dict[str, Any] = {"kind": "cox", "endpoint": "EFS", "strata": ["site"]}
LANDMARK: dict[str, Any] = {"kind": "landmark", "endpoint": "EFS", "at": 2, "exposure": "dose"}
WHERE = {"arm": ["B"]}


@pytest.mark.parametrize(
    ("analysis", "key"),
    [
        (COX | {"terms": [{"exposure": "dose"}]}, "write who was: where: {CATEGORY: [LEVEL]}"),
        (LANDMARK, "write who was: exposure_where: {CATEGORY: [LEVEL]}"),
    ],
)
def test_a_time_without_conditions_is_a_warning(analysis: dict[str, Any], key: str) -> None:
    [warning] = everybody_exposed(study_of(analysis, 5))

    assert "analysis asked: everybody who has a time in dose counts as exposed" in warning
    assert key in warning


@pytest.mark.parametrize(
    "analysis",
    [
        COX | {"terms": [{"exposure": "dose", "where": WHERE}]},
        COX | {"terms": [{"factor": "arm"}]},
        LANDMARK | {"exposure_where": WHERE},
    ],
)
def test_nothing_is_said_of_one_with_conditions(analysis: dict[str, Any]) -> None:
    assert [] == list(everybody_exposed(study_of(analysis, 5)))
