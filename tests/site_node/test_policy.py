"""What a site allows: each field has a verdict, the stricter of plan and site holds, and refusals tell every reason."""

from __future__ import annotations

import datetime
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from riskset_common.errors import PolicyRefusal, ProtocolRefusal
from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.estimators.estimator import Request
from riskset_common.estimators.heterogeneity.heterogeneity import AskHeterogeneity
from riskset_common.estimators.heterogeneity.spec import HeterogeneitySpec
from riskset_common.estimators.regression.questions.deaths import AskDeaths
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.estimators.regression.questions.surveying import AskSurvey
from riskset_common.study.study import Site
from riskset_node.policy import (
    DEFAULT_ESTIMATORS,
    KNOWN_ESTIMATORS,
    Policy,
    Rule,
    check_committee,
    check_plan,
    check_request,
    effective,
)

TODAY = datetime.date(2018, 6, 1)
FIVE = ("a", "b", "c", "d", "e")

BLIND = """
  - {id: blind, kind: cox, endpoint: EFS, terms: [{factor: sex}]}
"""

COX = """
  - {id: cox, kind: cox, endpoint: EFS, terms: [{factor: sex}, {factor: age_2}], strata: [site]}
"""


@pytest.fixture
def study_of(site):
    """A study whose plan says this beside the usual."""

    def study(more="", sites=FIVE, grid_days=1, analyses="", derived=""):
        plan = site.PLAN.replace("unit: years", f"unit: years, grid_days: {grid_days}")
        plan += analyses.strip("\n") + "\n" + more
        found = site.study(plan, codebook=site.CODEBOOK + derived)
        return replace(found, sites=tuple(Site(name, name.upper()) for name in sites))

    return study


def reasons(policy, study, today=TODAY):
    """Reasons of the refusal, by field; none where the plan may run."""
    try:
        check_plan(policy, study, today)
    except PolicyRefusal as refused:
        head, *lines = str(refused).splitlines()
        assert head == "plan infants-main 1.0.0 is refused by this site's policy."
        return [line.partition(":")[0] for line in lines]
    return []


def request_of(study, events):
    asked = AskLikelihood(exponent=(0, 0), beta=(0.0, 0.0))
    return Request(study.plan.analysis("cox"), study, asked, verified={"events": np.array(events)})


def verdict(policy, study_of):
    """Whether a plan is refused that sits exactly on the limits of the policy below."""
    disclosure = "disclosure: {minimum_cell: 5, minimum_at_risk: 10, release: exact}"
    study = study_of(disclosure, sites=("dcog",), analyses=COX + BLIND.lstrip("\n"))
    named = study_of(f"{disclosure}\nsecure: {{committee: [a, b, c]}}", analyses=COX)
    return list(dict.fromkeys([*reasons(policy, study), *reasons(policy, named)]))


PERMISSIVE = {"release": "exact", "estimators": ["kaplan_meier", "log_rank", "cox"]}

STRICTER = {
    "estimators": ["kaplan_meier", "log_rank"],
    "aggregation": "secure",
    "release": "rounded",
    "minimum_sites": 2,
    "minimum_patients": 11,
    "minimum_cell": 6,
    "minimum_events_per_term": 6,
    "minimum_committee": 4,
    "blind": {"send": False},
    "time_grid_days": 2,
    "expires": datetime.date(2018, 5, 31),
}

FIRST = {"blind": "blind.send"}
"""Where a field has fields of its own, the one that is changed."""


@pytest.mark.parametrize("field", list(Policy.model_fields))
def test_changing_a_field_changes_a_verdict(field, study_of):
    lenient = Policy.model_validate(PERMISSIVE)
    # Everything else stays as it resolved, so that the one field alone makes the difference.
    strict = Policy.model_validate(
        dict(lenient) | {"estimators": lenient.estimators, field: STRICTER[field]}
    )

    assert [] == verdict(lenient, study_of)
    assert [f"policy.{FIRST.get(field, field)}"] == verdict(strict, study_of)


def test_without_a_word_the_policy_is_strict():
    policy = Policy()

    assert ("secure", "rounded") == (policy.aggregation, policy.release)
    assert (5, 10, 5, 5, 1) == (
        policy.minimum_sites,
        policy.minimum_patients,
        policy.minimum_cell,
        policy.minimum_events_per_term,
        policy.time_grid_days,
    )


def test_where_exact_release_is_allowed_unwritten_minima_promise_nothing():
    policy = Policy.model_validate({"release": "exact", "minimum_cell": 7, "aggregation": "secure"})

    assert (1, 1, 7, 1, 0, "secure") == (
        policy.minimum_sites,
        policy.minimum_patients,
        policy.minimum_cell,
        policy.minimum_events_per_term,
        policy.time_grid_days,
        policy.aggregation,
    )


