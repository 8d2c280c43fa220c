"""Results of every kind keep the types of results: they read back, and are then written byte for byte as before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import Cohort, each_cohort, random_cohort
from tests.common.estimators.pooling import result_of
from tests.common.results.kept_types import keeps_types

from riskset_common.estimators.read_back import analysis_from_json
from riskset_common.results.as_json import to_text

N_SITES = 5
COHORTS = {**each_cohort(), "usual": random_cohort(4, n=300)}


@pytest.mark.parametrize("cohort", COHORTS.values(), ids=list(COHORTS))
@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
def test_a_result_reads_back_as_it_was_written(analysis: dict[str, Any], cohort: Cohort) -> None:
    result = result_of(analysis, cohort, N_SITES)
    keeps_types(result)

    assert to_text(result) == to_text(analysis_from_json(result))
