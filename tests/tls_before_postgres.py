"""TLS before the tests' PostgreSQL, whose wheel is built without: what a client sees is a server that offers TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.postgres_server import Postgres

SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""What a client sends first that wants TLS (PostgreSQL documentation, Message Formats)."""


@contextmanager
def tls_before(server: Postgres, certificate: Path, key: Path) -> Iterator[Postgres]:
    """The same server at another port, where TLS is offered with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=_accept, args=(listening, context, server.port))
        accepting.start()
        yield replace(server, port=listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join()


def _accept(listening: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            arrived, _ = listening.accept()
        except OSError:
            return
        _serve(arrived, context, port)


def _serve(arrived: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """One connection after another, as the node opens them."""
    with arrived:
        if arrived.recv(len(SSL_REQUEST)) != SSL_REQUEST:
            return
        arrived.sendall(b"S")
        # A client that does not trust the certificate goes away.
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(arrived, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", port)) as plain,
        ):
            back = threading.Thread(target=_copy, args=(plain, inside))
            back.start()
            _copy(inside, plain)
            back.join()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := one.recv(1 << 16):
            other.sendall(part)
    with contextlib.suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
