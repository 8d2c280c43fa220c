"""A site node that is not as it should be: `python odd_node.py KIND NODE`, where the tests start `riskset-node start NODE`."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import flwr.supernode.node_auth_http_interceptor as authentication

from riskset_node.answering import Answering
from riskset_node.cli import main


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


def is_recorded(node: Path) -> None:
    """What it gives to a TLS socket, before it is encrypted, goes to NODE.sent: one file for each socket."""
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


KINDS = {each.__name__: each for each in (answers_garbage, clock_is_an_hour_ahead, is_recorded)}

if __name__ == "__main__":
    kind, node = sys.argv[1:]
    KINDS[kind](Path(node))
    sys.argv = ["riskset-node", "start", node]
    main()
