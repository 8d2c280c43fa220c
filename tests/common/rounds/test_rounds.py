"""The questions of a round: read as asked or refused, and one schema of the answer on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import sites, study

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import PlanError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Request
from riskset_common.estimators.regression.questions.likelihood import AskLikelihood
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import (
    questions_json,
    read_questions,
    sections_of,
    shapes_of,
    sites_of,
    study_offered,
)
from riskset_common.secure.sums.pooling import make_offer
from riskset_common.wire.messages import Offer

TRIAL = study()


def first_requests() -> dict[str, AnyRequest]:
    return {spec.id: estimator_of(spec.kind).first(spec, TRIAL) for spec in TRIAL.plan.analyses}


def read(**questions: Any) -> dict[str, AnyRequest]:
    return read_questions(TRIAL, canonical_json(questions))


FIRST: dict[str, Any] = {"exponent": None, "beta": []}


def test_first_questions_come_through_as_asked() -> None:
    asked = first_requests()
    back = read_questions(TRIAL, questions_json(asked))

    assert {name: (each.spec, each.state) for name, each in asked.items()} == {
        name: (each.spec, each.state) for name, each in back.items()
    }


N_COLUMNS = 7
"""Columns of cox_all: two for kmt2a_3, one for each of its five other factors."""


@given(
    beta=st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=N_COLUMNS, max_size=N_COLUMNS
    ),
    exponent=st.lists(st.integers(-64, 63), min_size=N_COLUMNS, max_size=N_COLUMNS),
)
def test_coefficients_come_through_to_the_last_bit(beta: list[float], exponent: list[int]) -> None:
    spec = TRIAL.plan.analysis("cox_all")
    state = AskLikelihood(exponent=tuple(exponent), beta=tuple(beta))
    back = read_questions(TRIAL, questions_json({spec.id: Request(spec, TRIAL, state)}))

    assert state == back["cox_all"].state


@pytest.mark.parametrize(
    "question",
    [
        {"efs": {"n_steps": 1024}},
        {"followup": {"n_steps": 1}},
        {"table1": {}},
        {"cox_all": FIRST},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 7}},
        {},
    ],
)
def test_what_an_estimator_asks_is_read(question: dict[str, Any]) -> None:
    assert list(question) == list(read(**question))


@pytest.mark.parametrize(
    "question",
    [
        {"efs": {"n_steps": 0}},
        {"efs": {"n_steps": -1024}},
        {"efs": {"n_steps": 1000}},
        {"efs": {"n_steps": 2**27}},
        {"efs": {"n_steps": 2**52}},
        {"efs_risk": {"n_steps": 2**25}},
        {"followup": {"n_steps": 2**27}},
        {"followup": {"n_steps": 3}},
        {"efs": {"n_steps": "1024"}},
        {"efs": {"n_steps": True}},
        {"efs": {"n_steps": 10.5}},
        {"efs": {"n_steps": [1024]}},
        {"efs": {"n_steps": 1024, "more": 1}},
        {"efs": FIRST},
        {"efs": None},
        {"efs": []},
        {"efs": "all"},
        {"table1": {"n_steps": 1024}},
        {"events": {"by": "site"}},
        {"cox_all": {"exponent": [0] * 6, "beta": [0] * 6}},
        {"cox_all": {"exponent": [0] * 8, "beta": [0] * 8}},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 6}},
        {"cox_all": {"exponent": [0] * 7, "beta": []}},
        {"cox_all": {"exponent": [0] * 6 + [64], "beta": [0] * 7}},
        {"cox_all": {"exponent": [0] * 6 + [-65], "beta": [0] * 7}},
        {"cox_all": {"exponent": [0] * 6 + [0.5], "beta": [0] * 7}},
        {"cox_all": {"exponent": [0] * 6 + ["0"], "beta": [0] * 7}},
        {"cox_all": {"exponent": 7, "beta": [0] * 7}},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 6 + ["1"]}},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 6 + [None]}},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 6 + [True]}},
        {"cox_all": {"exponent": [0] * 7, "beta": [0] * 7, "events": 100}},
        {"cox_all": {"exponent": None, "beta": [0] * 7}},
        {"nothing": {}},
        {"efs": {"n_steps": 1024}, "cox_al": FIRST},
        {"x" * 200: {}},
    ],
)
def test_what_no_honest_centre_asks_is_refused(question: dict[str, Any]) -> None:
    with pytest.raises(ProtocolRefusal):
        read(**question)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"null",
        b'"efs"',
        b'{"efs":{"n_steps":1024}',
        b'{"efs": {"n_steps": 1024}}',
        b'{"efs":{"n_steps":1024},"efs":{"n_steps":2048}}',
        b'{"table1":{},"efs":{"n_steps":1024}}',
        b'{"cox_all":{"beta":[NaN],"events":1,"exponent":[0]}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_bytes_that_are_not_the_questions_of_a_round_are_refused(text: bytes) -> None:
    with pytest.raises(ProtocolRefusal):
        read_questions(TRIAL, text)


def test_a_refusal_quotes_no_more_of_a_name_than_a_line_holds() -> None:
    with pytest.raises(ProtocolRefusal) as refused:
        read(**{"x" * 5000: {}})

    assert len(str(refused.value)) < 200


@given(st.permutations(list(first_requests())))
def test_the_schema_is_in_one_order_whatever_the_order_of_the_questions(order: list[str]) -> None:
    asked = first_requests()
    turned = {name: asked[name] for name in order}

    assert sections_of(asked) == sections_of(turned)
    assert sections_of(asked) == sections_of(read_questions(TRIAL, questions_json(turned)))


def test_the_schema_names_every_array_of_every_analysis_once() -> None:
    sections = sections_of(first_requests())

    assert len(sections) == len({section.key for section in sections})
    assert [spec.id for spec in sorted(TRIAL.plan.analyses, key=lambda spec: spec.id)] == list(
        dict.fromkeys(section.analysis for section in sections)
    )
    for name, request in first_requests().items():
        assert [(each.name, each.shape) for each in sections if each.analysis == name] == [
            (array, shape.shape) for array, shape in shapes_of(request).items()
        ]


def roster() -> Roster:
    members = tuple(
        Member(site_id=k, name=site.name, study_group=site.study_group, public=bytes([k] * 32))
        for k, site in enumerate(reversed(sites()))
    )
    return Roster(version=1, members=members)


def test_sites_stand_in_the_order_of_their_names_whoever_takes_part() -> None:
    assert sites() == sites_of(roster())
    assert sites()[-3:] == sites_of(roster(), {0, 1, 2})


def offer(plan: Any, codebook: Any) -> Offer:
    centre = Identity.from_random(bytes(32))
    texts = canonical_json(plan), canonical_json(codebook)
    return make_offer(centre, bytes(32), roster(), *texts, run=1)[1]


def test_a_study_that_is_offered_is_the_one_that_was_written() -> None:
    assert study_offered(offer(TRIAL.plan, TRIAL.codebook)) == TRIAL


@pytest.mark.parametrize(
    "change", [{"conventions": "stata"}, {"code": "import os"}, {"plan": None}]
)
def test_a_plan_that_this_release_cannot_read_is_refused(change: dict[str, Any]) -> None:
    plan = json.loads(canonical_json(TRIAL.plan)) | change
    with pytest.raises(PlanError, match="the offered plan: "):
        study_offered(offer(plan, TRIAL.codebook))
