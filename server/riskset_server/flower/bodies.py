"""The bodies of requests: no byte of one is taken before the caller is known, and then so many bytes in so many seconds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from riskset_server.flower.doors import Limits

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]

TOO_LARGE, TOO_SLOW, CUT_OFF, COME_AGAIN = 413, 408, 400, 503
"""What is answered to a body that is not taken. A site node whose body is not taken for want of room sends it again."""


class Bodies:
    """All bodies that are held at this moment."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: dict[bytes, int] = {}

    def of_site(self, key: bytes) -> Body:
        """The body of a request from the site with this key."""
        return Body(self._limits, self._held, key)

    def of_centre(self) -> Body:
        """The body of a request from one of the centre's own programs, which may be of any length."""
        return Body(self._limits, {}, None)


class Body:
    """The body of one request. It counts until the `with` block ends."""

    def __init__(self, limits: Limits, held: dict[bytes, int], key: bytes | None) -> None:
        self._limits = limits
        self._held = held
        self._key = key or b""
        self._longest = math.inf if key is None else limits.longest_body
        self._counted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._count(-self._counted)

    async def taken(self, receive: Receive) -> bytes | int:
        """The body in one piece, or the status to refuse it with.

        One that is too large is read to its end and not kept, because a caller that still sends would not see the answer.
        """
        start = asyncio.get_running_loop().time()
        pieces: list[bytes] = []
        length, refused = 0, 0
        while True:
            due = start + self._limits.body + length / self._limits.slowest
            try:
                async with asyncio.timeout_at(due):
                    event = await receive()
            except TimeoutError:
                return refused or TOO_SLOW
            if event["type"] == "http.disconnect":
                return CUT_OFF
            piece = bytes(event.get("body", b""))
            length += len(piece)
            refused = refused or self._room_for(len(piece), length)
            if refused:
                pieces.clear()
                self._count(-self._counted)
            else:
                pieces.append(piece)
                self._count(len(piece))
            if not event.get("more_body", False) or length > 4 * self._longest:
                return refused or b"".join(pieces)

    def _room_for(self, more: int, length: int) -> int:
        """0, or the status to refuse the body with."""
        if length > self._longest:
            return TOO_LARGE
        own = self._held.get(self._key, 0) + more
        everyone = sum(self._held.values()) + more
        if own > self._longest or everyone > max(self._limits.bodies, self._longest):
            return COME_AGAIN
        return 0

    def _count(self, more: int) -> None:
        self._counted += more
        held = self._held.get(self._key, 0) + more
        if held:
            self._held[self._key] = held
        else:
            self._held.pop(self._key, None)


def in_one_piece(body: bytes, then: Receive) -> Receive:
    """The body in a single event: each of the SuperLink's layers takes a task group for each piece that comes through it."""
    given = False

    async def receive() -> Event:
        nonlocal given
        if given:
            return await then()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
