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
from riskset_server.run.joining import Offered, offer_run
from riskset_server.run.replies import SitesRefused
from riskset_server.run.rounds import Asked, LookedAt

CENTRE = Identity.from_random(b"c" * 32)
SITES = {name: Identity.from_random(name[0].encode() * 32) for name in ("east", "north", "south")}
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=number, name=name, study_group=f"group {name}", public=identity.public)
        for number, (name, identity) in enumerate(SITES.items(), 1)
    ),
)


def started(folder: Path, plan: str = PLAN) -> Offered:
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    (folder / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    read: Plan = read_plan(folder / "plan.yaml")
    return offer_run(read, read_codebook(folder / "codebook.yaml"), ROSTER, CENTRE, b"n" * 32, 1)


def joined(run: Offered) -> tuple[bytes, Asked]:
    """The keys that every site was sent, and the first round that is asked of all."""
    sent = run.take({name: advertisement(run, name) for name in SITES})
    return sent.messages["east"], sent.take(dict.fromkeys(SITES, b""))


def advertisement(run: Offered, name: str) -> bytes:
    offer = read_message(run.messages[name])
    if not isinstance(offer, Offer):
        raise TypeError(type(offer).__name__)
    sid = open_offer(offer, centre=CENTRE.public, roster=ROSTER)
    number = list(SITES).index(name) + 1
    secrets = SessionSecrets(name[0].encode() * 32, name[0].encode() * 32)
    return advertise(SITES[name], number, sid, secrets, bytes(32), ROSTER)[1].to_bytes()


def refusal(run: Offered, name: str, error: RisksetError) -> bytes:
    number = list(SITES).index(name) + 1
    sid = session_of(Offer.from_bytes(run.messages["east"]))
    return refuse(SITES[name], number, sid, 0, error).to_bytes()


def test_too_few_sites_for_the_quorum_stop_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(
        PolicyRefusal, match=r"quorum: the plan needs 4 sites, and 3 take part\. Nothing was asked"
    ):
        started(tmp_path, PLAN + "quorum: {sites: 4, of: 5}\n")


def test_a_plan_that_does_not_fit_is_not_offered(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="'tme' is not in the codebook"):
        started(tmp_path, PLAN.replace("variable: time", "variable: tme"))


def test_the_offer_is_the_same_every_time_and_to_every_site(tmp_path: Path) -> None:
    first, again = started(tmp_path), started(tmp_path)

    assert first.messages == again.messages
    assert list(SITES) == list(first.messages)
    assert 1 == len(set(first.messages.values()))


def test_a_site_that_did_not_confirm_the_keys_is_not_asked_the_first_round(tmp_path: Path) -> None:
    run = started(tmp_path)
    sent = run.take({name: advertisement(run, name) for name in SITES})
    asked = sent.take({"east": b"", "south": b""})

    assert ["east", "north", "south"] == list(sent.messages)
    assert ["east", "south"] == list(asked.messages)


def test_every_site_that_refuses_is_named_with_the_kind_of_its_reason(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {
        "east": advertisement(run, "east"),
        "south": refusal(run, "south", PolicyRefusal("policy.expires: 31 patients")),
        "north": refusal(run, "north", PlanError("what only north may know")),
    }
    with pytest.raises(SitesRefused) as refused:
        run.take(replies)

    assert {"north": "plan", "south": "policy"} == refused.value.codes
    assert ["site north: refused (plan)", "site south: refused (policy)"] == (
        str(refused.value).splitlines()[:2]
    )
    assert "Nothing was pooled" in str(refused.value)
    assert 3 == refused.value.exit_code


def test_a_message_of_another_kind_than_awaited_is_refused_with_its_site(tmp_path: Path) -> None:
    run = started(tmp_path)
    _, asked = joined(run)
    with pytest.raises(ProtocolRefusal, match="Site 'east' sent a Advertisement where a Report"):
        asked.take({name: advertisement(run, name) for name in SITES})


def test_an_answer_that_is_no_message_is_refused_with_its_site(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {name: advertisement(run, name) for name in SITES} | {"north": b"garbage"}

    with pytest.raises(ProtocolRefusal, match="Site 'north' answered with something that is no"):
        run.take(replies)


def test_an_answer_in_the_name_of_another_site_is_refused(tmp_path: Path) -> None:
    run = started(tmp_path)
    replies = {name: advertisement(run, name) for name in SITES}

    with pytest.raises(ProtocolRefusal, match="Site 'north' answered in the name of 'east'"):
        run.take(replies | {"north": replies["east"]})


def asked_round(folder: Path) -> tuple[Asked, dict[str, bytes]]:
    """The first round of a run, and what its sites report."""
    run = started(folder)
    content, asked = joined(run)
    keys, request = Keys.from_bytes(content), RoundRequest.from_bytes(asked.messages["east"])
    counts = np.zeros(vector_length(request.sections, "counts"), np.int64)
    reals = np.zeros(vector_length(request.sections, "reals"), np.float64)
    rule, sid = (
        rule_of(run.run.study.plan, ROSTER),
        session_of(Offer.from_bytes(run.messages["east"])),
    )
    reports = {}
    for number, (name, identity) in enumerate(SITES.items(), 1):
        secrets = SessionSecrets(name[0].encode() * 32, name[0].encode() * 32)
        state, _ = advertise(identity, number, sid, secrets, bytes(32), ROSTER)
        state = accept_keys(state, keys, rule=rule, minimum_sites=2)
        reports[name] = report(state, request, counts, reals, identity=identity)[1].to_bytes()
    return asked, reports


def test_reports_that_were_looked_at_as_they_arrived_are_asked_about_as_those_that_were_not(
    tmp_path: Path,
) -> None:
    asked, reports = asked_round(tmp_path)
    at_once = asked.take(reports)
    looked_at: dict[str, LookedAt] = {}
    for name, each in reports.items():
        looked_at |= asked.look_at({name: each})

    assert SITES.keys() == looked_at.keys()
    assert at_once.messages == asked.take(reports, looked_at).messages


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (lambda reports: reports["east"], r"Site 'north' answered in the name of 'east'"),
        (lambda reports: reports["north"][:-1] + b"x", r"the report of site 'north' in round 1"),
        (lambda _: b"not ours", r"Site 'north' answered with something that is no message"),
    ],
)
def test_a_report_that_is_wrong_is_told_when_all_are_there(
    tmp_path: Path, sent: Callable[[dict[str, bytes]], bytes], said: str
) -> None:
    asked, reports = asked_round(tmp_path)
    arrived = reports | {"north": sent(reports)}
    looked_at = asked.look_at(arrived)
    with pytest.raises(RisksetError, match=said):
        asked.take(arrived, looked_at)


def test_a_report_that_was_looked_at_does_not_stand_for_another_that_came_in_its_place(
    tmp_path: Path,
) -> None:
    asked, reports = asked_round(tmp_path)
    looked_at = asked.look_at(reports)
    with pytest.raises(ProtocolRefusal, match="is no message of riskset"):
        asked.take(reports | {"north": b"not ours"}, looked_at)
