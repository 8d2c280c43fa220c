"""The order of a run at the centre, and what it refuses before anybody is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.least_study import CODEBOOK, PLAN

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import PlanError, PolicyRefusal, ProtocolRefusal, RisksetError
from riskset_common.planning.read import read_plan
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import rule_of
from riskset_common.secure.sums.reporting import report
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    accept_keys,
    advertise,
    open_offer,
    refuse,
    session_of,
)
from riskset_common.study.codebook import read_codebook
from riskset_common.study.plan import Plan
from riskset_common.wire.messages import Keys, Offer, RoundRequest, read_message
from riskset_common.wire.sections import vector_length
from riskset_server.run.replies import SitesRefused
from riskset_server.run.run import Run

CENTRE = Identity.from_random(b"c" * 32)
SITES = {name: Identity.from_random(name[0].encode() * 32) for name in ("east", "north", "south")}
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=number, name=name, study_group=f"group {name}", public=identity.public)
        for number, (name, identity) in enumerate(SITES.items(), 1)
    ),
)


def started(folder: Path, plan: str = PLAN) -> Run:
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    (folder / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    read: Plan = read_plan(folder / "plan.yaml")
    return Run(read, read_codebook(folder / "codebook.yaml"), ROSTER, CENTRE, b"n" * 32)


def advertisement(run: Run, name: str) -> bytes:
    offer = read_message(run.offer())
    if not isinstance(offer, Offer):
        raise TypeError(type(offer).__name__)
    sid = open_offer(offer, centre=CENTRE.public, roster=ROSTER)
    number = list(SITES).index(name) + 1
    secrets = SessionSecrets(name[0].encode() * 32, name[0].encode() * 32)
    return advertise(SITES[name], number, sid, secrets, bytes(32), ROSTER)[1].to_bytes()


def refusal(run: Run, name: str, error: RisksetError) -> bytes:
    number = list(SITES).index(name) + 1
    sid = session_of(Offer.from_bytes(run.offer()))
    return refuse(SITES[name], number, sid, 0, error).to_bytes()


def test_too_few_sites_for_the_quorum_stop_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(
        PolicyRefusal, match=r"quorum: the plan needs 4 sites, and 3 take part\. Nothing was asked"
    ):
        started(tmp_path, PLAN + "quorum: {sites: 4, of: 5}\n")


def test_a_plan_that_does_not_fit_is_not_offered(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="'tme' is not in the codebook"):
        started(tmp_path, PLAN.replace("variable: time", "variable: tme"))


def test_the_offer_is_the_same_every_time(tmp_path: Path) -> None:
    run = started(tmp_path)

    assert run.offer() == run.offer()


def test_nothing_is_asked_pooled_or_shown_before_its_turn(tmp_path: Path) -> None:
    run = started(tmp_path)
    for step in (run.request, lambda: run.pool({}), run.results):
        with pytest.raises(ProtocolRefusal):
            step()

    assert 0 == run.rounds


def test_a_round_is_pooled_only_when_it_was_asked(tmp_path: Path) -> None:
    run = started(tmp_path)
    run.join({name: advertisement(run, name) for name in SITES})
    with pytest.raises(ProtocolRefusal, match="no open round"):
        run.pool({})


def test_every_site_that_refuses_is_named_with_the_kind_of_its_reason(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {
        "east": advertisement(run, "east"),
        "south": refusal(run, "south", PolicyRefusal("policy.expires: 31 patients")),
        "north": refusal(run, "north", PlanError("what only north may know")),
    }
    with pytest.raises(SitesRefused) as refused:
        run.join(replies)

    assert {"north": "plan", "south": "policy"} == refused.value.codes
    assert ["site north: refused (plan)", "site south: refused (policy)"] == (
        str(refused.value).splitlines()[:2]
    )
    assert "Nothing was pooled" in str(refused.value)
    assert 3 == refused.value.exit_code


def test_a_message_of_another_kind_than_awaited_is_refused_with_its_site(tmp_path: Path) -> None:
    run = started(tmp_path)
    run.join({name: advertisement(run, name) for name in SITES})
    run.request()
    with pytest.raises(ProtocolRefusal, match="Site 'east' sent a Advertisement where a Report"):
        run.shares({name: advertisement(run, name) for name in SITES})


def test_an_answer_that_is_no_message_is_refused_with_its_site(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {name: advertisement(run, name) for name in SITES} | {"north": b"garbage"}

    with pytest.raises(ProtocolRefusal, match="Site 'north' answered with something that is no"):
        run.join(replies)


def test_an_answer_in_the_name_of_another_site_is_refused(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {name: advertisement(run, name) for name in SITES}

    with pytest.raises(ProtocolRefusal, match="Site 'north' answered in the name of 'east'"):
        run.join(replies | {"north": replies["east"]})


def asked_round(folder: Path) -> tuple[Run, dict[str, bytes]]:
    """A run that asked its first round, and what its sites report."""
    run = started(folder)
    keys = Keys.from_bytes(run.join({name: advertisement(run, name) for name in SITES}))
    request = RoundRequest.from_bytes(run.request())
    counts = np.zeros(vector_length(request.sections, "counts"), np.int64)
    reals = np.zeros(vector_length(request.sections, "reals"), np.float64)
    rule, sid = rule_of(run.study.plan, ROSTER), session_of(Offer.from_bytes(run.offer()))
    reports = {}
    for number, (name, identity) in enumerate(SITES.items(), 1):
        secrets = SessionSecrets(name[0].encode() * 32, name[0].encode() * 32)
        state, _ = advertise(identity, number, sid, secrets, bytes(32), ROSTER)
        state = accept_keys(state, keys, rule=rule, minimum_sites=2)
        reports[name] = report(state, request, counts, reals, identity=identity)[1].to_bytes()
    return run, reports


def test_reports_that_were_looked_at_as_they_arrived_are_asked_about_as_those_that_were_not(
    tmp_path: Path,
) -> None:
    run, reports = asked_round(tmp_path)
    at_once = run.shares(reports)
    for name, each in reports.items():
        run.look_at({name: each})

    assert at_once == run.shares(reports)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (lambda reports: reports["east"], r"Site 'north' answered in the name of 'east'"),
        (lambda reports: reports["north"][:-1] + b"x", r"the report of site 'north' in round 1"),
        (lambda _: b"not ours", r"Site 'north' answered with something that is no message"),
    ],
)
def test_a_report_that_is_wrong_is_told_when_all_are_there(
    tmp_path: Path, sent: Callable[[dict[str, bytes]], bytes], told: str
) -> None:
    run, reports = asked_round(tmp_path)
    arrived = reports | {"north": sent(reports)}
    run.look_at(arrived)
    with pytest.raises(RisksetError, match=told):
        run.shares(arrived)


def test_a_report_that_was_looked_at_does_not_stand_for_another_that_came_in_its_place(
    tmp_path: Path,
) -> None:
    run, reports = asked_round(tmp_path)
    run.look_at(reports)
    with pytest.raises(ProtocolRefusal, match="is no message of riskset"):
        run.shares(reports | {"north": b"not ours"})