def test_a_kind_of_analysis_that_nobody_allowed_is_refused(study_of):
    policy = Policy(estimators=("kaplan_meier",))

    with pytest.raises(PolicyRefusal) as refused:
        check_plan(policy, study_of(analyses=COX), TODAY)

    assert [
        "policy.estimators: analysis efs asks for log_rank, here allowed: kaplan_meier. Add log_rank if it may be asked.",
        "policy.estimators: analysis cox asks for cox, here allowed: kaplan_meier. Add cox if it may be asked.",
    ] == str(refused.value).splitlines()[1:]


def test_an_empty_list_of_estimators_allows_nothing(study_of):
    assert ["policy.estimators"] * 2 == reasons(Policy(estimators=()), study_of())


def test_the_usual_policy_allows_the_usual_plan(study_of):
    assert [] == reasons(Policy(), study_of(analyses=COX))


def test_every_reason_is_told_at_once(study_of):
    study = study_of(
        "disclosure: {release: exact, minimum_cell: 3, minimum_at_risk: 4}", FIVE[:2], 0.5
    )

    assert [
        "policy.release",
        "policy.minimum_patients",
        "policy.minimum_cell",
        "policy.minimum_events_per_term",
        "policy.time_grid_days",
        "policy.minimum_sites",
    ] == reasons(Policy(), study)


@pytest.mark.parametrize(
    ("more", "policy", "said"),
    [
        (
            "disclosure: {release: exact}",
            {},
            "policy.release: the plan asks for exact, here rounded.",
        ),
        (
            "disclosure: {minimum_cell: 3}",
            {},
            "the plan says 3 (disclosure.minimum_cell), here at least 5. Ask the centre for disclosure.minimum_cell: 5.",
        ),
        (
            "",
            {"minimum_patients": 12},
            "policy.minimum_patients: the plan says 10 (disclosure.minimum_at_risk), here at least 12.",
        ),
        (
            "",
            {"time_grid_days": 7},
            "policy.time_grid_days: the plan says 1 (time.grid_days), here at least 7.",
        ),
        (
            "",
            {"minimum_sites": 6},
            "policy.minimum_sites: 5 in this run (a, b, c, d, e), here at least 6.",
        ),
        (
            "",
            {"expires": "2018-05-31"},
            "policy.expires: the policy held until 2018-05-31, and today is 2018-06-01.",
        ),
    ],
)
def test_a_reason_names_the_field_and_both_values(study_of, more, policy, said):
    with pytest.raises(PolicyRefusal) as refused:
        check_plan(Policy.model_validate(policy), study_of(more), TODAY)

    assert said in str(refused.value)


def test_a_policy_holds_on_its_last_day(study_of):
    assert [] == reasons(Policy(expires=TODAY), study_of())


def test_one_site_alone_is_no_secure_sum(study_of):
    policy = Policy(minimum_sites=1)

    assert ["policy.aggregation"] == reasons(policy, study_of(sites=("dcog",)))
    assert [] == reasons(
        policy.model_copy(update={"aggregation": "open"}), study_of(sites=("dcog",))
    )


@pytest.mark.parametrize(("events", "refused"), [(0, True), (9, True), (10, False)])
def test_a_model_with_too_few_pooled_events_for_its_terms_is_not_answered(
    study_of, events, refused
):
    request = request_of(study_of(analyses=COX), events)
    policy = Policy(minimum_events_per_term=5)
    if refused:
        with pytest.raises(
            PolicyRefusal,
            match=r"analysis cox has . pooled events for 2 coefficients, here at least 5",
        ):
            check_request(policy, request)
    else:
        check_request(policy, request)

        assert {"events": events} == request.verified


def test_a_site_holds_the_centre_to_what_the_plan_needs_as_well(study_of):
    request = request_of(study_of("disclosure: {minimum_events_per_term: 7}", analyses=COX), 13)

    with pytest.raises(PolicyRefusal, match="here at least 7 for each"):
        check_request(Policy(minimum_events_per_term=5), request)


@pytest.mark.parametrize(
    "asked", [AskLikelihood(exponent=(0, 0), beta=(0.0, 0.0)), AskDeaths(n_steps=4)]
)
def test_a_model_whose_events_this_site_was_not_shown_is_not_answered(study_of, asked):
    study = study_of(analyses=COX)
    request = Request(study.plan.analysis("cox"), study, asked)

    with pytest.raises(ProtocolRefusal, match="rests on events of analysis cox"):
        check_request(Policy(), request)


