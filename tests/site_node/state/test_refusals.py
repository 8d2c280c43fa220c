"""Why a site said no is kept in full, counted where it is repeated, and bounded whatever is sent."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from riskset_common.errors import (
    DataError,
    PolicyRefusal,
    ProtocolRefusal,
    RosterRefusal,
    SignatureRefusal,
)
from riskset_node.state import refusals as kept
from riskset_node.state.node_state import NodeState
from riskset_node.state.refusals import RefusedMessage
from riskset_node.state.tables import changes_of
from riskset_node.state.told import Told, told_by

NOW = datetime(2026, 11, 30, 22, 14, 5, tzinfo=UTC)
SID = b"s" * 32
OFFER = RefusedMessage("Offer", SID, 7, 0)


@pytest.fixture
def state(tmp_path):
    opened = NodeState(tmp_path / "node.sqlite")
    yield opened
    opened.close()


def test_a_refusal_is_a_sentence_with_run_time_reason_and_what_to_do(state):
    error = PolicyRefusal("plan lung 1.0.0 is refused.\npolicy.expires: held until 2026-11-01.")
    written = state.refusals.write(OFFER, error, NOW)

    assert (
        "refused run 7 on 2026-11-30 22:14:05 UTC, because: plan lung 1.0.0 is refused.\n"
        "    policy.expires: held until 2026-11-01."
    ) == written.sentence()
    assert (written,) == state.refusals.recent(5)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (RefusedMessage("Offer", SID, None, 0), "refused a run (session 73737373) on"),
        (RefusedMessage("RoundRequest", SID, 7, 3), "refused round 3 of run 7 on"),
        (RefusedMessage("UnmaskRequest", SID, 7, 3), "refused to help open round 3 of run 7 on"),
        (RefusedMessage("BlindStep", SID, 7, 9), "refused step 9 of the blind models of run 7 on"),
        (RefusedMessage("Report", SID, 7, 3), "refused a Report of run 7 on"),
        (RefusedMessage("bytes", None, None, 0), "refused what is no message of this centre on"),
    ],
)
def test_what_was_refused_is_told_by_its_run_and_round(state, refused, said):
    assert said in state.refusals.write(refused, ProtocolRefusal("no"), NOW).sentence()


def test_an_equal_refusal_counts_up_and_another_is_a_row_of_its_own(state):
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        again = state.refusals.write(OFFER, PolicyRefusal("no"), at)
    other = state.refusals.write(OFFER, PolicyRefusal("never"), NOW)

    assert (3, NOW, at) == (again.times, again.first_at, again.last_at)
    assert "refused run 7 3 times, last on 2026-11-30 22:16:05 UTC" in again.sentence()
    assert (other, again) == state.refusals.of_session(SID)
    assert () == state.refusals.of_session(bytes(32))


def test_nonsense_does_not_fill_the_file(state, monkeypatch):
    monkeypatch.setattr(kept, "KEPT", 30)
    monkeypatch.setattr(kept, "KEPT_OF_A_SESSION", 4)
    for number in range(40):
        state.refusals.write(OFFER, PolicyRefusal(f"no {number}"), NOW)
        stranger = RefusedMessage("bytes", None, None, 0)
        state.refusals.write(stranger, ProtocolRefusal(f"no {number}" + "x" * 9000), NOW)
    few = state.refusals.recent(100)
    for number in range(40):
        other = RefusedMessage("Offer", bytes([number] * 32), None, 0)
        state.refusals.write(other, SignatureRefusal("no"), NOW)
    last = state.refusals.recent(100)

    assert (8, kept.LONGEST_REASON) == (len(few), max(len(each.reason) for each in few))
    assert (30, bytes([39] * 32)) == (len(last), last[0].refused.sid)
    assert ["no 39", "no 38", "no 37", "no 36"] == [
        each.reason for each in state.refusals.of_session(SID)
    ]


def test_the_roster_of_the_centre_is_known_from_the_refusal(state):
    before = state.refusals.roster_offered()
    for version in (7, 8):
        state.refusals.write(OFFER, RosterRefusal("another roster", version), NOW)

    assert (None, 8) == (before, state.refusals.roster_offered())


def test_a_file_of_the_release_before_is_brought_up_to_date_and_keeps_its_sessions(tmp_path):
    path = tmp_path / "node.sqlite"
    NodeState(path).close()
    with sqlite3.connect(path) as file:
        for table in ("refusals", "settings"):
            file.execute(f"DROP TABLE {table}")
        for column in ("ended_because", "refused"):
            file.execute(f"ALTER TABLE sessions DROP COLUMN {column}")
        file.execute("ALTER TABLE rounds ADD COLUMN content BLOB")
        file.execute("PRAGMA user_version = 0")
        file.execute(
            "INSERT INTO sessions (sid, joined_at, offer, salt) VALUES (?, ?, x'00', x'00')",
            (SID, NOW.isoformat()),
        )
    file.close()
    before = told_by(path)
    state = NodeState(path)
    state.refusals.write(OFFER, DataError("no"), NOW)
    made = changes_of(state.outbox.database)
    state.forget(SID, NOW, "the records cannot be used")
    state.forget(SID, NOW + timedelta(days=1))
    state.close()
    (session,) = told_by(path).sessions

    assert Told() == before
    assert 3 == made
    assert "a run, a plan of another release" == session.offered.in_words()
    assert (NOW, "the records cannot be used") == (session.ended_at, session.ended_because)


def test_a_file_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "node.sqlite"
    NodeState(path).close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(ProtocolRefusal, match="written by a newer release"):
        NodeState(path)
    with sqlite3.connect(path) as file:
        assert 99 == changes_of(file)
    file.close()
