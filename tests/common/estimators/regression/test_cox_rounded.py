"""Cox models of plans with rounded results: from the verdicts of their counts to what is printed, against the exact result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.cohorts import Cohort, random_cohort, study_of
from tests.common.estimators.pooling import summary_of
from tests.common.release.rounded import computation, released
from tests.common.secure.blind.blind_parties import channels_of, identity_of, secret, shared

from riskset_common.consortium.roster import Member, Roster
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.regression.rounded import to_its_digits
from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import run as run_program
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Withheld, WithheldAnalysis, exact
from riskset_common.rounds.blind_models import FittedBlind, Session, fits_of
from riskset_common.rounds.counting import Outcome
from riskset_common.rounds.models_on_shares import deaths_of, models_of
from riskset_common.rounds.models_on_shares import released as with_models
from riskset_common.rounds.questions import questions_json
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import from_integers
from riskset_common.secure.blind.parties.counts.course import Reached
from riskset_common.secure.blind.protocol import BlindParty, run_blind_cox
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

N_SITES = 5
DISCLOSURE = {"release": "rounded", "minimum_cell": 3, "minimum_at_risk": 6}
COMMITTEE = Committee((0, 1, 2), 1)
TERMS = [{"factor": "arm", "reference": "B"}, {"factor": "sex"}]
WITH_AGE = [*TERMS, {"number": "age"}]
COX: dict[str, Any] = {"kind": "cox", "endpoint": "EFS", "terms": TERMS}
MODELS: dict[str, dict[str, Any]] = {
    "Efron": COX | {"terms": WITH_AGE},
    "Breslow, strata, a cause and left truncation": COX
    | {
        "endpoint": "LATE",
        "cause": "death",
        "ties": "breslow",
        "terms": TERMS[:1],
        "strata": ["sex"],
    },
    "an interaction that is tested": COX
    | {"interaction": ["arm", "sex"], "interaction_test": "likelihood_ratio", "ties": "breslow"},
    "within sites": COX | {"strata": ["site"], "terms": WITH_AGE},
    "within sites, with an offset": COX | {"strata": ["site"], "terms": TERMS, "offset": "age"},
}


class Setup:
    """The part of a session's set-up that models are bound to."""

    hash = secret("session")


class Held:
    """A member's shares of the counts, as `Kept` gives them."""

    def __init__(self, shares: dict[Any, Any]) -> None:
        self._shares = shares

    def share(self, counted: Any, array: str) -> Any:
        return self._shares[counted, array]


def a_session() -> Session:
    members = tuple(
        Member(site_id=i, name=f"site {i}", study_group="north", public=identity_of(i).public)
        for i in range(N_SITES)
    )
    setup: Any = Setup()
    return Session(setup, Roster(version=1, members=members), tuple(range(N_SITES)), COMMITTEE)


def counted_by(study: Study, sites: list[Patients]) -> tuple[Any, dict[Any, np.ndarray]]:
    """The public facts, and the sums of all counts."""
    work, facts = computation(study, sites)
    return facts, {
        (counted, name): np.sum([counted.of(each, study)[name] for each in sites], axis=0)
        for counted in work.counted(facts)
        for name in counted.arrays(study)
    }


