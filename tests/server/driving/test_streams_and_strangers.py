"""Strangers at the streams of a run keep no site out, whatever they hold; and an admitted site gets no further than its answers."""

from __future__ import annotations

import hashlib
import queue
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from tests.server.driving.conftest import Line, Site

from riskset_common.wire import stream_frames
from riskset_common.wire.stream_frames import (
    HELLO_KEY,
    RELAY,
    SERVICE,
    VERSION,
    FrameKind,
    Whole,
    frames_of,
    hello,
    hello_statement,
)
from riskset_node.connection import stream as at_site
from riskset_server.driving.streams import METHOD_BEFORE

SITES = 3


@contextmanager
def channel(line: Line) -> Iterator[grpc.Channel]:
    with grpc.secure_channel(line.target, grpc.ssl_channel_credentials(line.ca)) as made:
        yield made


@contextmanager
def silent_calls(line: Line, number: int, path: str) -> Iterator[list[grpc.Call]]:
    """Calls on one connection that say nothing until the block ends."""
    over = threading.Event()

    def silence() -> Iterator[bytes]:
        over.wait(30)
        yield b""

    with channel(line) as dialled:
        yield [dialled.stream_stream(path)(silence()) for _ in range(number)]
        over.set()


def connected(line: Line) -> socket.socket:
    host, _, port = line.target.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def is_admitted(line: Line, site_id: int) -> None:
    line.dial(site_id)
    line.wait(lambda: line.streams.reaches(f"site-{site_id}"))


@pytest.mark.parametrize("path", [RELAY, f"/{SERVICE}/{METHOD_BEFORE}", "/riskset.Stream/Other"])
def test_silent_calls_hold_nothing_and_sites_are_admitted(line, path):
    """The release before gave each call one of 2 n + 4 threads, for as long as it was silent."""
    is_admitted(line, 1)
    with silent_calls(line, 2 * SITES + 4, path) as calls:
        ended = {call.code() for call in calls}
        is_admitted(line, 2)

    assert grpc.StatusCode.OK not in ended
    assert line.streams.reaches("site-1")


@pytest.mark.parametrize("say", ["nothing", "tls", "rubbish"])
def test_many_connections_keep_no_site_out(line, say):
    room = line.streams._door._room.for_one_address
    trusting = ssl.create_default_context(cadata=line.ca.decode())
    trusting.set_alpn_protocols(["h2"])
    with ExitStack() as held:
        for _ in range(2 * room):
            opened = held.enter_context(connected(line))
            if say == "tls":
                held.enter_context(trusting.wrap_socket(opened, server_hostname="127.0.0.1"))
            elif say == "rubbish":
                opened.sendall(b"GET / HTTP/1.1\r\n")
        is_admitted(line, 1)
        line.streams.send({"site-1": b"abc"}, "join")

        assert {"site-1": b"cba"} == line.answers(1)
        assert line.streams._door.strangers <= room


def test_a_connection_that_shows_nothing_in_time_is_closed(line):
    line.streams._door._seconds = 0.05
    with connected(line) as mute:
        is_closed = mute.recv(1) == b""
    is_admitted(line, 1)
    line.streams.send({"site-1": b"abc"}, "join")

    assert is_closed
    assert {"site-1": b"cba"} == line.answers(1)


def shown_by(line: Line, site_id: int) -> bytes:
    token = line.streams.tokens[f"site-{site_id}"]
    return hello(token, site_id, Site(site_id).sign(hello_statement(token, site_id)))


class HostileSite:
    """A site with its own key and token that sends what it likes."""

    def __init__(self, line: Line, dialled: grpc.Channel, packed: grpc.Compression) -> None:
        self._line = line
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        shown = ((HELLO_KEY, shown_by(line, 1)),)
        frames = iter(self._frames.get, None)
        self.call = dialled.stream_stream(RELAY)(frames, metadata=shown, compression=packed)

    def send(self, *frames: bytes | None) -> None:
        for each in frames:
            self._frames.put(each)

    def is_thrown_out(self) -> None:
        self._line.wait(lambda: not self._line.streams.reaches("site-1"))


@contextmanager
def hostile_site(
    line: Line, packed: grpc.Compression = grpc.Compression.NoCompression
) -> Iterator[HostileSite]:
    with channel(line) as dialled:
        hostile = HostileSite(line, dialled, packed)
        if packed is grpc.Compression.NoCompression:
            line.wait(lambda: line.streams.reaches("site-1"))
        yield hostile
        hostile.send(None)


def frame(length: int, parts: int, piece: bytes, exchange: int = 1) -> bytes:
    digest = hashlib.sha256(piece).digest()
    head = (b"RSF", VERSION, FrameKind.MESSAGE, exchange, 0, parts, length, digest)
    return struct.pack("<3sBBQIIQ32s", *head) + piece


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(1 << 20, 2**32 - 1, b""), id="empty frames"),
        pytest.param(frame(1 << 40, (1 << 40) // (3 << 20) + 1, b""), id="too long"),
        pytest.param(frame(3, 1, b"ab"), id="short"),
        pytest.param(frame(2, 1, b"ab", exchange=9), id="not asked"),
        pytest.param(hello(bytes(32), 1, bytes(64)), id="a second hello"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_admitted_site_is_thrown_out_at_the_first_frame_that_is_none(line, sent):
    with hostile_site(line) as hostile:
        line.streams.send({"site-1": b"question"}, "join")
        hostile.send(sent)
        hostile.is_thrown_out()

    assert {} == line.streams.collect(0)


def test_an_admitted_site_gives_one_answer_to_a_question(line):
    with hostile_site(line) as hostile:
        line.streams.send({"site-1": b"question"}, "join")
        (answer,) = frames_of(Whole(FrameKind.MESSAGE, 1, b"answer"))
        next(hostile.call)
        hostile.send(answer, answer, answer)
        hostile.is_thrown_out()

    assert 1 == line.streams._arrived.qsize()


def test_what_grows_when_it_is_unpacked_is_not_unpacked(line):
    with hostile_site(line, grpc.Compression.Gzip) as hostile:
        hostile.send(frame(1 << 20, 1, bytes(1 << 20)))

        assert grpc.StatusCode.UNIMPLEMENTED is hostile.call.code()
    assert not line.streams.reaches("site-1")


def test_a_site_that_takes_no_questions_loses_its_stream(line):
    with hostile_site(line) as hostile:
        for n in range(8):
            line.streams.send({"site-1": bytes(8 << 20)}, f"round-{n}")
        hostile.is_thrown_out()


def test_the_older_side_is_named_where_the_stream_is_of_two_versions(line, monkeypatch):
    for relay in (f"/{SERVICE}/{METHOD_BEFORE}", f"/{SERVICE}/Relay{stream_frames.VERSION + 1}"):
        monkeypatch.setattr(at_site, "RELAY", relay)
        line.dial(1)
        line.opened[-1]._thread.join(5)
    old_node, old_centre = line.said

    assert old_node.endswith(
        "upgrade riskset-node): the run goes on without it, by single messages"
    )
    assert "its riskset-server is of an older release" in old_centre
