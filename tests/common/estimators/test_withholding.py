"""An analysis that is not asked says why in a sentence that is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import summary_of

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.withholding import stepped
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.rounds.questions import questions_json

COX = {"kind": "cox", "endpoint": "EFS", "terms": [{"factor": "arm"}, {"number": "age"}], "strata": ["site"]}  # fmt: skip


@pytest.mark.parametrize(
    ("least", "said"),
    [
        (1, "Not asked: fewer events than the model's coefficients, of which there are 3."),
        (5, "Not asked: fewer than 5 events for each of the model's coefficients, of which there are 3."),
    ],
)  # fmt: skip
def test_a_model_with_too_few_events_says_how_many_it_needs(least: int, said: str) -> None:
    study = study_of(COX, 5, disclosure={"release": "exact", "minimum_events_per_term": least})
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    first: Any = estimator.first(spec, study)
    asked = questions_json({spec.id: first})
    sites = [
        summary_of(patients, study, asked, {}) for patients in random_cohort(1).patients(study)
    ]
    pooled = {name: np.asarray(sum(each[name] for each in sites)) for name in sites[0]}
    found = stepped(estimator, first, pooled | {"events": np.asarray(2)})

    assert isinstance(found, WithheldAnalysis)
    assert found.warnings == (f"{said} Ask for fewer terms.",)
