"""The streams of a run at the centre: each site dials in once, and questions and answers ride on it until the run ends.

A stream is admitted by the token that Flower's message carried to the site, and by the site's signature over it, which the call shows
in its metadata: whoever shows neither is refused before anything is waited for, and holds nothing. It carries the same bytes as Flower's
messages do; nothing else is believed of it. All streams live on one thread with an event loop. To each question a site
may give one answer, and what it was not asked is not read to its end. See `site_node/riskset_node/connection/stream.py` for the other end.
"""

from __future__ import annotations

import asyncio
import queue
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from threading import Event, Thread

import grpc
import grpc.aio
import structlog

from riskset_common.consortium.roster import Roster
from riskset_common.errors import RisksetError
from riskset_common.formats.addresses import Address
from riskset_common.primitives.signing import verify
from riskset_common.wire.stream_frames import (
    HELLO_KEY,
    LONGEST_FRAME,
    METHOD,
    SERVICE,
    TOKEN_BYTES,
    Assembly,
    FrameKind,
    Whole,
    frames_of,
    hello_statement,
    read_hello,
)
from riskset_server.driving.door import HELLO_SECONDS, Door, Room

METHOD_BEFORE = "Relay"
"""What a node of a release before calls."""

_OPTIONS: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", LONGEST_FRAME),
    ("grpc.max_send_message_length", LONGEST_FRAME),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
    ("grpc.max_concurrent_streams", 4),
    ("grpc.max_metadata_size", 4 << 10),
    ("grpc.absolute_max_metadata_size", 8 << 10),
    ("grpc.server_handshake_timeout_ms", int(1000 * HELLO_SECONDS)),
    # A small frame that grows when it is unpacked would pass every limit of size.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.so_reuseport", 0),
]
_QUESTIONS_AT_ONCE = 4
_SAID_AGAIN_SECONDS = 60.0
_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(eq=False)
class _Open:
    """A stream that is up. `question` is what is to be sent next, with its exchange, or None where it is over."""

    site: str
    owed: Counter[int] = field(default_factory=Counter)
    """By exchange, how many answers the site may still give."""
    questions: asyncio.Queue[tuple[int, bytes] | None] = field(default_factory=asyncio.Queue)

    def ask(self, exchange: int, message: bytes) -> bool:
        """Have a question sent; says no where the site does not take what it was asked before."""
        if self.questions.qsize() >= _QUESTIONS_AT_ONCE:
            return False
        self.owed[exchange] += 1
        self.questions.put_nowait((exchange, message))
        return True

    def is_awaited(self, exchange: int) -> bool:
        """Whether the site owes an answer of this exchange."""
        return self.owed[exchange] > 0


