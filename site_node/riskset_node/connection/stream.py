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

from riskset_common.errors import ProtocolRefusal, RisksetError
from riskset_common.formats.addresses import Address
from riskset_common.wire.messages import Refused, read_message
from riskset_common.wire.stream_frames import (
    HELLO_KEY,
    LONGEST_FRAME,
    RELAY,
    Assembly,
    FrameKind,
    Whole,
    frames_of,
    hello,
    hello_statement,
)
from riskset_node.session.edge import Answering

ATTEMPTS = 4
_TO_UPGRADE = {
    "UNIMPLEMENTED": "its riskset-server is of an older release than this riskset-node: the centre is to upgrade",
    "FAILED_PRECONDITION": "its riskset-server is of a newer release than this riskset-node: upgrade riskset-node",
}
"""A centre that speaks an older version of the stream knows no such call; a newer one knows it as that of a release before."""


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
            if reason in _TO_UPGRADE:
                reason = _TO_UPGRADE[reason]
                break
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
        signature = self._answering.sign(statement)
        shown = hello(self._address.token, self._answering.site_id, signature)
        assembly = Assembly()
        with _channel(self._address) as channel:
            relay = channel.stream_stream(RELAY)
            received = relay(_until_none(sent), metadata=((HELLO_KEY, shown),))
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


def is_answer(reply: bytes) -> bool:
    """Whether a site answered something, which it does only where the centre itself asked: no refusal, and no confirmation."""
    try:
        return reply != b"" and not isinstance(read_message(reply), Refused)
    except RisksetError:
        return True


def why_not_dialled(centre: str, offered: str) -> str:
    """Why a stream that is offered at a place is not dialled; empty where it is at the host of `centre`, the address that this site joined.

    The offer is not signed: it is of whoever owns the SuperLink. With it, another host would let them feel for ports in the site's network.
    """
    try:
        if Address.read(centre).host.lower() == Address.read(offered).host.lower():
            return ""
    except ValueError:
        pass  # no place at all
    return (
        f"a stream is offered at {offered[:80]!r} and not dialled: it is not at the host of centre.address ({centre}). The run goes on "
        "by single messages. Tell the centre: stream_address in its centre.yaml must have the host of address"
    )


def _until_none(sent: queue.SimpleQueue[bytes | None]) -> Iterator[bytes]:
    while (frame := sent.get()) is not None:
        yield frame


def _channel(address: StreamAddress) -> grpc.Channel:
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", LONGEST_FRAME),
        ("grpc.max_send_message_length", LONGEST_FRAME),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # A small frame that grows when it is unpacked would pass every limit of size.
        ("grpc.compression_enabled_algorithms_bitset", 1),
    ]
    if address.proxy is not None:
        options.append(("grpc.http_proxy", address.proxy))
    return grpc.secure_channel(
        address.target, grpc.ssl_channel_credentials(root_certificates=address.ca), options
    )
