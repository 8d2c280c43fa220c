"""The door of a run's streams: strangers pass through it as well, but none of them stays, and none keeps a site out.

A connection belongs to a stranger until a stream is admitted on it. For this it has ten seconds. There are at most so many strangers, in
all and from one address; where one more comes, the one that has been there longest must go: so whoever dials is always let in, and a site
is admitted in far less time than strangers take to press it out. Nothing is read here: what passes is TLS between a site and gRPC,
which listens on this machine alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

HELLO_SECONDS = 10.0
"""For so long a connection may be open on which no stream was admitted."""

_AT_ONCE = 64 << 10


@dataclass(frozen=True)
class Room:
    """How many strangers are let in at one time, from one address and in all.

    Behind a reverse proxy all sites come from one address, so there is room for all of them twice.
    """

    for_one_address: int
    in_all: int

    @classmethod
    def for_sites(cls, sites: int) -> Room:
        """The room beside so many sites."""
        return cls(for_one_address=2 * sites + 16, in_all=4 * sites + 64)


@dataclass(eq=False)
class _Entered:
    """A connection from outside: its address, and when it must go unless a stream is admitted on it."""

    address: str
    outside: asyncio.WriteTransport
    deadline: asyncio.TimerHandle | None = None


class Door:
    """Leads connections to gRPC, which listens on port `inside` of this machine. It lives on the event loop that it is used on."""

    def __init__(self, inside: int, room: Room, seconds: float = HELLO_SECONDS) -> None:
        self._inside = inside
        self._room = room
        self._seconds = seconds
        self._strangers: dict[_Entered, None] = {}
        self._from: Counter[str] = Counter()
        self._entered: dict[int, _Entered] = {}

    @property
    def strangers(self) -> int:
        """How many connections are open on which no stream is admitted."""
        return len(self._strangers)

    def admit(self, port: int) -> bool:
        """A stream was admitted on the connection that reached gRPC from this port; says whether it came through this door."""
        entered = self._entered.get(port)
        if entered is not None:
            self._is_none_of_them(entered)
        return entered is not None

    def dismiss(self, port: int) -> None:
        """The stream of that connection ended: it is a stranger's again."""
        entered = self._entered.get(port)
        if entered is not None and entered not in self._strangers:
            self._is_a_stranger(entered)

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let a connection in, and carry what passes until it ends at either side."""
        entered = _Entered(str(writer.get_extra_info("peername")[0]), writer.transport)
        self._is_a_stranger(entered)
        port = None
        try:
            # Who says nothing costs no connection inside.
            first = await reader.read(_AT_ONCE)
            if first and not writer.is_closing():
                from_inside, to_inside = await asyncio.open_connection("127.0.0.1", self._inside)
                port = int(to_inside.get_extra_info("sockname")[1])
                self._entered[port] = entered
                to_inside.write(first)
                await _carry(reader, to_inside, from_inside, writer)
        except (OSError, asyncio.CancelledError):
            pass  # it hung up, or the streams of the run end: asyncio would log a cancelled connection as a fault
        finally:
            self._is_none_of_them(entered)
            if port is not None:
                del self._entered[port]
            writer.transport.abort()

    def _is_a_stranger(self, entered: _Entered) -> None:
        """Count it, and make room for it."""
        while self._from[entered.address] >= self._room.for_one_address:
            self._turn_out(next(e for e in self._strangers if e.address == entered.address))
        while len(self._strangers) >= self._room.in_all:
            crowd, _ = self._from.most_common(1)[0]
            self._turn_out(next(e for e in self._strangers if e.address == crowd))
        self._strangers[entered] = None
        self._from[entered.address] += 1
        loop = asyncio.get_running_loop()
        entered.deadline = loop.call_later(self._seconds, self._turn_out, entered)

    def _is_none_of_them(self, entered: _Entered) -> None:
        if entered in self._strangers:
            del self._strangers[entered]
            self._from[entered.address] -= 1
            if not self._from[entered.address]:
                del self._from[entered.address]
        if entered.deadline is not None:
            entered.deadline.cancel()

    def _turn_out(self, entered: _Entered) -> None:
        self._is_none_of_them(entered)
        entered.outside.abort()


async def _carry(
    reader: asyncio.StreamReader,
    to_inside: asyncio.StreamWriter,
    from_inside: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Carry both ways until one of them ends."""
    ways = [
        asyncio.ensure_future(_pass_on(reader, to_inside)),
        asyncio.ensure_future(_pass_on(from_inside, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if ways[1].done():
            # gRPC hung up; what it said before still goes out.
            writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)
    finally:
        for way in ways:
            way.cancel()
        to_inside.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way, no faster than it is taken."""
    with suppress(OSError):
        while piece := await reader.read(_AT_ONCE):
            writer.write(piece)
            await writer.drain()