@pytest.mark.parametrize(("events", "refused"), [(9, True), (10, False)])
def test_estimates_of_too_few_pooled_events_are_not_summed(study_of, events, refused):
    study = study_of(analyses=COX)
    model = study.plan.analysis("cox").model_dump(include={"id", "endpoint", "terms"})
    spec = HeterogeneitySpec.model_validate(model | {"kind": "heterogeneity"})
    verified = {"events": np.array(events)}
    request = Request(spec, study, AskHeterogeneity(asks="sums"), verified=verified)
    with pytest.raises(PolicyRefusal) if refused else nullcontext():
        check_request(Policy(minimum_events_per_term=5), request)

    assert 2 == spec.coefficients(study)


def test_the_survey_of_a_model_and_other_kinds_are_answered(study_of):
    study = study_of(analyses=COX)
    survey = Request(study.plan.analysis("cox"), study, AskSurvey())
    curve = next(estimator for estimator in ESTIMATORS if estimator.kind == "kaplan_meier")
    for asked in (survey, curve.first(study.plan.analysis("efs"), study)):
        check_request(Policy(), asked)

        assert asked.verified is None


@pytest.mark.parametrize(
    ("more", "policy", "field", "holds"),
    [
        ("disclosure: {minimum_cell: 7}", {}, "minimum_cell", 7),
        ("disclosure: {minimum_cell: 7}", {"minimum_cell": 9}, "minimum_cell", 9),
        ("disclosure: {minimum_at_risk: 20}", {}, "minimum_patients", 20),
        ("disclosure: {minimum_at_risk: 20}", {"minimum_patients": 30}, "minimum_patients", 30),
        ("quorum: {sites: 12, of: 18}", {}, "minimum_sites", 12),
        ("quorum: {sites: 12, of: 18}", {"minimum_sites": 15}, "minimum_sites", 15),
        ("", {"release": "exact"}, "release", "rounded"),
        ("disclosure: {release: exact}", {}, "release", "rounded"),
        ("disclosure: {release: exact}", {"release": "exact"}, "release", "exact"),
        ("", {"aggregation": "open"}, "aggregation", "secure"),
        ("", {"time_grid_days": 30}, "time_grid_days", 30),
        ("", {"estimators": ["kaplan_meier", "cox"]}, "estimators", ("kaplan_meier",)),
        ("", {"expires": "2020-01-01"}, "expires", datetime.date(2020, 1, 1)),
        ("", {"minimum_events_per_term": 8}, "minimum_events_per_term", 8),
        ("disclosure: {minimum_events_per_term: 10}", {}, "minimum_events_per_term", 10),
    ],
)
def test_the_stricter_of_plan_and_site_holds(study_of, more, policy, field, holds):
    rule = effective(Policy.model_validate(policy), study_of(more).plan)

    assert holds == getattr(rule, field)


@pytest.mark.parametrize(
    ("secure", "policy", "said"),
    [
        ("", {}, None),
        ("secure: {committee: [a, b, c]}", {}, "3 of 5 sites are the committee"),
        ("secure: {committee: [a, b, c, d]}", {}, "4 of 5 sites are the committee"),
        ("secure: {committee: [a, b, c, d, e]}", {}, None),
        ("secure: {committee: [a, b, c], profile: strict}", {}, None),
        ("secure: {committee: [a, b, c]}", {"minimum_committee": 3}, None),
        ("secure: {committee: [a, b, c]}", {"minimum_committee": 4}, "here at least 4"),
        ("", {"minimum_committee": 7}, None),
    ],
)
def test_a_committee_that_may_open_sums_is_of_all_sites_unless_this_site_lowers_it(
    study_of, secure, policy, said
):
    chosen = Policy.model_validate(policy)
    with nullcontext() if said is None else pytest.raises(PolicyRefusal, match=said):
        check_plan(chosen, study_of(secure), TODAY)


@pytest.mark.parametrize(("named", "refused"), [(6, True), (7, False)])
def test_above_fifty_sites_a_committee_has_seven(study_of, named, refused):
    sites = tuple(f"s{k:02}" for k in range(60))
    study = study_of(f"secure: {{committee: [{', '.join(sites[:named])}]}}", sites=sites)

    assert ["policy.minimum_committee"] * refused == reasons(Policy(), study)
    assert [] == reasons(Policy(minimum_committee=3), study)


SERVES = "secure: {blind: {candidates: [a, b, c, d], size: 3}}"


