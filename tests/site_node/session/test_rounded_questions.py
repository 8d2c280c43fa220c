"""What a site refuses of a plan with rounded results: sums besides the survey, and a computation that does not follow from it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.common.estimators.cohorts import random_cohort, study_of

from riskset_common.errors import ProtocolRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.rounds.survey import QUESTIONS, survey_sections
from riskset_node.policy import Policy
from riskset_node.session.counting import counting_parts
from riskset_node.session.questions import answer_to

STUDY = study_of({"kind": "kaplan_meier", "endpoint": "EFS"}, 5, disclosure={"release": "rounded"})
CURVES = canonical_json({"asked": {"n_steps": 8, "counted": False}})


def joined(asked=(), verified=None):
    session = SimpleNamespace(frozen=(1, 2, 3))
    asked = dict.fromkeys(asked, survey_sections(STUDY))
    return SimpleNamespace(study=STUDY, asked=asked, verified=verified or {}, session=session)


def request(number=1, questions=QUESTIONS):
    return SimpleNamespace(round=number, questions=questions, sections=survey_sections(STUDY))


def test_the_survey_is_answered_with_one_mark_for_each_origin():
    patients, *_ = random_cohort(2).patients(STUDY)

    summary = answer_to(request(), joined(), Policy())(patients)

    assert survey_sections(STUDY) == summary.sections
    assert 1 == summary.counts.sum()
    assert [] == summary.reals.tolist()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(questions=CURVES), "no plan with rounded results has"),
        (request(number=2), "a second time"),
    ],
    ids=["curves", "twice"],
)
def test_other_sums_are_refused(asked, said):
    with pytest.raises(ProtocolRefusal, match=said):
        answer_to(asked, joined(asked=range(1, asked.round)), Policy())


@pytest.mark.parametrize(
    ("rounds", "here", "said"),
    [
        (((1, 1),), joined(asked=[1]), "begins with opened sums"),
        ((), joined(), "before this site was asked and shown the survey"),
        ((), joined(asked=[1]), "before this site was asked and shown the survey"),
    ],
    ids=["with sums", "not asked", "not shown"],
)
def test_a_computation_that_does_not_follow_the_survey_is_refused(rounds, here, said):
    begin: Any = SimpleNamespace(rounds=rounds)
    nobody: Any = None
    with pytest.raises(ProtocolRefusal, match=said):
        counting_parts(begin, here, nobody, nobody, nobody)
