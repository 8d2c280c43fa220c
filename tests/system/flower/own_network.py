"""A command in a network namespace of its own, from which nothing leads out but the ports that it dials on loopback.

    python own_network.py FOLDER PORT[,PORT...] COMMAND...

Nobody can dial in. What the command sends to 127.0.0.1:PORT comes out of the Unix socket FOLDER/PORT. SIGUSR1 cuts the network:
the kernel takes loopback down; SIGUSR2 brings it up again.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_FLAGS, _UP = 0x8914, 0x1


def enter() -> None:
    """Move this process into a new namespace. Raises `OSError` where the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NETWORK) and libc.unshare(_NEW_NETWORK):
        error = ctypes.get_errno()
        raise OSError(error, f"no network namespace: {os.strerror(error)}")


def is_refused() -> bool:
    """Whether this machine's kernel gives no network namespaces; tried in a process of its own."""
    tried = [
        sys.executable,
        "-c",
        "from tests.system.flower import own_network; own_network.enter()",
    ]
    return subprocess.run(tried, check=False, capture_output=True).returncode != 0


def set_loopback(up: bool) -> None:
    """Bring loopback up, or take it down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", _UP if up else 0)
        fcntl.ioctl(any_socket, _SET_FLAGS, request)


def carry(one: socket.socket, other: socket.socket) -> None:
    """Carry what comes from one to the other, until one of them ends."""

    def half(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    halves = [Thread(target=half, args=ends, daemon=True) for ends in ((one, other), (other, one))]
    for each in halves:
        each.start()
    for each in halves:
        each.join()
    one.close()
    other.close()


def lead(listening: socket.socket, to: str | tuple[str, int]) -> None:
    """Lead whoever dials in to an address, for as long as this process lives."""

    def accept() -> None:
        with suppress(OSError):  # closed
            while True:
                one, _ = listening.accept()
                other = socket.socket(socket.AF_UNIX if isinstance(to, str) else socket.AF_INET)
                try:
                    other.connect(to)
                except OSError:
                    one.close()
                    continue
                Thread(target=carry, args=(one, other), daemon=True).start()

    Thread(target=accept, daemon=True).start()


def main(folder: Path, ports: list[int], command: list[str]) -> int:
    """Run the command inside, and end as it does."""
    enter()
    set_loopback(up=True)
    signal.signal(signal.SIGUSR1, lambda *_: set_loopback(up=False))
    signal.signal(signal.SIGUSR2, lambda *_: set_loopback(up=True))
    for port in ports:  # last of all, so that whoever sees them knows that the rest is done
        lead(socket.create_server(("127.0.0.1", port)), str(folder / str(port)))
    with subprocess.Popen(command) as inside:
        signal.signal(signal.SIGTERM, lambda *_: inside.terminate())
        return inside.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [int(port) for port in sys.argv[2].split(",")], sys.argv[3:]))
