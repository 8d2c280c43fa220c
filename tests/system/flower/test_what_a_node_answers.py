"""What a node does with a Flower message before its site node sees it, without a SuperLink."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.server.conftest import NOW

from riskset_common.primitives.signing import Identity
from riskset_common.programs.command_line import version_of
from riskset_common.secure.sums.pooling import make_close
from riskset_common.wire.flower_envelope import RECORD, Envelope
from riskset_node.connection import fleet as flower
from riskset_node.connection.fleet import Connection, FlowerNode
from riskset_node.connection.standing import pause
from riskset_server.centre.certificates import make_certificates

APP = "a" * 64
RELEASE = version_of("riskset-node")


@dataclass
class Answering:
    """Notes what it is asked, and what it is told to refuse."""

    answered: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, message: bytes) -> bytes:
        self.answered.append(message)
        return b"answer"

    def refuse(self, message: bytes, error: Any) -> bytes:
        self.refused.append(error.wire_code)
        return b"refused"


@dataclass
class Node:
    """A node that is not connected."""

    node: FlowerNode
    answering: Answering
    said: list[str]
    opened: list[Any]
    over: set[bytes]

    def ask(self, record: dict[str, Any] | None, run_id: int = 7) -> bytes:
        message = SimpleNamespace(
            has_content=lambda: record is not None,
            content={RECORD: record},
            metadata=SimpleNamespace(run_id=run_id),
        )
        return self.node._answer(message)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ca() -> bytes:
    return make_certificates(["127.0.0.1"], NOW)[0]


@pytest.fixture
def make(tmp_path, monkeypatch, ca):
    opened: list[Any] = []
    over: set[bytes] = set()

    def dialled(address: Any, *_: Any) -> SimpleNamespace:
        opened.append(address)
        return SimpleNamespace(is_over=address.token in over, close=lambda: opened.append("closed"))

    monkeypatch.setattr(flower, "RunStream", dialled)
    made: list[FlowerNode] = []

    def make(app: str = APP, stream: bool = True) -> Node:
        answering = Answering()
        said: list[str] = []
        key = ec.generate_private_key(ec.SECP384R1())
        node = FlowerNode(
            answering,  # type: ignore[arg-type]
            Connection("127.0.0.1:1", ca, key, None, tmp_path, stream),
            say=said.append,
            wait=lambda _: True,
            apps=frozenset({APP}),
        )
        monkeypatch.setattr(node._link, "app_of", lambda _: app)
        made.append(node)
        return Node(node, answering, said, opened, over)

    yield make
    for node in made:
        node._link._fleet.close()


def envelope(**fields: Any) -> dict[str, Any]:
    return dict(Envelope(**{"message": b"question", "release": RELEASE, **fields}).fields())


def test_a_message_of_the_admitted_app_is_answered(make):
    node = make()

    assert b"answer" == node.ask(envelope())
    assert [b"question"] == node.answering.answered
    assert [f"a run of the centre (riskset {RELEASE}), Flower's number 7"] == node.said


def test_a_run_of_another_app_is_refused_and_nothing_of_it_is_read(make):
    node = make(app="b" * 64)

    assert b"refused" == node.ask(envelope())
    assert ([], ["policy"]) == (node.answering.answered, node.answering.refused)


@pytest.mark.parametrize(
    ("release", "advice"),
    [
        ("0.9.0", "upgrade this site's riskset-node"),
        ("7.0.0", "upgrade the older of the two"),
    ],
)
def test_a_centre_of_a_release_too_far_away_is_refused_with_advice(make, release, advice):
    node = make()

    assert b"refused" == node.ask(envelope(release=release))
    assert ["protocol"] == node.answering.refused
    assert advice in node.said[0]


@pytest.mark.parametrize("record", [None, {}, {"message": b"question"}])
def test_what_is_no_envelope_is_refused(make, record):
    node = make()

    assert b"refused" == node.ask(record)
    assert [] == node.answering.answered


def test_a_stream_is_opened_once_for_a_run_and_stays_open_when_another_run_has_its_own(make):
    node = make()
    for token in (b"1" * 32, b"1" * 32, b"2" * 32, b"1" * 32):
        node.ask(envelope(stream="centre:8444", token=token))

    assert [b"1" * 32, b"2" * 32] == [each.token for each in node.opened]


def test_a_stream_that_the_centre_ended_is_kept_no_longer(make):
    node = make()
    node.over.add(b"1" * 32)
    for token in (b"1" * 32, b"2" * 32):
        node.ask(envelope(stream="centre:8444", token=token))

    assert {b"2" * 32} == node.node._streams.keys()


def test_a_site_that_was_away_at_the_end_learns_of_the_close_and_of_nothing_else(make, monkeypatch):
    node = make()
    close = make_close(Identity.from_random(b"c" * 32), b"s" * 32).to_bytes()

    def over(_: int) -> str:
        raise flower._RunIsOver

    monkeypatch.setattr(node.node._link, "app_of", over)
    node.ask(envelope(message=close))
    node.ask(envelope(message=b"question"))

    assert [close] == node.answering.answered
    assert ["protocol"] == node.answering.refused


def test_a_site_that_wants_no_stream_opens_none(make):
    node = make(stream=False)
    node.ask(envelope(stream="centre:8444", token=b"1" * 32))

    assert [] == node.opened


def test_a_paused_node_hangs_up_its_stream_and_goes_on_when_it_is_told_to(make, tmp_path):
    node = make()
    node.ask(envelope(stream="centre:8444", token=b"1" * 32))
    pause(tmp_path, paused=True)
    rests = [node.node._is_to_rest(), node.node._is_to_rest()]
    pause(tmp_path, paused=False)
    rests.append(node.node._is_to_rest())

    assert [True, True, False] == rests
    assert "closed" == node.opened[-1]
    assert ["paused: questions wait at the centre", "waiting for a run"] == node.said[1:]


def test_a_reply_that_is_too_large_for_the_centre_is_a_refusal(make, monkeypatch):
    node = make()
    pushed: list[bytes] = []

    def reply(_: Any, content: bytes) -> None:
        if content == b"answer":
            raise flower._TooLarge
        pushed.append(content)

    monkeypatch.setattr(node.node, "_reply", reply)
    monkeypatch.setattr(
        node.node._link,
        "pull",
        lambda: SimpleNamespace(
            has_content=lambda: True,
            content={RECORD: envelope()},
            metadata=SimpleNamespace(run_id=7),
        ),
    )
    node.node._step()

    assert [b"refused"] == pushed
    assert ["protocol"] == node.answering.refused


def test_a_refused_message_opens_no_stream(make):
    node = make(app="b" * 64)
    node.ask(envelope(stream="centre:8444", token=b"1" * 32))

    assert [] == node.opened
