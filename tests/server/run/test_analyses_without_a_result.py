"""One analysis of a plan that cannot be carried out is withheld with its sentence; the other is what it would be alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import random_cohort, study_of
from tests.common.estimators.pooling import result_of, summary_of
from tests.server.run.test_run_rounds import joined, started

from riskset_common.errors import ContradictionError, EstimationError
from riskset_common.estimators.catalogue import ESTIMATORS, estimator_of
from riskset_common.estimators.estimator import AnyRequest, Estimator, Request, Summary
from riskset_common.results.as_json import as_json
from riskset_common.results.shown import NO_RESULT, Withheld, WithheldAnalysis
from riskset_common.rounds.questions import questions_json
from riskset_common.rounds.verified_sums import add_verified
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_server.run.asking import advanced
from riskset_server.run.run import Progress

N_SITES = 5
SAID = "There is nothing to be told."
EXAMPLES = {analysis["kind"]: analysis for analysis in ALL.values()}
each_kind = pytest.mark.parametrize("kind", EXAMPLES)


@pytest.fixture
def begun(tmp_path: Path) -> Progress:
    """A run of which nothing is asked yet."""
    return joined(started(tmp_path))[1].progress


class Asked:
    """One analysis of a plan, its study, and what its sites have seen opened."""

    def __init__(self, analysis: dict[str, Any]) -> None:
        self.study: Study = study_of(analysis, N_SITES)
        self.sites: list[Patients] = random_cohort(1).patients(self.study)
        self.verified: dict[str, Summary] = {}

    def first(self) -> AnyRequest:
        [spec] = self.study.plan.analyses
        return estimator_of(spec.kind).first(spec, self.study)

    def pooled(self, request: AnyRequest) -> Summary:
        """The sum of all sites' answers."""
        asked = questions_json({request.spec.id: request})
        answers = [summary_of(each, self.study, asked, self.verified) for each in self.sites]
        total = {name: np.asarray(sum(each[name] for each in answers)) for name in answers[0]}
        self.verified = dict(add_verified(self.verified, self.study, {request.spec.id: total}))
        return total


def finished(begun: Progress, analysis: dict[str, Any]) -> Progress:
    """The run of a plan that asks the analysis twice, to its end."""
    both = {name: Asked(analysis) for name in ("broken", "whole")}
    requests = {name: each.first() for name, each in both.items()}
    progress = Progress(begun.joined, 0, None, begun.label, requests, {}, {})
    while progress.unfinished:
        asked = progress.unfinished
        pooled = {name: both[name].pooled(request) for name, request in asked.items()}
        progress = advanced(progress, asked, pooled)
    return progress


def broken(
    monkeypatch: pytest.MonkeyPatch, kind: str, error: EstimationError, in_round: int
) -> None:
    """Let the first analysis that reaches a round of its kind raise an error there, and no other."""
    of: type[Estimator[Any, Any, Any]] = type(estimator_of(kind))
    step, asked = of.next, {"times": 0, "raised": 0}

    def breaking(self: Any, request: Request[Any, Any], pooled: Summary) -> Any:
        # The two analyses are asked in turn, the broken one first.
        asked["times"] += 1
        if not asked["raised"] and (asked["times"] + 1) // 2 == in_round:
            asked["raised"] = 1
            raise error
        return step(self, request, pooled)

    monkeypatch.setattr(of, "next", breaking)


@each_kind
@pytest.mark.parametrize("in_round", [1, 2])
def test_an_analysis_that_fails_is_withheld_and_the_other_goes_on(
    begun: Progress, monkeypatch: pytest.MonkeyPatch, kind: str, in_round: int
) -> None:
    alone = result_of(EXAMPLES[kind], random_cohort(1), N_SITES)
    broken(monkeypatch, kind, EstimationError(SAID), in_round)
    ended = finished(begun, EXAMPLES[kind]).finished
    found = ended["broken"]

    assert as_json(ended["whole"]) == alone
    if in_round == 1:
        assert isinstance(found, WithheldAnalysis)
    if isinstance(found, WithheldAnalysis):
        assert (kind, (SAID,)) == (found.kind, found.warnings)
        assert {Withheld(NO_RESULT)} == set(found.fields.values())


@each_kind
def test_counts_that_contradict_themselves_end_the_run(
    begun: Progress, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    broken(monkeypatch, kind, ContradictionError(SAID), 1)

    with pytest.raises(ContradictionError, match=SAID):
        finished(begun, EXAMPLES[kind])


def test_every_kind_is_tried() -> None:
    assert {each.kind for each in ESTIMATORS} == set(EXAMPLES)
