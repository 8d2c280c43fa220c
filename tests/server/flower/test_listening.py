"""Deadlines and doors of the web server, over TLS on loopback: callers that do nothing, or half, are not kept."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server

import pytest

from riskset_common.programs.tls import trusting
from riskset_server.centre.certificates import make_certificates
from riskset_server.flower.doors import Door, Limits
from riskset_server.flower.listening import INTRODUCE, listener

SHORT = Limits(handshake=0.5, head=0.5, strangers_of_one_address=3)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Scene = Callable[["Here"], Awaitable[None]]


class Here:
    """A server in this process, and how to call it."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self.port = port
        self._tls = tls
        self.asked: list[str] = []
        self.is_known = False
        self.callers: list[Caller] = []

    async def app(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.append(scope["path"])
        if self.is_known:
            scope["state"][INTRODUCE](b"a site")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def call(self, sent: bytes = b"") -> Caller:
        return await self.dial(self._tls, sent)

    async def dial(self, tls: ssl.SSLContext | None, sent: bytes = b"") -> Caller:
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port, ssl=tls))
        caller.writer.write(sent)
        self.callers.append(caller)
        return caller

    async def hang_up(self) -> None:
        for caller in self.callers:
            caller.writer.transport.abort()
            with suppress(ConnectionError, ssl.SSLError):
                await caller.writer.wait_closed()


@dataclass
class Caller:
    """Our end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> bytes:
        """One answer, after which the connection may stay."""
        return await self.reader.readuntil(b"0\r\n\r\n")

    async def ended(self) -> bytes:
        """What came until the server ended the connection."""
        with suppress(ConnectionError):
            return await self.reader.read()
        return b""


@pytest.fixture
def played(tmp_path: Path) -> Callable[[Scene], None]:
    ca, made = make_certificates(["127.0.0.1"], datetime.now(UTC))
    (tmp_path / "server.pem").write_bytes(made.certificate)
    (tmp_path / "server.key").write_bytes(made.key)

    async def nothing() -> None:
        return None

    async def play(scene: Scene) -> None:
        with closing(Door(create_server(("127.0.0.1", 0)), SHORT)) as door:
            here = Here(door.getsockname()[1], trusting(ca))
            server = listener(
                here.app,
                [door],
                SHORT,
                certificate=str(tmp_path / "server.pem"),
                key=str(tmp_path / "server.key"),
                log_config={"version": 1, "disable_existing_loggers": False},
                now_and_then=nothing,
            )
            serving = asyncio.ensure_future(server.serve())
            while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
                await asyncio.sleep(0.01)
            await asyncio.wait_for(scene(here), 20)
            await here.hang_up()
            server.should_exit = True
            await serving

    def run(scene: Scene) -> None:
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        asyncio.run(play(scene))

    return run


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\n", id="half of the headers"),
        pytest.param(GET, id="nothing more after an answer"),
        pytest.param(GET + GET[:20], id="half a request after an answer"),
    ],
)
def test_a_caller_who_sends_no_whole_request_is_hung_up_on(played, sent) -> None:
    async def scene(here: Here) -> None:
        answer = await (await here.call(sent)).ended()

        assert (sent.count(b"GET /") > 0) == answer.startswith(b"HTTP/1.1 200")

    played(scene)


def test_headers_that_drip_in_do_not_move_the_deadline(played) -> None:
    async def scene(here: Here) -> None:
        caller = await here.call()

        async def drip() -> None:
            for byte in GET * 100:
                caller.writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        await caller.ended()
        dripping.cancel()

        assert [] == here.asked

    played(scene)


def test_a_caller_who_begins_no_handshake_is_hung_up_on(played) -> None:
    async def scene(here: Here) -> None:
        caller = await here.dial(None)

        assert b"" == await caller.ended()

    played(scene)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nx: " + b"a" * (1 << 20), b"400"),
        (b"GET /" + b"a" * (1 << 20), b"400"),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * (1 << 14), b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b"200"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
    ],
)
def test_a_head_without_end_is_cut_off_and_no_other_protocol_is_spoken(played, head, status):
    async def scene(here: Here) -> None:
        answer = await (await here.call(head)).ended()

        assert status == answer[9:12]

    played(scene)


def test_strangers_give_way_to_the_next_caller_and_a_known_one_stays(played) -> None:
    async def scene(here: Here) -> None:
        here.is_known = True
        known = await here.call(GET)
        await known.answer()
        strangers = [await here.call() for _ in range(3)]
        latest = await here.call(GET)

        assert b"" == await strangers[0].ended()
        assert (await latest.answer()).startswith(b"HTTP/1.1 200")

        known.writer.write(GET)

        assert (await known.answer()).startswith(b"HTTP/1.1 200")

    played(scene)
