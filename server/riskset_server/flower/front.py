"""The front of the SuperLink: each port knows a few calls, and answers them to callers that it knows; a question waits for its answer.

Flower serves three APIs on one port, and whoever reaches it may start a run, whose code it then executes. Here the port for sites knows the
calls of the Fleet API that a site node makes, and answers them to registered sites. The inside port knows the calls of the centre's own
programs, and answers them to those that show the centre's secret. For everything else there is 404, whoever asks, and for a stranger 401
before a byte of the body is read. What counts is the port that was dialled, because behind a reverse proxy every caller seems to sit on
this machine. A stranger's connection is closed with the answer, and nothing of what strangers send reaches the SuperLink.

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
from collections.abc import Awaitable, Callable
from typing import Protocol

from riskset_server.flower.bodies import Bodies, Body, Event, Receive, in_one_piece
from riskset_server.flower.callers import KEY_HEADER, Headers
from riskset_server.flower.doors import Limits
from riskset_server.flower.inside import shows
from riskset_server.flower.listening import INTRODUCE

Scope = Event
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH = "/health"

FOR_SITES = frozenset(
    {
        "/v1/fleet/activate-node",
        "/v1/fleet/deactivate-node",
        "/v1/fleet/get-run",
        "/v1/fleet/pull-messages",
        "/v1/fleet/push-messages",
        "/v1/fleet/send-node-heartbeat",
    }
)
"""Not among them: get-fab. A site node runs its installed release and fetches no code."""

FOR_THE_CENTRE = frozenset(
    {
        "/v1/control/list-nodes",
        "/v1/control/list-runs",
        "/v1/control/register-node",
        "/v1/control/start-run",
        "/v1/control/stop-run",
        "/v1/control/unregister-node",
        "/v1/runtime/acquire-task",
        "/v1/runtime/pull-messages",
        "/v1/runtime/pull-task-input",
        "/v1/runtime/push-messages",
        "/v1/runtime/push-task-output",
        "/v1/runtime/send-task-heartbeat",
    }
)
"""Not among them: automations, which start runs of other apps, and what sleeps on the one thread that all calls share (stream-logs)."""

HOLD_SECONDS = 20.0
REPLIES_HOLD_SECONDS = 0.25

DRIVER_HEADER = "flwr-task-token"
"""By it a driver says which task is its own; whether it is, the SuperLink checks."""

_START_RUN = "/v1/control/start-run"
_REGISTERS = frozenset({"/v1/control/register-node", "/v1/control/unregister-node"})
_OF_THE_CENTRE = b"the centre's own programs"
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


class KnownSites(Protocol):
    """Who may call from outside: `callers.Sites`."""

    async def known(self, headers: Headers) -> bytes | None:
        """The key of the site that signed these headers; None for a stranger."""
        ...

    def forget(self) -> None:
        """A node was registered, or is no longer."""
        ...


class Front:
    """An ASGI application around the SuperLink's.

    Parameters
    ----------
    app
        The SuperLink's.
    port
        The one that sites dial.
    sites
        Tells sites from strangers.
    inside_word
        What the centre's own programs show.
    is_our_app
        Whether the body of a call to start a run asks for the app of this release and no other.
    limits
        Of bodies.
    hold
        Seconds for which a question waits.
    """

    def __init__(
        self,
        app: App,
        port: int,
        sites: KnownSites,
        inside_word: str,
        is_our_app: Callable[[bytes], bool],
        limits: Limits,
        *,
        hold: float = HOLD_SECONDS,
    ) -> None:
        self._app = app
        self._port = port
        self._sites = sites
        self._inside_word = inside_word
        self._is_our_app = is_our_app
        self._bodies = Bodies(limits)
        self._hold = hold
        self._waiting: dict[str, set[asyncio.Future[None]]] = {
            what: set() for what in _ASKS.values()
        }
        self._announced = dict.fromkeys(_ASKS.values(), 0)
        self._received: dict[str, float] = {}
        self._replies_coming = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["server"][1] == self._port:
            await self._from_outside(scope, receive, send)
        else:
            await self._from_inside(scope, receive, send)

    async def _from_outside(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == HEALTH:
            await _answer(send, 200)
        elif scope["path"] not in FOR_SITES:
            await _answer(send, 404)
        elif (key := await self._sites.known(scope["headers"])) is None:
            await _answer(send, 401)
        else:
            scope["state"][INTRODUCE](key)
            with self._bodies.of_site(key) as body:
                await self._known(body, scope, receive, send)

    async def _from_inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not shows(scope["headers"], self._inside_word):
            await _answer(send, 401)
        elif scope["path"] not in FOR_THE_CENTRE:
            await _answer(send, 404)
        else:
            scope["state"][INTRODUCE](_OF_THE_CENTRE)
            with self._bodies.of_centre() as body:
                await self._known(body, scope, receive, send)

    async def _known(self, body: Body, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body of a known caller, and let the SuperLink answer."""
        taken = await body.taken(receive)
        if isinstance(taken, int):
            await _answer(send, taken)
        elif scope["path"] == _START_RUN and not self._is_our_app(taken):
            await _answer(send, 403, b"This centre starts the app of its own release and no other.")
        elif scope["path"] in _ASKS:
            await self._held(scope, taken, receive, send)
        else:
            await self._passed_on(scope, in_one_piece(taken, receive), send)

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the SuperLink answer, and wake those for whom there is something new then."""
        coming = int(scope["path"] == _PUSHES_REPLY)
        self._replies_coming += coming
        try:
            await self._app(scope, receive, send)
        finally:
            self._replies_coming -= coming
        if scope["path"] in _REGISTERS:
            self._sites.forget()
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
        await self._app(asked_anew, in_one_piece(body, nothing_more), send)
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
    header = (KEY_HEADER if what == "messages" else DRIVER_HEADER).encode()
    named = (value for name, value in scope["headers"] if name == header)
    return bytes(next(named, b"")).decode("latin-1")


def _says_something(answer: list[Event]) -> bool:
    return answer[0]["status"] != 200 or any(event.get("body") for event in answer[1:])


async def _answer(send: Send, status: int, text: bytes = b"") -> None:
    """Answer without the SuperLink, and close the connection."""
    headers = [(b"content-length", str(len(text)).encode("ascii")), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
