"""The front of the SuperLink: from outside, only what a site node needs can be reached; and a site's question waits for its answer.

Flower serves three APIs on one port, and whoever reaches it may start a run. Here the port for sites knows the paths of the Fleet
API that a site node calls and the health check; for everything else it answers 404, whoever asks: what counts is the port that was
dialled, because behind a reverse proxy every caller seems to sit on this machine.

A node that asks for messages when there are none is answered as soon as there are some, or after `hold` seconds. So a round takes
no polling interval, and 18 idle sites ask three times a minute instead of twenty times a second. So it is with the SuperExec, which
asks for runs to drive.

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

HOLD_SECONDS = 20.0
LONGEST_BODY = 64 << 20
"""Bytes. Anybody can dial the port for sites; what they send is in memory before the SuperLink asks who they are."""

CALLER_HEADER = "flwr-public-key"
"""By this a node says who it is; whether it is, the SuperLink checks."""

_ASKS_FOR_MESSAGES = "/v1/fleet/pull-messages"
_ASKS_FOR_RUNS = "/v1/runtime/acquire-task"
_TELLS = frozenset(
    {"/v1/runtime/push-messages", "/v1/control/start-run", "/v1/control/unregister-node"}
)
"""After these there is something new to hear for those who wait: one message for each node, a run, or that they are admitted no longer."""


class Front:
    """An ASGI application around the SuperLink's. `port` is the one that sites dial."""

    def __init__(self, app: App, port: int, hold: float = HOLD_SECONDS) -> None:
        self._app = app
        self._port = port
        self._hold = hold
        self._waiting: set[asyncio.Future[None]] = set()
        self._told = 0
        self._heard: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from_outside = scope["server"][1] == self._port
        if from_outside and scope["path"] not in FOR_SITES:
            await _refuse(send, 404)
        else:
            body = await _body(receive, LONGEST_BODY if from_outside else math.inf)
            if isinstance(body, int):
                await _refuse(send, body)
            elif scope["path"] in {_ASKS_FOR_MESSAGES, _ASKS_FOR_RUNS}:
                await self._held(scope, body, receive, send)
            else:
                await self._app(scope, _in_one_piece(body, receive), send)
                if scope["path"] in _TELLS:
                    self._wake()

    def _wake(self) -> None:
        """There is something new: let everyone who waits ask again."""
        self._told += 1
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def _held(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Ask the SuperLink, and hold an empty answer back until there is something, the time is over or the caller hung up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._hold
        # The SuperExec signs each question for one use.
        once = scope["path"] == _ASKS_FOR_RUNS
        while True:
            # Entered before the SuperLink is asked: what is told in between must not be missed.
            told = loop.create_future()
            self._waiting.add(told)
            left = end - loop.time()
            if left <= 0 or self._is_news(scope):
                answer = await self._asked(scope, body)
                if once or left <= 0 or _says_something(answer):
                    self._waiting.discard(told)
                    for event in answer:
                        await send(event)
                    return
            hung_up = asyncio.ensure_future(receive())
            await asyncio.wait({told, hung_up}, timeout=left, return_when="FIRST_COMPLETED")
            self._waiting.discard(told)
            if hung_up.done():
                return
            hung_up.cancel()

    def _is_news(self, scope: Scope) -> bool:
        """Whether something was told that this caller may not have heard; always for one whom the SuperLink did not answer yet."""
        return self._heard.get(_caller(scope), -math.inf) < self._told

    async def _asked(self, scope: Scope, body: bytes) -> list[Event]:
        """Ask the SuperLink once, collect its answer, and note what the caller has now heard: all of it, or one message more."""
        answer: list[Event] = []
        told = self._told

        async def nothing_more() -> Event:
            nothing: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
            return await nothing

        async def send(event: Event) -> None:
            answer.append(event)

        asked_anew = {**scope, "state": dict(scope.get("state", {}))}
        await self._app(asked_anew, _in_one_piece(body, nothing_more), send)
        caller = _caller(scope)
        if caller and answer[0]["status"] == 200:
            before = self._heard.get(caller, -math.inf)
            self._heard[caller] = min(before + 1, told) if _says_something(answer) else told
        return answer


def _caller(scope: Scope) -> str:
    """Who asks; empty where it does not say."""
    if scope["path"] == _ASKS_FOR_RUNS:
        return _ASKS_FOR_RUNS
    named = (value for name, value in scope["headers"] if name == CALLER_HEADER.encode())
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
