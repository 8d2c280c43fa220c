"""The front of the SuperLink: from outside, only what a site node needs can be reached; and a site's question waits for its answer.

Flower serves three APIs on one port, and whoever reaches it may start a run. Here the port for sites knows the paths of the Fleet
API that a site node calls and the health check; for everything else it answers 404, whoever asks: what counts is the port that was
dialled, because behind a reverse proxy every caller seems to sit on this machine.

A node that asks for messages when there are none is answered as soon as there are some, or after `hold` seconds. So a round takes
no polling interval, and 18 idle sites ask three times a minute instead of twenty times a second. So it is with the SuperExec, which
asks for runs to drive, and with a driver, which asks for replies: it is answered when sites have pushed some and none is on its way,
or after a short while, because what the SuperLink says in a lost node's place is announced by nobody.

The SuperLink is asked only when there can be something new to hear: each answer costs it some ten milliseconds, and without this every
node that has replied would have it look for a second message that is not there.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FOR_SITES = frozenset(
    {
        "/health",
        "/v1/fleet/activate-node",
        "/v1/fleet/deactivate-node",
        "/v1/fleet/get-run",
        "/v1/fleet/pull-messages",
        "/v1/fleet/push-messages",
        "/v1/fleet/send-node-heartbeat",
    }
)
"""Not among them: get-fab. A site node runs its installed release and fetches no code."""

FOR_NOBODY = frozenset({"/v1/control/stream-logs", "/v1/control/stream-run-events"})
"""Calls of Flower's own command line that sleep inside the SuperLink, on the one thread that all calls share."""

HOLD_SECONDS = 20.0
LONGEST_BODY = 64 << 20
"""Bytes. Anybody can dial the port for sites; what they send is in memory before the SuperLink asks who they are."""

REPLIES_HOLD_SECONDS = 0.25

CALLER_HEADER, DRIVER_HEADER = "flwr-public-key", "flwr-task-token"
"""By these a node and a driver say who they are; whether they are, the SuperLink checks."""

_PUSHES_REPLY = "/v1/fleet/push-messages"
_ASKS = {
    "/v1/fleet/pull-messages": "messages",
    "/v1/runtime/acquire-task": "runs",
    "/v1/runtime/pull-messages": "replies",
}
"""Calls that are held, and what each asks for."""

_ANNOUNCES = {
    "/v1/runtime/push-messages": "messages",
    "/v1/control/unregister-node": "messages",
    "/v1/control/start-run": "runs",
    _PUSHES_REPLY: "replies",
}
"""Calls after which there is something new to hear: one message for each node, or that it is admitted no longer; a run; a reply."""


class Front:
    """An ASGI application around the SuperLink's. `port` is the one that sites dial."""

    def __init__(self, app: App, port: int, hold: float = HOLD_SECONDS) -> None:
        self._app = app
        self._port = port
        self._hold = hold
        self._waiting: dict[str, set[asyncio.Future[None]]] = {
            what: set() for what in _ASKS.values()
        }
        self._announced = dict.fromkeys(_ASKS.values(), 0)
        self._received: dict[str, float] = {}
        self._replies_coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from_outside = scope["server"][1] == self._port
        if scope["path"] in FOR_NOBODY or (from_outside and scope["path"] not in FOR_SITES):
            await _refuse(send, 404)
        else:
            body = await _body(receive, LONGEST_BODY if from_outside else math.inf)
            if isinstance(body, int):
                await _refuse(send, body)
            elif scope["path"] in _ASKS:
                await self._held(scope, body, receive, send)
            else:
                await self._passed_on(scope, _in_one_piece(body, receive), send)

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the SuperLink answer, and wake those for whom there is something new then."""
        coming = int(scope["path"] == _PUSHES_REPLY)
        self._replies_coming += coming
        try:
            await self._app(scope, receive, send)
        finally:
            self._replies_coming -= coming
        what = _ANNOUNCES.get(scope["path"])
        if what is not None:
            self._announced[what] += 1
            if what != "replies" or not self._replies_coming:
                self._wake(what)

    def _wake(self, what: str) -> None:
        """There is something new: let everyone who waits for it ask again."""
        waiting, self._waiting[what] = self._waiting[what], set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def _held(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Ask the SuperLink, and hold an empty answer back until there is something, the time is over or the caller hung up."""
        loop = asyncio.get_running_loop()
        what = _ASKS[scope["path"]]
        end = loop.time() + (
            min(self._hold, REPLIES_HOLD_SECONDS) if what == "replies" else self._hold
        )
        # The SuperExec signs each question for one use; a driver has other things to look after.
        once = what != "messages"
        while True:
            # Entered before the SuperLink is asked, so that news in between is not missed.
            news = loop.create_future()
            self._waiting[what].add(news)
            left = end - loop.time()
            if left <= 0 or self._is_news(scope):
                answer = await self._asked(scope, body)
                if once or left <= 0 or _says_something(answer):
                    self._waiting[what].discard(news)
                    for event in answer:
                        await send(event)
                    return
            hung_up = asyncio.ensure_future(receive())
            await asyncio.wait({news, hung_up}, timeout=left, return_when="FIRST_COMPLETED")
            self._waiting[what].discard(news)
            if hung_up.done():
                return
            hung_up.cancel()

    def _is_news(self, scope: Scope) -> bool:
        """Whether something was announced that this caller may not have heard; always for one whom the SuperLink did not answer yet."""
        what = _ASKS[scope["path"]]
        if what == "replies" and self._replies_coming:
            return False
        return self._received.get(_caller(scope), -math.inf) < self._announced[what]

    async def _asked(self, scope: Scope, body: bytes) -> list[Event]:
        """Ask the SuperLink once, collect its answer, and note how much news the caller now has: all of it, or one message more."""
        answer: list[Event] = []
        what = _ASKS[scope["path"]]
        latest = self._announced[what]

        async def nothing_more() -> Event:
            nothing: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
            return await nothing

        async def send(event: Event) -> None:
            answer.append(event)

        asked_anew = {**scope, "state": dict(scope.get("state", {}))}
        await self._app(asked_anew, _in_one_piece(body, nothing_more), send)
        caller = _caller(scope)
        if caller and answer[0]["status"] == 200:
            before = self._received.get(caller, -math.inf)
            one_more = what == "messages" and _says_something(answer)
            self._received[caller] = min(before + 1, latest) if one_more else latest
        return answer


def _caller(scope: Scope) -> str:
    """Who asks; empty where it does not say."""
    what = _ASKS[scope["path"]]
    if what == "runs":
        return what
    header = (CALLER_HEADER if what == "messages" else DRIVER_HEADER).encode()
    named = (value for name, value in scope["headers"] if name == header)
    return bytes(next(named, b"")).decode("latin-1")


def _says_something(answer: list[Event]) -> bool:
    return answer[0]["status"] != 200 or any(event.get("body") for event in answer[1:])


async def _body(receive: Receive, longest: float) -> bytes | int:
    """The body of a request, or the status to refuse it with: too large, or cut off."""
    pieces: list[bytes] = []
    length = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return 400
        pieces.append(bytes(event.get("body", b"")))
        length += len(pieces[-1])
        if length > longest:
            return 413
        if not event.get("more_body", False):
            return b"".join(pieces)


def _in_one_piece(body: bytes, then: Receive) -> Receive:
    """The body in a single event: each of the SuperLink's layers takes a task group for each piece that comes through it."""
    given = False

    async def receive() -> Event:
        nonlocal given
        if given:
            return await then()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})
