"""An HTTP proxy on loopback that knows CONNECT, as hospitals have one, and remembers where it was asked to connect to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class ConnectProxy:
    """The proxy. `asked` holds `host:port` of each connection."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self._open.append(near)
                head = b""
                while b"\r\n\r\n" not in head:
                    head += near.recv(4096)
                target = head.split()[1].decode()
                self.asked.append(target)
                host, _, port = target.rpartition(":")
                far = socket.create_connection((host, int(port)))
                self._open.append(far)
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                for pair in ((near, far), (far, near)):
                    thread = threading.Thread(target=self._pass_on, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self._listening, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def connect_proxy() -> Iterator[ConnectProxy]:
    """A proxy until the block ends."""
    proxy = ConnectProxy()
    try:
        yield proxy
    finally:
        proxy.close()