def released_model(study: Study, sites: list[Patients], outcome: Outcome) -> Any:
    """The models of a plan on shares, and what is released of its one analysis."""
    facts, sums = counted_by(study, sites)
    counted = tuple(dict.fromkeys(counted for counted, _ in sums))
    largest: Any = {
        (counted.index(each), name): int(values.max(initial=0))
        for (each, name), values in sums.items()
    }
    reached = Reached(facts, counted, outcome, largest)
    models = models_of(a_session(), study, reached, secret("label"))
    fitted = []
    for blind in models.begun:
        held: list[Any] = [None] * N_SITES
        question: Any = blind.question
        if question.deaths is not None:
            values = sums[question.deaths, "events"]
            shares = shared(COMMITTEE, from_integers(values.ravel().tolist()))
            for member, share in enumerate(shares):
                kept: Any = Held(
                    {(question.deaths, "events"): share.reshape(len(share), *values.shape)}
                )
                held[member] = deaths_of(blind, kept)
        parties = [
            BlindParty(
                i,
                identity_of(i),
                blind.design(patients),
                secret("site", i),
                channels_of(i, N_SITES),
                held[i],
            )
            for i, patients in enumerate(sites)
        ]
        found = run_blind_cox(blind.setup, parties)
        fitted.append(FittedBlind(blind, found.fit, found.further))
    fits = {"asked": fits_of(fitted, models.held, "asked")}
    return with_models(study, outcome, fits)["asked"]


def exact_result(analysis: dict[str, Any], cohort: Cohort) -> CoxResult:
    """The same model by opened sums: of one site with all patients, if its risk sets cross sites."""
    within = "site" in analysis.get("strata", [])
    strata = analysis.get("strata", []) if within else ["site", *analysis.get("strata", [])]
    study = study_of(analysis | {"strata": strata}, N_SITES if within else 1)
    sites = cohort.patients(study)
    [spec] = study.plan.analyses
    estimator = estimator_of("cox")
    request: Any = estimator.first(spec, study)
    while isinstance(request, Request):
        asked = questions_json({spec.id: request})
        found = [summary_of(each, study, asked) for each in sites]
        request = estimator.next(
            request, {name: np.asarray(sum(each[name] for each in found)) for name in found[0]}
        )
    result: CoxResult = request
    return result


@pytest.mark.parametrize("analysis", MODELS.values(), ids=list(MODELS))
def test_a_model_is_printed_as_by_opened_sums(analysis):
    """But for the score test, which comes from two decimals, and for what only one of the two has to say."""
    cohort = random_cohort(3, n=330)
    study = study_of(analysis, N_SITES, disclosure=DISCLOSURE)
    sites = cohort.patients(study)
    outcome = released(study, sites)
    found = released_model(study, sites, outcome)
    expected = to_its_digits(exact_result(analysis, cohort))

    assert isinstance(found, CoxResult)
    assert [term.coef for term in expected.terms] == [term.coef for term in found.terms]
    assert "digits" == found.convergence
    score = abs(found.tests.score.statistic / expected.tests.score.statistic - 1)
    assert score < 0.01
    alike: dict[str, Any] = {
        "strata": expected.strata,
        "iterations": expected.iterations,
        "convergence": expected.convergence,
        "levels": expected.levels,
        "decimals": None,
        "ties_at_most": None,
        "tests": replace(found.tests, score=expected.tests.score),
    }
    assert expected == replace(found, **alike)
    shown = {(each.term, each.level): (each.n, each.events) for each in exact(expected.levels)}
    pairs = {(each.term, each.level): (each.n, each.events) for each in exact(found.levels)}
    assert shown.items() >= pairs.items()


def small(**changes: Any) -> Cohort:
    """A cohort of 400 in which some values are changed."""
    cohort = random_cohort(4, n=400)
    return cohort.with_values(**{name: change(cohort) for name, change in changes.items()})


