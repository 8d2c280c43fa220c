"""One analysis over sites in memory: questions as they travel, summaries checked against their promised shapes, and their plain sum."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.common.estimators.cohorts import Cohort, study_of

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request, Ring
from riskset_common.results.as_json import to_text
from riskset_common.rounds.questions import questions_json, read_questions
from riskset_common.rounds.verified_sums import VerifiedSums, add_verified
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

DTYPES = {Ring.COUNTS: np.dtype(np.int64), Ring.REALS: np.dtype(np.float64)}


@dataclass(frozen=True)
class Pooled:
    """The result as results.json has it, the questions of each round, and the sums that sites keep for later ones."""

    result: dict[str, Any]
    questions: list[Any]
    verified: VerifiedSums


def summary_of(
    patients: Patients, study: Study, questions: bytes, verified: VerifiedSums | None = None
) -> Mapping[str, np.ndarray]:
    """A site's answer, which must have the names, order, shapes and types that the question promises."""
    [request] = read_questions(study, questions, verified).values()
    estimator = estimator_of(request.spec.kind)
    promised = estimator.shapes(request)
    found = {
        name: np.asarray(each) for name, each in estimator.summarise(patients, request).items()
    }

    assert {name: (shape.shape, DTYPES[shape.ring]) for name, shape in promised.items()} == {
        name: (each.shape, each.dtype) for name, each in found.items()
    }
    return found


def pool(study: Study, sites: Sequence[Patients]) -> Pooled:
    """Ask and add until there is a result."""
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    request: Any = estimator.first(spec, study)
    questions: list[Any] = []
    verified: VerifiedSums = {}
    while isinstance(request, Request):
        asked = questions_json({spec.id: request})
        questions.append(json.loads(asked)[spec.id])
        summaries = [summary_of(patients, study, asked, verified) for patients in sites]
        total = {name: np.asarray(sum(each[name] for each in summaries)) for name in summaries[0]}
        verified = add_verified(verified, study, {spec.id: total})
        request = estimator.next(request, total)
    return Pooled(json.loads(to_text({"asked": request}))["asked"], questions, verified)


def result_of(
    analysis: Mapping[str, Any], cohort: Cohort, n_sites: int, **changes: Any
) -> dict[str, Any]:
    """The result of one analysis of a cohort that is split into its sites, or pooled in one."""
    study = study_of(analysis, n_sites, **changes)
    return pool(study, cohort.patients(study)).result


def assert_close(expected: Any, actual: Any, tolerance: float = 1e-9, where: str = "") -> None:
    """Equal, numbers to a share of themselves; what is next to nothing, to a thousandth of that."""
    if isinstance(expected, dict):
        assert list(expected) == list(actual), where
        for key in expected:
            assert_close(expected[key], actual[key], tolerance, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(expected) == len(actual), where
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            assert_close(one, other, tolerance, f"{where}[{index}]")
    elif isinstance(expected, float) and actual is not None:
        np.testing.assert_allclose(
            actual, expected, rtol=tolerance, atol=tolerance * 1e-3, err_msg=where
        )
    else:
        assert expected == actual, where
