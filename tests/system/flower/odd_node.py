"""A site node that is not as it should be: `python odd_node.py KIND NODE`, where the tests start `riskset-node start NODE`."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Self

import flwr.supernode.node_auth_http_interceptor as authentication
import grpc

from riskset_node.commands.riskset_node import main
from riskset_node.connection.fleet import FlowerNode
from riskset_node.session.edge import Answering


def answers_garbage(_: Path) -> None:
    """Whatever it is asked, it answers with bytes that are no message."""

    def garbage(self: Answering, message: bytes) -> bytes:
        del self, message
        return b"garbage"

    Answering.answer = garbage  # type: ignore[method-assign]


def clock_is_an_hour_ahead(_: Path) -> None:
    """What it signs with its connection key bears a time of an hour later."""
    now = vars(authentication)["now"]
    vars(authentication)["now"] = lambda: now() + timedelta(hours=1)


def admits_another_app(_: Path) -> None:
    """It is of a release whose Flower app has another hash."""
    FlowerNode.__init__.__kwdefaults__["apps"] = frozenset({"0" * 64})  # type: ignore[index]


class RecordedChannel:
    """A channel of gRPC that can do nothing but open a stream; each message on it goes to a file of its own, under the stream's name."""

    def __init__(self, channel: grpc.Channel, folder: Path) -> None:
        self._channel = channel
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def stream_stream(self, method: str) -> Callable[[Iterator[bytes]], Any]:
        """The call of a stream, without metadata and with messages that are bytes already."""
        call = self._channel.stream_stream(method)
        place = self._folder / method.strip("/")
        place.mkdir(parents=True, exist_ok=True)

        def kept(messages: Iterator[bytes]) -> Iterator[bytes]:
            for message in messages:
                (place / f"{len(list(place.iterdir())):06d}").write_bytes(message)
                yield message

        return lambda messages: call(kept(messages))


def is_recorded(node: Path) -> None:
    """What it gives to a TLS socket, before it is encrypted, goes to NODE.sent: one file for each socket.

    What it gives to gRPC, which has sockets of its own, goes to NODE.streamed.
    """
    dial = grpc.secure_channel
    grpc.secure_channel = lambda *to: RecordedChannel(dial(*to), node.with_suffix(".streamed"))
    folder = node.with_suffix(".sent")
    folder.mkdir()
    lock, numbers = Lock(), dict[int, int]()

    def kept(send: Callable[..., Any]) -> Callable[..., Any]:
        def sends(self: ssl.SSLSocket, content: Any, *rest: Any) -> Any:
            done = send(self, content, *rest)
            with lock:
                number = numbers.setdefault(id(self), len(numbers))
                with (folder / str(number)).open("ab") as file:
                    file.write(bytes(content)[: len(content) if done is None else done])
            return done

        return sends

    ssl.SSLSocket.send = kept(ssl.SSLSocket.send)  # type: ignore[method-assign]


KINDS = {
    each.__name__: each
    for each in (admits_another_app, answers_garbage, clock_is_an_hour_ahead, is_recorded)
}

if __name__ == "__main__":
    kind, node = sys.argv[1:]
    KINDS[kind](Path(node))
    sys.argv = ["riskset-node", "start", node]
    main()