RULES: dict[str, tuple[dict[str, Any], Cohort]] = {
    "patients_per_level 10: sex": (
        COX,
        small(sex=lambda cohort: (np.arange(400) < 8).astype(np.int64)),
    ),
    "events_per_level 5: sex": (
        COX,
        small(
            sex=lambda cohort: (np.arange(400) < 60).astype(np.int64),
            event=lambda cohort: np.where(
                np.arange(400) < 60, (np.arange(400) < 4) * 1, cohort.event
            ),
        ),
    ),
    "events_per_coefficient 10": (
        COX,
        small(event=lambda cohort: np.where(np.arange(400) % 14 == 0, 1, 0)),
    ),
    "events_outside_largest_level 40": (
        COX | {"terms": [{"factor": "sex"}]},
        small(event=lambda cohort: np.where(np.arange(400) % 8 == 0, cohort.event, 0)),
    ),
    "patients_per_level 10: age": (
        COX | {"terms": WITH_AGE},
        small(age=lambda cohort: (np.arange(400) < 9) * 1.0),
    ),
    "deaths_on_a_day 63": (COX, small(time=lambda cohort: np.minimum(cohort.time, 2))),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_model_that_rests_on_too_little_is_withheld_before_it_is_fitted(rule):
    analysis, cohort = RULES[rule]
    study = study_of(analysis, N_SITES, disclosure=DISCLOSURE)
    found = released(study, cohort.patients(study)).analyses["asked"]

    assert isinstance(found, WithheldAnalysis)
    assert {rule} == {mark.rule for mark in found.fields.values()}


@pytest.mark.parametrize(
    ("case", "is_fitted"),
    [
        ((COX | {"terms": WITH_AGE}, random_cohort(3, n=260)), True),
        ((COX, random_cohort(3, n=260)), False),
        *((case, True) for case in list(RULES.values())[4:]),
    ],
    ids=["shown", "without its fit", "a number", "ties"],
)
def test_what_is_opened_of_the_counts_follows_from_the_result(case, is_fitted):
    """The program at the centre, which knows no count, ends with the same if it is told what the result implies."""
    analysis, cohort = case
    study = study_of(analysis, N_SITES, disclosure=DISCLOSURE)
    sites = cohort.patients(study)
    outcome = released(study, sites)
    [spec] = study.plan.analyses
    estimator = estimator_of("cox")
    reached = outcome.analyses["asked"]
    result = reached
    if isinstance(reached, ModelsWait):
        no_fit = with_models(study, outcome, {})["asked"]
        result = released_model(study, sites, outcome) if is_fitted else no_fit
    facts, sums = counted_by(study, sites)
    data: Any = {}
    for (counted, name), values in sums.items():
        data.setdefault(counted, {})[name] = Blank(*values.shape)
    given = Given(study, facts, data, Unseen(), outcome.verdicts.cells)
    implied = estimator.implied(spec, given, result)

    assert implied
    assert reached == run_program(estimator.program(spec, given), lambda ask: implied[ask.name])


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"ph_test": "log"}, "weighted by time"),
        ({"baseline_hazard": {"at": [30]}}, "a sum over a risk set"),
        ({"strata": ["site"], "robust": "patient"}, "products"),
        ({"strata": ["site"], "penalty": "firth"}, "third moments"),
        ({"convergence": "r"}, "nine digits"),
        ({"terms": [{"exposure": "dose"}]}, "landmark"),
        ({"terms": [{"number": "dose"}], "strata": ["site"]}, "no range"),
    ],
)
def test_what_no_result_shows_is_refused_before_anything_is_asked(keys, why):
    study = study_of(COX | keys, N_SITES, disclosure=DISCLOSURE)
    [spec] = study.plan.analyses
    (problem,) = estimator_of("cox").not_rounded(spec, study)

    assert why in problem


def test_a_model_that_can_be_computed_on_shares_has_nothing_against_it():
    for analysis in MODELS.values():
        study = study_of(analysis, N_SITES, disclosure=DISCLOSURE)
        [spec] = study.plan.analyses

        assert [] == list(estimator_of("cox").not_rounded(spec, study))


def test_a_model_without_its_fit_is_withheld_with_a_sentence():
    study = study_of(COX, N_SITES, disclosure=DISCLOSURE)
    outcome = released(study, random_cohort(3, n=400).patients(study))
    found = with_models(study, outcome, {})["asked"]

    assert isinstance(found, WithheldAnalysis)
    assert "not computed" in " ".join(found.warnings)
    assert all(isinstance(mark, Withheld) for mark in found.fields.values())