class RunStreams:
    """The streams of one run, as one way of a relay (`relay.Route`).

    Parameters
    ----------
    address
        `host:port` to listen on.
    certificate, key
        The centre's, PEM.
    reached_at
        `host:port` as the sites reach it.

    Raises
    ------
    OSError
        Where something else listens there.
    """

    def __init__(
        self,
        address: str,
        certificate: bytes,
        key: bytes,
        roster: Roster,
        random: Callable[[int], bytes],
        *,
        reached_at: str,
    ) -> None:
        self.reached_at = reached_at
        self._roster = roster
        self.tokens = {member.name: random(TOKEN_BYTES) for member in roster.members}
        self._open: dict[str, _Open] = {}
        self._exchange, self._step = 0, ""
        self._arrived: queue.SimpleQueue[tuple[str, int, bytes]] = queue.SimpleQueue()
        self._refused, self._said_at = 0, -_SAID_AGAIN_SECONDS
        self._over = asyncio.Event()
        self._door: Door | None = None
        listening = _listening(address)
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        serves = Event()
        self._thread = Thread(
            target=self._run,
            args=(listening, credentials, serves),
            name="riskset-streams",
            daemon=True,
        )
        self._thread.start()
        serves.wait()

    def reaches(self, site: str) -> bool:
        """Whether the site's stream is up."""
        return site in self._open

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        """Put a question on the streams of these sites."""
        if step != self._step:
            self._exchange, self._step = self._exchange + 1, step
        self._loop.call_soon_threadsafe(self._ask, self._exchange, dict(messages))

    def collect(self, seconds: float) -> dict[str, bytes | None]:
        """Answers that arrived since."""
        replies: dict[str, bytes | None] = {}
        try:
            while True:
                wait = 0.0 if replies else seconds
                site, exchange, message = self._arrived.get(timeout=wait)
                if exchange == self._exchange:
                    replies[site] = message
        except queue.Empty:
            return replies

    def close(self) -> None:
        """End all streams in good order, so that no site dials again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    def _run(
        self, listening: socket.socket, credentials: grpc.ServerCredentials, serves: Event
    ) -> None:
        try:
            # It ends what is left of connections with the loop.
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve(listening, credentials, serves))
        finally:
            serves.set()

    async def _serve(
        self, listening: socket.socket, credentials: grpc.ServerCredentials, serves: Event
    ) -> None:
        server = grpc.aio.server(options=_OPTIONS)
        handlers = {
            METHOD: grpc.stream_stream_rpc_method_handler(self._relay),
            METHOD_BEFORE: grpc.stream_stream_rpc_method_handler(self._too_old),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        inside = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        self._door = Door(inside, Room.for_sites(len(self._roster.members)))
        door = await asyncio.start_server(self._door.enter, sock=listening)
        serves.set()
        await self._over.wait()
        door.close()
        for stream in self._open.values():
            stream.questions.put_nowait(None)
        self._open.clear()
        await server.stop(grace=2.0)

    def _ask(self, exchange: int, messages: Mapping[str, bytes]) -> None:
        for site, message in messages.items():
            stream = self._open.get(site)
            if stream is not None and not stream.ask(exchange, message):
                _LOG.warning("stream_ended", site=site, reason="it does not take its questions")
                self._end(stream)

    async def _too_old(self, _: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        self._refuse("a node of an older release dialled: upgrade riskset-node at the site")
        await context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            "This centre speaks a newer version of the stream: upgrade this site's riskset-node.",
        )

    async def _relay(self, _: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        """One stream, from its admission to its end."""
        port = int(context.peer().rpartition(":")[2])
        try:
            site = self._shown_by(dict(context.invocation_metadata() or ()))
        except RisksetError as error:
            self._refuse(str(error))
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "This stream is not admitted.")
            return
        door = self._door
        if door is None or not door.admit(port):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Come in by the door.")
            return
        stream = self._opened(site)
        reading = asyncio.ensure_future(self._read(stream, context))
        try:
            await context.send_initial_metadata(())
            await _send(stream, context)
        finally:
            reading.cancel()
            self._end(stream)
            door.dismiss(port)

    def _shown_by(self, metadata: Mapping[str, str | bytes]) -> str:
        """The site that dials in, by the token and the signature that its call shows."""
        shown = metadata.get(HELLO_KEY, b"")
        token, site_id, signature = read_hello(shown if isinstance(shown, bytes) else b"")
        member = self._roster.member(site_id)
        what = f"the stream of site {member.name!r}"
        if not compare_digest(token, self.tokens[member.name]):
            raise RisksetError(f"{what} shows another token.")
        verify(member.public, signature, hello_statement(token, site_id), what)
        return member.name

    def _opened(self, site: str) -> _Open:
        """Let a stream replace an earlier one of the same site."""
        stream = _Open(site)
        before = self._open.get(site)
        self._open[site] = stream
        if before is not None:
            before.questions.put_nowait(None)
        _LOG.info("stream_opened", site=site)
        return stream

    def _end(self, stream: _Open) -> None:
        """It is no way any longer; what was asked on it goes over the next one."""
        if self._open.get(stream.site) is stream:
            del self._open[stream.site]
        stream.questions.put_nowait(None)

    async def _read(self, stream: _Open, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        """Take the answers that are owed until the stream ends."""
        assembly = Assembly(FrameKind.MESSAGE, is_awaited=stream.is_awaited)
        try:
            while (frame := await context.read()) is not grpc.aio.EOF:
                whole = assembly.add(frame if isinstance(frame, bytes) else b"")
                if whole is not None:
                    stream.owed[whole.exchange] -= 1
                    if whole.exchange == self._exchange:
                        self._arrived.put((stream.site, whole.exchange, whole.message))
        except RisksetError as error:
            _LOG.warning("stream_broken", site=stream.site, reason=str(error))
        except grpc.RpcError as error:
            _LOG.info("stream_ended", site=stream.site, reason=type(error).__name__)
        finally:
            self._end(stream)

    def _refuse(self, reason: str) -> None:
        """Log a refusal; of what strangers do, one line a minute."""
        self._refused += 1
        if self._loop.time() - self._said_at >= _SAID_AGAIN_SECONDS:
            _LOG.warning("stream_refused", reason=reason, times=self._refused)
            self._refused, self._said_at = 0, self._loop.time()


async def _send(stream: _Open, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
    """Send the questions, each cut only when it is sent, until the stream is over."""
    while (question := await stream.questions.get()) is not None:
        exchange, message = question
        for frame in frames_of(Whole(FrameKind.MESSAGE, exchange, message)):
            await context.write(frame)


def _listening(address: str) -> socket.socket:
    listened = Address.read(address)
    if not listened.is_ipv6:
        return socket.create_server((listened.host, listened.port), backlog=256)
    return socket.create_server(
        (listened.host, listened.port),
        family=socket.AF_INET6,
        backlog=256,
        dualstack_ipv6=socket.has_dualstack_ipv6(),
    )
