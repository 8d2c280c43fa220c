"""When the deaths of blind models, and what sites are shown, are asked: not beside more numbers than their own."""

from __future__ import annotations

import pytest
from tests.server.run.test_run_rounds import ROSTER

from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.estimator import AnyRequest, Request
from riskset_common.estimators.regression.questions.asked import AskCox
from riskset_common.estimators.regression.questions.deaths import AskDeaths, Waiting
from riskset_common.estimators.regression.questions.surveying import AskSurvey
from riskset_common.planning.read import ReleasePlan
from riskset_common.rounds.questions import sites_of
from riskset_common.study.codebook import read_codebook
from riskset_common.study.study import Study
from riskset_embedded.demos.lung import study_folder
from riskset_server.run.blind_models import asked_next


@pytest.fixture(scope="module")
def study() -> Study:
    """The lung study with a curve and a model without site strata."""
    plan = ReleasePlan.model_validate(
        {
            "plan": "p",
            "version": "1.0.0",
            "codebook": "ncctg-lung@1",
            "time": {"unit": "days"},
            "conventions": "r",
            "endpoints": {
                "OS": {
                    "label": "OS",
                    "time": {"variable": "time"},
                    "status": {"variable": "status", "events": {"death": ["dead"]}},
                }
            },
            "analyses": [
                {"id": "curve", "kind": "kaplan_meier", "endpoint": "OS", "by": "sex"},
                {"id": "model", "kind": "cox", "endpoint": "OS", "terms": [{"factor": "sex"}]},
            ],
        }
    )
    words = read_codebook(study_folder("lung") / "codebook.yaml")
    return Study(plan, words, sites_of(ROSTER))


def requests(study: Study, curve: AskCounts, model: AskCox) -> dict[str, AnyRequest]:
    return {
        "curve": Request(study.plan.analysis("curve"), study, curve),
        "model": Request(study.plan.analysis("model"), study, model),
    }


@pytest.mark.parametrize(
    ("curve", "model", "expected"),
    [
        (AskCounts(), AskSurvey(), ["curve", "model"]),
        (AskCounts(n_steps=1024), AskDeaths(n_steps=1024), ["curve"]),
        (AskCounts(n_steps=1024), AskSurvey(), ["curve"]),
        (AskCounts(n_steps=1024), Waiting(n_steps=1024), ["curve"]),
        (AskCounts(n_steps=4), AskDeaths(n_steps=1024), ["curve", "model"]),
    ],
)
def test_deaths_are_not_asked_beside_more_numbers_than_their_own(
    study: Study, curve: AskCounts, model: AskCox, expected: list[str]
) -> None:
    assert expected == list(asked_next(requests(study, curve, model)))


def test_deaths_are_asked_where_nothing_else_is_left(study: Study) -> None:
    (_, model) = requests(study, AskCounts(), AskDeaths(n_steps=1024)).values()

    assert ["model"] == list(asked_next({"model": model}))
