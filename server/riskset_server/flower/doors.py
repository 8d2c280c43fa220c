"""Who may hold a connection: a listening socket that hangs up on a stranger to make room for the next caller.

Whoever can dial a port can hold connections, and needs no key for it. A caller is a stranger until it has shown who it is, from before
the TLS handshake on. Strangers share a few places. If these are taken, the address with the most strangers loses its oldest one, and the
next caller gets in: a site, which shows its key in its first request, needs its place among the strangers for a moment only.
The connections of a site that showed its key are no strangers' any more; if it has too many, its own oldest one is closed.
"""

from __future__ import annotations

import gc
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Limits:
    """What a caller may take.

    Attributes
    ----------
    strangers, strangers_of_one_address
        Connections of callers that did not show who they are. An IPv6 address counts with its whole network of 64 bits.
    of_one_key
        Connections of one site, and on the inside port of all the centre's own programs.
    handshake, head
        Seconds for the TLS handshake, and for the line and headers of a request from the connection or the last answer on.
    longest_head
        Bytes of the line and headers of a request.
    body, slowest
        A body must have come within `body` seconds and one second more for each `slowest` bytes of it that are there.
    longest_body
        Bytes of one body from a site, and of all that one site sends at one time.
    bodies
        Bytes of all bodies from sites at one time.
    """

    strangers: int = 256
    strangers_of_one_address: int = 64
    of_one_key: int = 16
    handshake: float = 10.0
    head: float = 15.0
    longest_head: int = 16 << 10
    body: float = 15.0
    slowest: int = 32 << 10
    longest_body: int = 64 << 20
    bodies: int = 256 << 20


COLLECTED_AFTER = 64
"""asyncio keeps 256 KiB for each connection over TLS, in objects that hold each other. The collector counts objects and not bytes, so
left to itself it would come after some two thousand strangers, and 600 MB. It is asked each time that so many strangers have left."""

Name = TypeVar("Name", str, bytes)
Group = dict["Caller", None]
"""Callers in the order in which they came."""


class Caller(socket.socket):
    """The socket of one connection, which leaves its place when it is closed."""

    def __init__(self, number: int, network: str, leave: Callable[[Caller], None]) -> None:
        super().__init__(fileno=number)
        self.network = network
        self.key: bytes | None = None
        self._leave = leave

    def hang_up(self) -> None:
        """End the connection; whoever reads from it sees its end, and closes it."""
        with suppress(OSError):  # the caller was faster
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket, and leave the place at the door."""
        self._leave(self)
        super().close()


class Door(socket.socket):
    """A listening socket with so many places. It takes over the descriptor of `listening`."""

    def __init__(self, listening: socket.socket, limits: Limits) -> None:
        super().__init__(fileno=listening.detach())
        self.strangers_left = 0
        self._limits = limits
        self._strangers: dict[str, Group] = {}
        self._known: dict[bytes, Group] = {}
        self._callers: dict[int, Caller] = {}

    def accept(self) -> tuple[Caller, object]:
        """The next caller, who is a stranger."""
        accepted, address = super().accept()
        number = accepted.detach()
        caller = Caller(number, network_of(str(address[0])), self._left)
        self._callers[number] = caller
        own = self._strangers.setdefault(caller.network, {})
        own[caller] = None
        if len(own) > self._limits.strangers_of_one_address:
            self._hang_up(own)
        elif self.n_strangers > self._limits.strangers:
            self._hang_up(max(self._strangers.values(), key=len))
        return caller, address

    @property
    def n_strangers(self) -> int:
        """How many callers did not show who they are."""
        return sum(map(len, self._strangers.values()))

    def caller(self, number: int) -> Caller:
        """The caller whose socket has this descriptor."""
        return self._callers[number]

    def introduce(self, caller: Caller, key: bytes) -> None:
        """A caller showed who it is, and is a stranger no more."""
        if caller.key == key or self._callers.get(caller.fileno()) is not caller:
            return
        self._forget(caller)
        caller.key = key
        own = self._known.setdefault(key, {})
        own[caller] = None
        if len(own) > self._limits.of_one_key:
            self._hang_up(own)

    def _hang_up(self, group: Group) -> None:
        oldest = next(iter(group))
        self._forget(oldest)
        oldest.hang_up()

    def _left(self, caller: Caller) -> None:
        if self._callers.get(caller.fileno()) is caller:
            del self._callers[caller.fileno()]
            self.strangers_left += caller.key is None
            if caller.key is None and self.strangers_left % COLLECTED_AFTER == 0:
                gc.collect()
        self._forget(caller)

    def _forget(self, caller: Caller) -> None:
        """Take a caller out of its group, if it still is in one."""
        if caller.key is None:
            _without(self._strangers, caller.network, caller)
        else:
            _without(self._known, caller.key, caller)


def _without(groups: dict[Name, Group], name: Name, caller: Caller) -> None:
    group = groups.get(name, {})
    group.pop(caller, None)
    if not group:
        groups.pop(name, None)


def network_of(address: str) -> str:
    """The address, or of an IPv6 one the network of 64 bits, of which one machine may have all addresses."""
    host = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(host, ipaddress.IPv6Address):
        if host.ipv4_mapped is not None:
            return str(host.ipv4_mapped)
        return str(ipaddress.ip_network((host, 64), strict=False))
    return str(host)
