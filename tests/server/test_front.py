"""The front of the SuperLink, with an application in the SuperLink's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from riskset_server.front import FOR_SITES, Front

SITES, INSIDE = 8443, 8000
PULL = "/v1/fleet/pull-messages"


class SuperLink:
    """Says 200 to everything; to a node that asks for messages it gives those that are there."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.messages = b""

    async def __call__(self, scope, receive, send) -> None:
        self.asked.append(scope["path"])
        while (await receive()).get("more_body"):
            pass
        body = self.messages if scope["path"] == PULL else b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Call:
    """One request to the front."""

    def __init__(self, path: str, port: int = SITES) -> None:
        self.scope = {"type": "http", "path": path, "server": ("10.0.0.1", port)}
        self.answer: list[dict] = []
        self.coming: asyncio.Queue[dict] = asyncio.Queue()
        self.coming.put_nowait({"type": "http.request", "body": b"x", "more_body": False})

    async def send(self, event) -> None:
        self.answer.append(event)

    async def through(self, front: Front) -> Call:
        await front(self.scope, self.coming.get, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.answer[1:])


def played(scene: Callable[[SuperLink], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(SuperLink()), timeout=5))


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110  # the front tells nobody that it waits
        await asyncio.sleep(0)


@pytest.mark.parametrize("path", sorted(FOR_SITES - {PULL}))
def test_the_calls_of_a_node_come_through(path):
    async def scene(superlink):
        call = await Call(path).through(Front(superlink, SITES))

        assert 200 == call.status

    played(scene)


@pytest.mark.parametrize(
    "path", ["/v1/control/start-run", "/v1/runtime/acquire-task", "/v1/fleet/get-fab", "/docs", "/"]
)
def test_from_outside_nothing_else_exists(path):
    async def scene(superlink):
        call = await Call(path).through(Front(superlink, SITES))

        assert (404, []) == (call.status, superlink.asked)

    played(scene)


def test_inside_all_of_the_superlink_is_there():
    async def scene(superlink):
        call = await Call("/v1/control/start-run", INSIDE).through(Front(superlink, SITES))

        assert (200, b"ok") == (call.status, call.body)

    played(scene)


def test_a_node_that_waits_is_answered_when_there_is_a_message():
    async def scene(superlink):
        front = Front(superlink, SITES, hold=60)
        waiting = asyncio.ensure_future(Call(PULL).through(front))
        await until(lambda: superlink.asked == [PULL])
        superlink.messages = b"message"
        await Call("/v1/runtime/push-messages", INSIDE).through(front)
        call = await waiting

        assert b"message" == call.body
        assert [PULL, "/v1/runtime/push-messages", PULL] == superlink.asked

    played(scene)


def test_a_message_that_is_there_is_given_at_once():
    async def scene(superlink):
        superlink.messages = b"message"
        call = await Call(PULL).through(Front(superlink, SITES, hold=60))

        assert (b"message", [PULL]) == (call.body, superlink.asked)

    played(scene)


def test_an_empty_answer_is_given_when_the_time_is_over():
    async def scene(superlink):
        call = await Call(PULL).through(Front(superlink, SITES, hold=0))

        assert (200, b"") == (call.status, call.body)

    played(scene)


def test_a_node_that_hangs_up_is_waited_for_no_longer():
    async def scene(superlink):
        call = Call(PULL)
        waiting = asyncio.ensure_future(call.through(Front(superlink, SITES, hold=60)))
        await until(lambda: superlink.asked == [PULL])
        call.coming.put_nowait({"type": "http.disconnect"})
        await waiting

        assert [] == call.answer

    played(scene)
