"""The streams of a run at the centre: each site dials in once, and questions and answers ride on it until the run ends.

A stream is admitted by the token that Flower's message carried to the site, and by the site's signature over it. It carries the same
bytes as Flower's messages do; nothing else is believed of it. See `site_node/riskset_node/connection/stream.py` for the other end.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hmac import compare_digest
from threading import Lock, Thread

import grpc
import structlog

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal, SignatureRefusal
from riskset_common.primitives.signing import verify
from riskset_common.wire.stream_frames import (
    TOKEN_BYTES,
    Assembly,
    FrameKind,
    Whole,
    frames_of,
    hello_statement,
    read_hello,
)

SERVICE, METHOD = "riskset.Stream", "Relay"
_LONGEST_FRAME = 4 << 20
_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass
class _Open:
    """A stream that is up: what is to be sent on it."""

    site: str
    sent: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)


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
    RuntimeError
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
        self._lock = Lock()
        self._exchange, self._step = 0, ""
        self._arrived: queue.SimpleQueue[tuple[str, int, bytes]] = queue.SimpleQueue()
        self._server = grpc.server(
            # Each stream keeps one thread for as long as it is up; a site that dials again needs another one meanwhile.
            ThreadPoolExecutor(max_workers=2 * len(roster.members) + 4),
            options=[
                ("grpc.max_receive_message_length", _LONGEST_FRAME),
                ("grpc.max_send_message_length", _LONGEST_FRAME),
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
                ("grpc.so_reuseport", 0),
            ],
        )
        handler = grpc.stream_stream_rpc_method_handler(self._relay)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),)
        )
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        self._server.add_secure_port(address, credentials)
        self._server.start()

    def reaches(self, site: str) -> bool:
        """Whether the site's stream is up."""
        with self._lock:
            return site in self._open

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        """Put a question on the streams of these sites."""
        with self._lock:
            if step != self._step:
                self._exchange, self._step = self._exchange + 1, step
            for site, message in messages.items():
                stream = self._open.get(site)
                if stream is not None:
                    for frame in frames_of(Whole(FrameKind.MESSAGE, self._exchange, message)):
                        stream.sent.put(frame)

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
        with self._lock:
            for stream in self._open.values():
                stream.sent.put(None)
            self._open.clear()
        self._server.stop(grace=2.0).wait()

    def _relay(self, received: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        assembly = Assembly()
        try:
            stream = self._admitted(assembly, received)
        except (ProtocolRefusal, SignatureRefusal, StopIteration) as error:
            _LOG.warning("stream_refused", reason=str(error))
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "this stream is not admitted")
        Thread(target=self._read, args=(stream, assembly, received), daemon=True).start()
        while (frame := stream.sent.get()) is not None:
            yield frame

    def _admitted(self, assembly: Assembly, received: Iterator[bytes]) -> _Open:
        """Check who dials in, and let the stream replace an earlier one of the same site."""
        whole = assembly.add(next(received))
        if whole is None:
            raise ProtocolRefusal("A stream must begin with one short frame.")
        token, site_id, signature = read_hello(whole)
        member = self._roster.member(site_id)
        if not compare_digest(token, self.tokens[member.name]):
            raise ProtocolRefusal(f"The stream of site {member.name!r} shows another token.")
        verify(
            member.public,
            signature,
            hello_statement(token, site_id),
            f"the stream of site {member.name!r}",
        )
        stream = _Open(member.name)
        with self._lock:
            before = self._open.get(member.name)
            self._open[member.name] = stream
        if before is not None:
            before.sent.put(None)
        _LOG.info("stream_opened", site=member.name)
        return stream

    def _read(self, stream: _Open, assembly: Assembly, received: Iterator[bytes]) -> None:
        """Take answers until the stream ends; then the relay sends over the next way."""
        try:
            for frame in received:
                whole = assembly.add(frame)
                if whole is not None:
                    self._arrived.put((stream.site, whole.exchange, whole.message))
        except (grpc.RpcError, ProtocolRefusal, ValueError) as error:
            _LOG.warning("stream_broken", site=stream.site, reason=type(error).__name__)
        except Exception as error:  # noqa: BLE001  # grpc ends an iterator of requests with a bare Exception
            _LOG.info("stream_ended", site=stream.site, reason=type(error).__name__)
        finally:
            with self._lock:
                if self._open.get(stream.site) is stream:
                    del self._open[stream.site]
            stream.sent.put(None)