@pytest.mark.parametrize(
    ("blind", "own", "said"),
    [
        ({}, "a", None),
        ({"hold": False}, "a", "policy.blind.hold: this site is in the committee that computes"),
        ({"hold": False}, "d", None),
        ({"committee": {"minimum": 5}}, "e", r"policy.blind.committee.minimum: 3 sites .*size: 5"),
        ({"committee": {"of": ["a", "b", "c"]}}, "e", None),
        ({"committee": {"of": ["A", "B", "c"]}}, "e", None),
        (
            {"committee": {"of": ["a", "b"]}},
            "e",
            r"policy.blind.committee.of: c \(C\) would compute",
        ),
    ],
)
def test_a_site_says_under_whom_its_patients_are_in_blind_models(study_of, blind, own, said):
    policy = Policy.model_validate({"blind": blind})
    study = study_of(SERVES, analyses=BLIND)
    with nullcontext() if said is None else pytest.raises(PolicyRefusal, match=said):
        check_committee(policy, study, own)

    assert [] == reasons(policy, study)
    # If nothing is computed on shares the committee does not matter.
    check_committee(policy, study_of(f"{SERVES}\ndisclosure: {{release: exact}}"), own)


def test_the_committee_that_counts_is_the_one_that_serves(study_of):
    policy = Policy.model_validate({"blind": {"committee": {"of": ["a", "b", "c"]}}})
    with pytest.raises(PolicyRefusal, match=r"d \(D\) would compute"):
        check_committee(policy, study_of(SERVES, ("a", "b", "d", "e", "f"), analyses=BLIND), "e")


@pytest.mark.parametrize("name", ["blind_cox", "blind_committee"])
def test_names_of_blind_models_are_refused_with_what_to_write(name):
    with pytest.raises(ValidationError, match=rf"{name} is a name no longer: policy\.blind\."):
        Policy.model_validate({"estimators": ["cox", name]})


PARTS = """
  half: {from: study_group, label: Half, groups: {one: [A, B, C, D, E], two: [F, G, H, I, J]}}
"""
BY_HALF = "  - {id: half, kind: kaplan_meier, endpoint: EFS, by: half}\n"


@pytest.mark.parametrize(
    ("minimum", "plan", "refused"), [(5, 5, False), (6, 5, True), (5, 4, True), (6, 6, False)]
)
def test_a_plan_must_promise_parts_as_large_as_this_site_asks_for(study_of, minimum, plan, refused):
    ten = tuple("abcdefghij")
    disclosure = f"disclosure: {{minimum_sites: {plan}}}"
    policy = Policy(minimum_sites=minimum)
    parted = study_of(disclosure, ten, analyses=BY_HALF, derived=PARTS.lstrip("\n"))

    assert ["policy.minimum_sites"] * refused == reasons(policy, parted)
    assert [] == reasons(policy, study_of(disclosure, ten))


def test_a_rule_has_every_field_that_a_policy_enforces():
    assert set(Policy.model_fields) == set(Rule.model_fields)


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        (["cox", "log_rank"], ("cox", "log_rank")),
        ([], ()),
        ({"also": ["fine_gray", "cox"]}, DEFAULT_ESTIMATORS),
        ({"also": []}, DEFAULT_ESTIMATORS),
        (list(KNOWN_ESTIMATORS), KNOWN_ESTIMATORS),
    ],
)
def test_a_list_of_estimators_replaces_the_defaults_and_also_adds_to_them(written, allowed):
    assert allowed == Policy.model_validate({"estimators": written}).estimators


@pytest.mark.parametrize("kind", [type(each).__name__ for each in ESTIMATORS])
def test_whatever_a_plan_can_ask_for_is_a_name_that_a_site_may_allow(kind):
    (estimator,) = [each for each in ESTIMATORS if type(each).__name__ == kind]

    assert estimator.kind in KNOWN_ESTIMATORS


@pytest.mark.parametrize("wrapped", [lambda names: names, lambda names: {"also": names}])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fine_grey", "Did you mean 'fine_gray'?"),
        ("kaplan-meier", "Did you mean 'kaplan_meier'?"),
        ("Cox", "Did you mean 'cox'?"),
        ("logrank", "Did you mean 'log_rank'?"),
        ("xyz", "Known: baseline, cox,"),
    ],
)
def test_an_unknown_estimator_is_refused_with_the_nearest_name(name, said, wrapped):
    with pytest.raises(ValidationError) as refused:
        Policy.model_validate({"estimators": wrapped(["flow", name])})

    assert f"{name!r} is no kind of analysis, and no test, of this release. {said}" in str(
        refused.value
    )


@pytest.mark.parametrize(
    "written", ["all", "cox", {"also": "cox"}, {"more": ["cox"]}, {"also": [], "more": []}, 7]
)
def test_estimators_that_are_no_list_are_refused_with_both_ways_to_write_them(written):
    with pytest.raises(
        ValidationError,
        match=r"a list of names was expected, and here stands .*Write estimators: \[cox",
    ):
        Policy.model_validate({"estimators": written})
