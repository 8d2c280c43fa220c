"""The outbox: written down before it leaves, shown again byte for byte, and one answer to one round."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.errors import PolicyRefusal, ProtocolRefusal
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.site_session import refuse
from riskset_common.wire.messages import Advertisement, Refused
from riskset_common.wire.sections import Section
from riskset_node.state.outbox import Outbox, Summary

NOW = datetime.datetime(2018, 6, 1, 12, 30, tzinfo=datetime.UTC)
SITE = Identity.from_random(b"s" * 32)
SID = bytes(range(32))


def advertisement(mark: int = 0) -> Advertisement:
    parts = {"sid": SID, "ephemeral": bytes([mark]) * 32, "snapshot": bytes(32)}
    return Advertisement(site_id=1, signature=bytes(64), **parts)


def refusal(round_number: int = 0) -> Refused:
    return refuse(SITE, 1, SID, round_number, PolicyRefusal("not told"))


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite")
    yield opened
    opened.close()


def test_what_left_is_shown_byte_for_byte_oldest_first(outbox: Outbox) -> None:
    left = [
        outbox.send(advertisement(), SID, 0, NOW),
        outbox.send(refusal(1), SID, 1, NOW + datetime.timedelta(seconds=1)),
    ]
    entries = list(outbox.entries())

    assert [advertisement().to_bytes(), refusal(1).to_bytes()] == left
    assert left == [entry.message for entry in entries]
    assert ["Advertisement", "Refused"] == [entry.kind for entry in entries]
    assert [(1, SID, 0), (2, SID, 1)] == [(each.number, each.sid, each.round) for each in entries]
    assert ["2018-06-01T12:30:00+00:00", "2018-06-01T12:30:01+00:00"] == [
        entry.sent_at for entry in entries
    ]
    assert [None, None] == [entry.summary for entry in entries]


def test_the_same_message_leaves_again_and_is_written_down_once(outbox: Outbox) -> None:
    first = outbox.send(advertisement(), SID, 0, NOW)
    again = outbox.send(advertisement(), SID, 0, NOW + datetime.timedelta(days=1))

    assert first == again
    assert 1 == len(list(outbox.entries()))


def test_another_message_for_a_round_that_was_answered_is_refused(outbox: Outbox) -> None:
    outbox.send(advertisement(1), SID, 0, NOW)
    with pytest.raises(ProtocolRefusal, match="Another Advertisement left for round 0"):
        outbox.send(advertisement(2), SID, 0, NOW)

    assert [advertisement(1).to_bytes()] == [entry.message for entry in outbox.entries()]


def test_another_session_round_or_kind_is_another_answer(outbox: Outbox) -> None:
    outbox.send(advertisement(1), SID, 0, NOW)
    outbox.send(advertisement(2), bytes(32), 0, NOW)
    outbox.send(advertisement(3), SID, 1, NOW)
    outbox.send(refusal(), SID, 0, NOW)

    assert 4 == len(list(outbox.entries()))


def test_a_restarted_node_knows_what_left(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    before = Outbox(path)
    left = before.send(advertisement(1), SID, 0, NOW)
    before.close()
    after = Outbox(path)

    assert [left] == [entry.message for entry in after.entries()]
    assert left == after.send(advertisement(1), SID, 0, NOW)
    with pytest.raises(ProtocolRefusal, match="A site answers once"):
        after.send(advertisement(2), SID, 0, NOW)
    after.close()


def test_it_is_on_disk_before_the_bytes_are_given(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    sending, reading = Outbox(path), Outbox(path)
    left = sending.send(advertisement(), SID, 0, NOW)

    assert [left] == [entry.message for entry in reading.entries()]
    sending.close()
    reading.close()


@given(
    counts=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6),
    reals=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=6),
)
def test_the_numbers_under_a_mask_are_shown_as_they_were(
    counts: list[int], reals: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    sections = (
        Section(analysis="os", name="events", ring="counts", shape=(len(counts),)),
        Section(analysis="cox", name="score", ring="reals", shape=(len(reals),)),
    )
    summary = Summary(sections, np.array(counts, np.int64), np.array(reals, np.float64))
    outbox = Outbox(tmp_path_factory.mktemp("outbox") / "outbox.sqlite")
    outbox.send(advertisement(), SID, 3, NOW, summary)
    (entry,) = outbox.entries()
    outbox.close()

    assert entry.summary is not None
    assert sections == entry.summary.sections
    assert counts == entry.summary.arrays()["os", "events"].tolist()
    assert np.array(reals).tobytes() == entry.summary.arrays()["cox", "score"].tobytes()


def test_counts_that_are_mostly_zeros_take_a_hundredth_of_their_bytes(outbox: Outbox) -> None:
    counts = np.zeros(100_000, np.int64)
    counts[::5_000] = 7
    section = Section(analysis="os", name="events", ring="counts", shape=counts.shape)
    outbox.send(advertisement(), SID, 1, NOW, Summary((section,), counts, np.empty(0)))
    ((stored,),) = outbox.database.execute("SELECT length(counts) FROM outbox")
    (entry,) = outbox.entries()

    assert stored < counts.nbytes / 100
    assert entry.summary is not None
    assert counts.tobytes() == entry.summary.counts.tobytes()
