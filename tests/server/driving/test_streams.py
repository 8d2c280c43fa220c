"""Both ends of a stream over TLS on loopback: who is admitted, and what becomes of questions."""

from __future__ import annotations

import socket

import grpc
import pytest
from tests.connect_proxy import connect_proxy
from tests.server.conftest import Bytes
from tests.server.driving.conftest import ROSTER, Site

from riskset_common.wire.stream_frames import HELLO_KEY, PIECE_BYTES, RELAY, hello, hello_statement
from riskset_node.connection.stream import RunStream, StreamAddress
from riskset_server.driving.streams import RunStreams


def test_questions_and_answers_ride_on_the_streams(line):
    line.dial(1)
    line.dial(2)
    line.wait(lambda: line.streams.reaches("site-1") and line.streams.reaches("site-2"))
    long = bytes(range(256)) * (2 * PIECE_BYTES // 256 + 1)
    line.streams.send({"site-1": b"abc", "site-2": long}, "join")

    assert {"site-1": b"cba", "site-2": long[::-1]} == line.answers(2)
    assert not line.streams.reaches("site-3")


def test_a_port_that_is_taken_is_told_so_that_the_next_one_is_tried(line, certificates):
    _, server = certificates

    with pytest.raises(OSError):
        RunStreams(
            line.target, server.certificate, server.key, ROSTER, Bytes(), reached_at=line.target
        )


def test_an_answer_to_an_earlier_step_does_not_count(line):
    line.dial(1)
    line.wait(lambda: line.streams.reaches("site-1"))
    line.streams.send({"site-1": b"old"}, "round-001")
    line.streams.send({"site-1": b"new"}, "round-002")

    assert {"site-1": b"wen"} == line.answers(1)


@pytest.mark.parametrize(
    ("token", "signs_as"), [(b"x" * 32, None), (None, 2)], ids=["another token", "another key"]
)
def test_a_stream_without_token_and_signature_of_its_site_is_not_admitted(line, token, signs_as):
    line.dial(1, token, signs_as)
    line.opened[0]._thread.join(5)

    assert not line.streams.reaches("site-1")
    assert not line.opened[0]._thread.is_alive()


def test_a_site_cannot_take_the_stream_of_another(line):
    line.dial(2, line.streams.tokens["site-1"])
    line.opened[0]._thread.join(5)

    assert not line.streams.reaches("site-1")
    assert not line.streams.reaches("site-2")


def test_a_new_stream_of_a_site_replaces_the_old_one(line):
    line.dial(1)
    line.wait(lambda: line.streams.reaches("site-1"))
    line.dial(1)
    line.opened[0]._thread.join(5)
    line.wait(lambda: line.streams.reaches("site-1"))
    line.streams.send({"site-1": b"abc"}, "join")

    assert {"site-1": b"cba"} == line.answers(1)


def test_a_stream_that_breaks_is_no_way_any_longer(line):
    site_id, token = 3, line.streams.tokens["site-3"]
    first = hello(token, site_id, Site(site_id).sign(hello_statement(token, site_id)))
    with grpc.secure_channel(line.target, grpc.ssl_channel_credentials(line.ca)) as channel:
        call = channel.stream_stream(RELAY)(iter([b"no frame"]), metadata=((HELLO_KEY, first),))
        ended = list(call)
    line.wait(lambda: not line.streams.reaches("site-3"))

    assert [] == ended


def test_a_stream_goes_through_the_proxy_of_the_hospital(line):
    with connect_proxy() as proxy:
        address = StreamAddress(line.target, line.streams.tokens["site-1"], line.ca, proxy.url)
        line.opened.append(RunStream(address, Site(1), line.said.append))  # type: ignore[arg-type]
        line.wait(lambda: line.streams.reaches("site-1"))
        line.streams.send({"site-1": b"abc"}, "join")

        assert {"site-1": b"cba"} == line.answers(1)
        assert [line.target] == proxy.asked


def test_a_site_that_cannot_dial_says_that_the_run_goes_on_without(line, certificates):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    address = StreamAddress(nobody, bytes(32), line.ca, None)
    stream = RunStream(address, Site(1), line.said.append)  # type: ignore[arg-type]
    stream._thread.join(10)

    assert ["no stream to " + nobody] == [said.partition(" (")[0] for said in line.said]


def test_the_end_of_the_streams_is_no_fault_in_the_log(line, caplog):
    line.dial(1)
    line.wait(lambda: line.streams.reaches("site-1"))
    host, _, port = line.target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        line.wait(lambda: line.streams._door.strangers == 1)
        line.streams.close()

    assert [] == [record.getMessage() for record in caplog.records if record.name == "asyncio"]
