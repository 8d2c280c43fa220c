"""A node that is killed at any point: it answers again in the same bytes, and never in two ways."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import pytest
from tests.system.embedded.lost_sites import SixSites, six_sites

from riskset_common.errors import ProtocolRefusal, SignatureRefusal
from riskset_common.results.as_json import to_text
from riskset_common.wire.messages import Close, Refused, read_message
from riskset_embedded import engine
from riskset_embedded.engine import run_local
from riskset_node.session.node import SiteNode
from riskset_node.session.own_records import OwnRecords
from riskset_node.state.node_state import NodeState

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(scope="module")
def study() -> SixSites:
    return six_sites()


class Killed(BaseException):
    """The process is gone."""


class Restarting:
    """A site whose node is killed around every message: before its step is stored, and after, before the reply is seen."""

    seen: list[tuple[bytes, bytes]]

    def __init__(self, config, identity, trust, state, approval, *, now, random) -> None:
        self._make = lambda opened: SiteNode(
            config, identity, trust, opened, approval, now=now, random=random
        )
        self._state, self._path = state, state.path
        self.seen = []

    refusal = None
    spared: ClassVar[list[str]] = []

    def _restart(self) -> SiteNode:
        self._state.close()
        self._state = NodeState(self._path)
        return self._make(self._state)

    def answer(self, message: bytes) -> bytes:
        node = self._restart()
        # What stores nothing cannot be cut short.
        with _killed_before_it_is_stored(self._state), suppress(Killed):
            node.answer(message)
            Restarting.spared.append(type(read_message(message)).__name__)
        first = self._restart().answer(message)
        again = self._restart().answer(message)

        assert first == again or isinstance(read_message(message), Close)
        self.seen.append((message, first))
        return first


@contextmanager
def _killed_before_it_is_stored(state: NodeState):
    """The step runs, but its transaction never ends."""
    whole = state.step

    @contextmanager
    def step():
        with whole():
            yield
            raise Killed

    with patch.object(state, "step", step):
        yield


def test_nodes_that_are_killed_around_every_message_give_the_same_results(study, monkeypatch):
    undisturbed = run_local(study.plan, study.codebook, study.parties())
    monkeypatch.setattr(engine, "SiteNode", Restarting)

    disturbed = run_local(study.plan, study.codebook, study.parties({study.names[1]: 1}))
    without = run_local(study.plan, study.codebook, study.parties({}))

    assert to_text(undisturbed) == to_text(without)
    assert (study.names[1],) == disturbed.lost_sites
    assert [] == Restarting.spared


@pytest.fixture
def recorded(study, monkeypatch, tmp_path):
    """A finished run: messages and replies of the first site, its file as it was before each message, and the file now."""
    copies: list[Path] = []
    played: list[tuple[SiteNode, bytes, bytes]] = []

    class Recording(SiteNode):
        def answer(self, message: bytes) -> bytes:
            if self.name != study.names[0]:
                return super().answer(message)
            self._state.outbox.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copies.append(tmp_path / f"before-{len(copies):02d}.sqlite")
            shutil.copy(self._state.path, copies[-1])
            played.append((self, message, super().answer(message)))
            return played[-1][2]

    monkeypatch.setattr(engine, "SiteNode", Recording)
    (tmp_path / "outboxes").mkdir()
    run_local(study.plan, study.codebook, study.parties(), outboxes=tmp_path / "outboxes")
    return played, copies, tmp_path / "outboxes" / f"{study.names[0]}.sqlite"


def replayed(recorded_node: SiteNode, state: NodeState) -> SiteNode:
    return SiteNode(
        recorded_node._config,
        recorded_node._identity,
        recorded_node._trust,
        state,
        recorded_node._approval,
        now=recorded_node._now,
        random=recorded_node._random,
    )


def test_a_file_that_was_set_back_is_noticed(recorded):
    _, copies, path = recorded
    for copy in copies[:-1]:
        shutil.copy(copy, path)
        for log in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            log.unlink(missing_ok=True)
        with pytest.raises(ProtocolRefusal, match="is older than what this site has sent"):
            NodeState(path)


def test_a_lost_counter_is_noticed(recorded):
    _, _, path = recorded
    path.with_name(path.name + ".counter").unlink()
    with pytest.raises(ProtocolRefusal, match="was lost or changed"):
        NodeState(path)
    path.with_name(path.name + ".counter").write_text("?", encoding="ascii")
    with pytest.raises(ProtocolRefusal, match="was lost or changed"):
        NodeState(path)


def test_a_machine_that_was_set_back_whole_refuses_what_follows(recorded, tmp_path):
    """File and counter agree; but the centre goes on from what the site had signed since."""
    own, copies, _ = recorded
    messages = [message for _, message, _ in own]
    for k, copy in enumerate(copies[2:-2], start=2):
        state = _with_its_counter(copy, tmp_path / f"back-{k}")
        node = replayed(own[0][0], state)
        following = messages[k + 1]
        answer = node.answer(following)
        state.close()
        kind = type(read_message(following)).__name__
        if kind in {"RoundRequest", "UnmaskRequest", "Opening"} and _sent_numbers(own[k]):
            assert isinstance(read_message(answer), Refused), (k, kind)
            assert isinstance(node.refusal, ProtocolRefusal)


def test_what_was_answered_is_answered_again_from_the_file(recorded, tmp_path):
    own, copies, _ = recorded
    state = _with_its_counter(copies[-1], tmp_path / "last")
    node = replayed(own[0][0], state)
    answers = [node.answer(message) for _, message, _ in own[:-1]]

    assert [reply for _, _, reply in own[:-1]] == answers
    state.close()


def test_no_secret_is_left_in_the_file_after_the_close(recorded, tmp_path):
    _, copies, path = recorded
    before = sqlite3.connect(copies[-1])
    secrets = before.execute("SELECT ephemeral_private, self_root FROM sessions").fetchone()
    before.close()
    left = path.read_bytes()
    log = path.with_name(path.name + "-wal")
    left += log.read_bytes() if log.exists() else b""

    assert all(len(each) == 32 for each in secrets)
    assert [] == [each for each in secrets if each in left]
    assert all(each in copies[-1].read_bytes() for each in secrets)


def test_a_closed_session_is_never_used_again(recorded):
    own, _, path = recorded
    state = NodeState(path)
    node = replayed(own[0][0], state)
    for _, message, _ in own[:-1]:
        assert isinstance(read_message(node.answer(message)), Refused)
        assert "is over and its keys are deleted" in str(node.refusal)
    state.close()


def test_records_that_changed_in_a_session_are_refused(recorded, tmp_path):
    own, copies, _ = recorded
    config = own[0][0]._config
    source = config.data.source
    text = source.path.read_text(encoding="utf-8")
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join(text.splitlines()[:-1]) + "\n", encoding="utf-8")
    records = config.data.model_copy(update={"source": source.model_copy(update={"path": changed})})
    second = next(
        place
        for place, (_, message, _) in enumerate(own)
        if getattr(read_message(message), "round", 0) == 2
    )
    state = _with_its_counter(copies[second], tmp_path / "changed")
    node = replayed(own[0][0], state)
    node._records = OwnRecords(config.model_copy(update={"data": records}), node._now, state.cuts)
    said = read_message(node.answer(own[second][1]))

    assert isinstance(said, Refused)
    assert "data" == said.wire_code
    assert "are not those with which it joined" in str(node.refusal)
    assert not state.is_open(said.sid)
    state.close()


def test_a_site_closes_for_the_centre_only(recorded, tmp_path):
    own, copies, _ = recorded
    state = _with_its_counter(copies[4], tmp_path / "forged")
    node = replayed(own[0][0], state)
    close = read_message(own[-1][1])
    forged = close.model_copy(update={"signature": bytes(64)})

    with pytest.raises(SignatureRefusal):
        node.answer(forged.to_bytes())
    assert isinstance(close, Close)
    assert state.is_open(close.sid)
    state.close()


def _with_its_counter(copy: Path, folder: Path) -> NodeState:
    """A state as it was, with the counter as it was then."""
    folder.mkdir()
    path = folder / "node.sqlite"
    shutil.copy(copy, path)
    database = sqlite3.connect(path)
    (steps,) = database.execute("SELECT steps FROM counter").fetchone()
    database.close()
    path.with_name("node.sqlite.counter").write_text(f"{steps:020d}\n", encoding="ascii")
    return NodeState(path)


def _sent_numbers(played: tuple[SiteNode, bytes, bytes]) -> bool:
    """Whether the message that the set-back state has not seen was one by which the site sent a report."""
    return type(read_message(played[1])).__name__ == "RoundRequest"
