"""What pooled counts must keep: every kind of analysis keeps it, and a report that contradicts itself shows in the sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import random_cohort, study_of

from riskset_common.errors import EstimationError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.rounds.consistency import check_pooled

NUMBERS: dict[str, Any] = {
    "kind": "baseline",
    "by": "arm",
    "rows": ["sex", {"number": "age", "bin_width": 1}],
}
FLOW: dict[str, Any] = {"kind": "flow", "steps": ["sex", "arm"]}
COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "EFS",
    "terms": [{"number": "age"}, {"factor": "arm"}, {"factor": "sex"}],
    "interaction": ["arm", "sex"],
    "strata": ["site"],
}


def first_round(analysis: dict[str, Any]) -> tuple[Any, dict[str, np.ndarray]]:
    """The first question, and the pooled answer of five sites."""
    study = study_of(analysis, 5)
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    request = estimator.first(spec, study)
    found = [estimator.summarise(site, request) for site in random_cohort(1).patients(study)]
    return request, {name: np.asarray(sum(each[name] for each in found)) for name in found[0]}


@pytest.mark.parametrize("analysis", [NUMBERS, FLOW, COX], ids=lambda each: each["kind"])
def test_pooled_counts_of_honest_sites_agree(analysis: dict[str, Any]) -> None:
    request, pooled = first_round(analysis)
    known: dict[str, int] = {}
    check_pooled({"asked": request}, {"asked": pooled}, known)

    assert [150] == list(known.values())


@pytest.mark.parametrize(
    ("analysis", "array", "place", "said"),
    [
        (NUMBERS, "bins", (40, 1), "the bins of age do not add up"),
        (NUMBERS, "known", (0, 2), "the bins of age do not add up"),
        (COX, "by_level", (0, 2), "the levels of age do not add up"),
        (COX, "by_level", (1, 6), "the levels of arm do not add up"),
        (COX, "by_level", (0, 11), "the levels of arm:sex do not add up"),
    ],
)
def test_one_patient_too_many_shows(
    analysis: dict[str, Any], array: str, place: tuple[int, int], said: str
) -> None:
    request, pooled = first_round(analysis)
    pooled[array][place] += 1

    with pytest.raises(EstimationError, match=said):
        check_pooled({"asked": request}, {"asked": pooled}, {})


def test_a_number_cannot_be_known_of_more_patients_than_there_are() -> None:
    request, pooled = first_round(NUMBERS)
    pooled["known"][0, 0] += 200

    with pytest.raises(EstimationError, match="age is known of more patients"):
        check_pooled({"asked": request}, {"asked": pooled}, {})


def test_a_flow_counts_the_people_of_the_other_analyses() -> None:
    request, pooled = first_round(FLOW)
    of_model, sums = first_round(COX)
    pooled["cells"][0, 0] += 1

    with pytest.raises(EstimationError, match="another number of patients"):
        check_pooled({"a": of_model, "b": request}, {"a": sums, "b": pooled}, {})
