"""The front of the SuperLink: from outside, only what a site node needs can be reached; and a site's question waits for its answer.

Flower serves three APIs on one port, and whoever reaches it may start a run. Here the port for sites knows the paths of the Fleet
API that a site node calls and the health check; for everything else it answers 404, whoever asks: what counts is the port that was
dialled, because behind a reverse proxy every caller seems to sit on this machine.

A node that asks for messages when there are none is answered as soon as there are some, or after `hold` seconds. So a round takes
no polling interval, and 18 idle sites ask three times a minute instead of twenty times a second.
"""

from __future__ import annotations

import asyncio
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
_ASKS = "/v1/fleet/pull-messages"
_TELLS = frozenset({"/v1/runtime/push-messages", "/v1/control/unregister-node"})
"""After these there is something new to hear for nodes that wait: a message, or that they are admitted no longer."""


class Front:
    """An ASGI application around the SuperLink's. `port` is the one that sites dial."""

    def __init__(self, app: App, port: int, hold: float = HOLD_SECONDS) -> None:
        self._app = app
        self._port = port
        self._hold = hold
        self._waiting: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["server"][1] == self._port and scope["path"] not in FOR_SITES:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif scope["path"] == _ASKS:
            await self._held(scope, receive, send)
        else:
            await self._app(scope, receive, send)
            if scope["path"] in _TELLS:
                self._wake()

    def _wake(self) -> None:
        """There is something new: let everyone who waits ask again."""
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def _held(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the SuperLink, and hold an empty answer back until there are messages, the time is over or the site hung up."""
        body = await _body(receive)
        if body is None:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + self._hold
        while True:
            # Entered before the SuperLink is asked: what is told in between must not be missed.
            told = loop.create_future()
            self._waiting.add(told)
            answer = await self._asked(scope, body)
            left = end - loop.time()
            if left <= 0 or _says_something(answer):
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

    async def _asked(self, scope: Scope, body: bytes) -> list[Event]:
        """Ask the SuperLink once and collect its answer."""
        answer: list[Event] = []
        asked = False

        async def receive() -> Event:
            nonlocal asked
            if asked:
                await asyncio.get_running_loop().create_future()  # nothing more comes from the site
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(event: Event) -> None:
            answer.append(event)

        await self._app({**scope, "state": dict(scope.get("state", {}))}, receive, send)
        return answer


def _says_something(answer: list[Event]) -> bool:
    return answer[0]["status"] != 200 or any(event.get("body") for event in answer[1:])


async def _body(receive: Receive) -> bytes | None:
    """The body of a request, or None where the site hung up."""
    body = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += bytes(event.get("body", b""))
        if not event.get("more_body", False):
            return body
