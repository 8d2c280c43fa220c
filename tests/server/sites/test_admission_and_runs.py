"""Sites that join and leave, and runs that are started, stopped and resumed, with an engine in Flower's place."""

from __future__ import annotations

import pytest
from tests.server.conftest import NOW

from riskset_common.errors import InputError, PolicyRefusal, Refusal
from riskset_server.driving.control import connection_lines, resume_run, start_run, stop_run, watch
from riskset_server.sites.admission import admit, revoke
from riskset_server.sites.nodes import Node, bring_in_line
from riskset_server.store import RunState


def started(centre):
    plan, codebook = centre.study()
    return start_run(
        centre.config,
        centre.engine,
        centre.sites,
        centre.runs,
        plan,
        codebook,
        now=NOW,
        random=centre.random,
    )


def test_an_admitted_site_stands_in_the_roster_with_its_key(centre):
    centre.admit("a", "b")
    roster = centre.sites.roster()

    assert [(1, "a", "A"), (2, "b", "B")] == [
        (member.site_id, member.name, member.study_group) for member in roster.members
    ]
    assert roster.members[0].public == centre.sites.get("a").signing_key


def test_another_fingerprint_on_the_telephone_admits_nobody(centre):
    enrolment = centre.enrol("a")
    with pytest.raises(Refusal, match="is not that of the keys in the enrolment"):
        admit(centre.sites, centre.engine, enrolment, "11111 22222", NOW)

    assert not centre.sites.get("a").is_admitted
    assert {} == centre.engine.registered


def test_an_enrolment_is_good_once(centre):
    enrolment = centre.enrol("a")
    admit(centre.sites, centre.engine, enrolment, enrolment.fingerprint, NOW)
    with pytest.raises(Refusal, match="was used before"):
        admit(centre.sites, centre.engine, enrolment, enrolment.fingerprint, NOW)


def test_a_second_invitation_makes_the_first_one_worthless(centre):
    first = centre.enrol("a")
    (centre.folder / "sites" / "a").rename(centre.folder / "old")
    centre.enrol("a")
    with pytest.raises(Refusal, match="does not answer the invitation last sent"):
        admit(centre.sites, centre.engine, first, first.fingerprint, NOW)


def test_an_admitted_site_is_not_invited_again(centre):
    centre.admit("a")
    with pytest.raises(InputError, match="is admitted already"):
        centre.sites.invite("a", "A", "", "token", NOW)


def test_a_revoked_site_is_neither_registered_nor_in_the_roster(centre):
    centre.admit("a", "b")
    version = centre.sites.roster().version
    revoke(centre.sites, centre.engine, "a", NOW)

    assert ["b"] == [member.name for member in centre.sites.roster().members]
    assert version + 1 == centre.sites.roster().version
    assert {centre.sites.get("b").connection_key} == centre.engine.registered.keys()


def test_a_superlink_that_forgot_its_nodes_gets_them_back(centre):
    centre.admit("a", "b")
    centre.engine.registered.clear()
    nodes = bring_in_line(centre.engine, centre.sites)

    assert {"a", "b"} == nodes.keys()
    assert 2 == len(centre.engine.registered)


def test_a_node_that_no_admitted_site_owns_is_removed(centre):
    centre.admit("a")
    centre.engine.registered[b"stranger"] = Node(7, b"stranger", is_online=True)
    bring_in_line(centre.engine, centre.sites)

    assert b"stranger" not in centre.engine.registered


def test_the_list_of_sites_says_who_is_connected(centre):
    centre.admit("a")
    centre.enrol("b")
    centre.sites.release_seen("a", "0.1.0")
    lines = list(connection_lines(centre.sites, bring_in_line(centre.engine, centre.sites)))

    assert ["a", "connected", "node", "0.1.0"] == lines[0].split()
    assert ["b", "invited"] == lines[1].split()


def test_a_run_without_sites_is_not_started(centre):
    with pytest.raises(InputError, match="No site is admitted"):
        started(centre)


def test_a_run_below_the_quorum_is_not_started(centre):
    centre.admit("a")
    plan, codebook = centre.study()
    quorate = plan.model_validate(
        {**plan.model_dump(by_alias=True), "quorum": {"sites": 2, "of": 3}}
    )
    with pytest.raises(PolicyRefusal, match="needs 2 sites"):
        start_run(
            centre.config, centre.engine, centre.sites, centre.runs, quorate, codebook,
            now=NOW, random=centre.random,
        )  # fmt: skip

    assert [] == centre.runs.all()
    assert {} == centre.engine.drivers


def test_a_started_run_has_a_driver_and_says_who_is_not_there(centre):
    centre.admit("a", "b")
    key = centre.sites.get("b").connection_key
    centre.engine.registered[key] = Node(5, key, is_online=False)
    run = started(centre)
    record = centre.runs.get(run.number)

    assert ["b"] == run.offline
    assert (RunState.WAITING, "running") == (
        record.state,
        centre.engine.drivers[record.flower_run],
    )


def test_a_run_whose_driver_is_alive_is_not_resumed(centre):
    centre.admit("a")
    run = started(centre)
    with pytest.raises(InputError, match="its driver is alive"):
        resume_run(centre.engine, centre.sites, centre.runs, run.number)


def test_a_stopped_run_can_be_resumed(centre):
    centre.admit("a")
    run = started(centre)
    stop_run(centre.engine, centre.runs, run.number, NOW)
    stopped = centre.runs.get(run.number).state
    resume_run(centre.engine, centre.sites, centre.runs, run.number)

    assert (RunState.STOPPED, RunState.WAITING) == (stopped, centre.runs.get(run.number).state)
    centre.runs.finish(run.number, "{}", NOW)
    with pytest.raises(InputError, match="there is nothing to stop"):
        stop_run(centre.engine, centre.runs, run.number, NOW)


@pytest.mark.parametrize("state", [RunState.FINISHED, RunState.REFUSED])
def test_a_run_that_ended_for_good_is_not_resumed(centre, state):
    centre.admit("a")
    number = centre.add_run()
    centre.runs.move(number, state, NOW)
    with pytest.raises(InputError, match=f"is {state} and cannot be resumed"):
        resume_run(centre.engine, centre.sites, centre.runs, number)


def test_watching_says_each_step_once_and_how_it_ended(centre):
    centre.admit("a", "b")
    number = centre.add_run()
    runs, memory = centre.runs, centre.runs.memory(number, lambda: NOW)

    def goes_on(_: float) -> None:
        if [each.answered for each in runs.arrived(number)] == [0]:
            memory.keep_replies("join", {"a": b""})
        else:
            runs.move(number, RunState.SILENT, NOW, "join: no answer from b")

    memory.keep_asked("join", {"a": b"q", "b": b"q"})

    assert [
        "join: 0 of 2 sites answered",
        "join: 1 of 2 sites answered",
        f"run {number}: silent: join: no answer from b",
    ] == list(watch(runs, number, goes_on))
