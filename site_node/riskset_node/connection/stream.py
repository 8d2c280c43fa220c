"""The stream of a run: this site dials out to the centre once, and the rounds ride on it instead of one message each.

It is a carrier of the same bytes. Nobody trusts it: each message is signed, masked and bound to its round. When it breaks it is
dialled again; after `ATTEMPTS` failures the run goes on over Flower's messages.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Thread

import grpc

from riskset_common.errors import ProtocolRefusal
from riskset_common.wire.stream_frames import (
    Assembly,
    FrameKind,
    Whole,
    frames_of,
    hello,
    hello_statement,
)
from riskset_node.session.edge import Answering

ATTEMPTS = 4
RELAY = "/riskset.Stream/Relay"
_LONGEST_FRAME = 4 << 20


@dataclass(frozen=True)
class StreamAddress:
    """Where to dial, and how.

    Attributes
    ----------
    target
        `host:port` of the centre.
    token
        32 bytes that the centre gave to this site for this run.
    ca
        The authority that signed the centre's certificate, PEM.
    proxy
        URL of an HTTP proxy, or None.
    """

    target: str
    token: bytes
    ca: bytes
    proxy: str | None


class RunStream:
    """One run's stream, kept open by a thread of its own until the centre ends it or `close` is called."""

    def __init__(
        self,
        address: StreamAddress,
        answering: Answering,
        say: Callable[[str], None],
    ) -> None:
        self._address = address
        self._answering = answering
        self._say = say
        self._over = Event()
        self._thread = Thread(target=self._keep_open, name="riskset-stream", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the centre ended the stream, or it was given up."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Hang up."""
        self._over.set()

    def _keep_open(self) -> None:
        pause = 0.2
        for _ in range(ATTEMPTS):
            try:
                self._relay()
                return
            except (grpc.RpcError, ProtocolRefusal) as error:
                reason = error.code().name if isinstance(error, grpc.Call) else str(error)
            if reason in {"UNAUTHENTICATED", "CANCELLED"} or self._over.wait(pause):
                return
            pause *= 4
        self._say(
            f"no stream to {self._address.target} ({reason}): the run goes on without it, by single messages"
        )

    def _relay(self) -> None:
        """Answer what comes until the centre ends the stream in good order."""
        sent: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        statement = hello_statement(self._address.token, self._answering.site_id)
        sent.put(
            hello(self._address.token, self._answering.site_id, self._answering.sign(statement))
        )
        assembly = Assembly()
        with _channel(self._address) as channel:
            relay = channel.stream_stream(RELAY)
            received = relay(_until_none(sent))
            try:
                for frame in received:
                    if self._over.is_set():
                        received.cancel()
                        return
                    whole = assembly.add(frame)
                    if whole is not None:
                        reply = self._answering.answer(whole.message)
                        for piece in frames_of(Whole(FrameKind.MESSAGE, whole.exchange, reply)):
                            sent.put(piece)
            finally:
                sent.put(None)


def _until_none(sent: queue.SimpleQueue[bytes | None]) -> Iterator[bytes]:
    while (frame := sent.get()) is not None:
        yield frame


def _channel(address: StreamAddress) -> grpc.Channel:
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", _LONGEST_FRAME),
        ("grpc.max_send_message_length", _LONGEST_FRAME),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
    if address.proxy is not None:
        options.append(("grpc.http_proxy", address.proxy))
    return grpc.secure_channel(
        address.target, grpc.ssl_channel_credentials(root_certificates=address.ca), options
    )
