"""The list of sites: who is there, and since when the others are silent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.server.conftest import NOW

from riskset_common.wire.messages import Refused
from riskset_server.sites.listing import listed_sites
from riskset_server.sites.nodes import SILENT_AFTER, Node, bring_in_line, note_seen


def heard(centre, name: str, ago: float | None) -> None:
    """The site's node was last heard of so many seconds ago; None where it said that it leaves."""
    key = centre.sites.get(name).connection_key
    moment = None if ago is None else NOW - timedelta(seconds=ago)
    centre.engine.registered[key] = Node.heard(7, key, moment, NOW)


def listed(centre) -> dict[str, str]:
    nodes = bring_in_line(centre.engine, centre.sites)
    found = listed_sites(centre.sites.all(), nodes, centre.runs.roster_versions())
    return {each.site: str(each) for each in found}


def test_the_list_of_sites_says_who_is_connected_and_who_they_are(centre):
    centre.admit("a")
    centre.enrol("b")
    centre.sites.release_seen("a", "0.1.0\x1b[2J")
    heard(centre, "a", 3)
    lines = listed(centre)

    assert "a connected A; node 0.1.0[2J; last seen 2018" in " ".join(lines["a"].split())
    assert ["b", "invited", "B"] == lines["b"].split()


@pytest.mark.parametrize("ago", [SILENT_AFTER.total_seconds() + 1, 3600])
def test_a_node_that_was_killed_is_silent_and_not_connected(centre, ago):
    """A killed node gives back no lease, so that the SuperLink has it online for another minute."""
    centre.admit("a")
    heard(centre, "a", ago)
    moment = NOW - timedelta(seconds=ago)

    assert f"silent since {moment:%Y-%m-%d %H:%M:%S} UTC" in listed(centre)["a"]


def test_who_was_seen_is_remembered_when_the_superlink_forgot_it(centre):
    centre.admit("a", "b")
    heard(centre, "a", 20)
    note_seen(centre.engine, centre.sites)
    heard(centre, "a", None)
    heard(centre, "b", None)
    lines = listed(centre)

    assert f"silent since {NOW - timedelta(seconds=20):%Y-%m-%d %H:%M:%S} UTC" in lines["a"]
    assert "never connected" in lines["b"]


def test_an_earlier_sign_of_life_is_no_news(centre):
    centre.admit("a")
    for ago in (10, 30):
        heard(centre, "a", ago)
        note_seen(centre.engine, centre.sites)

    assert NOW - timedelta(seconds=10) == centre.sites.get("a").seen_at


def test_a_site_that_refused_did_not_join_under_a_roster(centre):
    centre.admit("a")
    number = centre.add_run()
    said_no = Refused(sid=bytes(32), site_id=1, round=0, wire_code="policy", signature=bytes(64))
    centre.runs.memory(number, lambda: NOW).keep_replies("join", {"a": said_no.to_bytes()})

    assert {} == centre.runs.roster_versions()
