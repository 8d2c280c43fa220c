"""The front of the SuperLink, with an application in the SuperLink's place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from riskset_server.flower import front as fronts
from riskset_server.flower.callers import KEY_HEADER
from riskset_server.flower.doors import Limits
from riskset_server.flower.front import (
    DRIVER_HEADER,
    FOR_SITES,
    FOR_THE_CENTRE,
    HEALTH,
    HOLD_SECONDS,
    App,
    Front,
)
from riskset_server.flower.inside import INSIDE_HEADER
from riskset_server.flower.listening import INTRODUCE

SITES, INSIDE = 8443, 8000
WORD = "the secret's word"
OUR_APP = b"x"
PULL, PUSH = "/v1/fleet/pull-messages", "/v1/runtime/push-messages"
ACQUIRE = "/v1/runtime/acquire-task"
REPLY, COLLECT = "/v1/fleet/push-messages", "/v1/runtime/pull-messages"


class SuperLink:
    """Says 200 to everything; to a node that asks for messages it gives those that are there."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.messages = b""

    async def __call__(self, scope, receive, send) -> None:
        self.asked.append(scope["path"])
        while (await receive()).get("more_body"):
            pass
        body = self.messages if scope["path"] in {PULL, ACQUIRE, COLLECT} else b"ok"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class OneSite:
    """Knows the site of a call that names any key, and counts how often it was told to forget."""

    def __init__(self) -> None:
        self.forgot = 0

    async def known(self, headers) -> bytes | None:
        return dict(headers).get(KEY_HEADER.encode())

    def forget(self) -> None:
        self.forgot += 1


def front_of(
    app: App,
    *,
    sites: OneSite | None = None,
    limits: Limits | None = None,
    hold: float = HOLD_SECONDS,
) -> Front:
    return Front(
        app,
        SITES,
        sites or OneSite(),
        WORD,
        lambda body: body == OUR_APP,
        limits or Limits(),
        hold=hold,
    )


class Call:
    """One request to the front."""

    def __init__(self, path: str, port: int = SITES, pieces: tuple[bytes, ...] = (b"x",)) -> None:
        self.shown: list[bytes] = []
        self.headers = [
            (KEY_HEADER.encode(), b"a node's key"),
            (DRIVER_HEADER.encode(), b"a driver's token"),
            (INSIDE_HEADER.encode(), WORD.encode()),
        ]
        self.scope: dict[str, object] = {
            "type": "http",
            "path": path,
            "server": ("10.0.0.1", port),
            "headers": self.headers,
            "state": {INTRODUCE: self.shown.append},
        }
        self.answer: list[dict] = []
        self.coming: asyncio.Queue[dict] = asyncio.Queue()
        for piece in pieces:
            more = piece is not pieces[-1]
            self.coming.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    def without(self, header: str) -> Call:
        """The same call by somebody who does not send this header."""
        self.headers[:] = [pair for pair in self.headers if pair[0] != header.encode()]
        return self

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
        call = await Call(path).through(front_of(superlink))

        assert (200, [b"a node's key"]) == (call.status, call.shown)

    played(scene)


@pytest.mark.parametrize(
    "path",
    ["/v1/control/start-run", "/v1/runtime/acquire-task", "/v1/fleet/get-fab", "/docs", "/"],
)
def test_from_outside_nothing_else_exists(path):
    async def scene(superlink):
        call = await Call(path).through(front_of(superlink))

        assert (404, []) == (call.status, superlink.asked)

    played(scene)


@pytest.mark.parametrize("path", sorted(FOR_THE_CENTRE - {ACQUIRE, COLLECT}))
def test_the_calls_of_the_centres_own_programs_come_through_with_the_secret(path):
    async def scene(superlink):
        call = await Call(path, INSIDE).through(front_of(superlink))

        assert (200, b"ok", 1) == (call.status, call.body, len(call.shown))

    played(scene)


@pytest.mark.parametrize(
    "path",
    ["/v1/control/start-automation", "/v1/control/stream-logs", "/v1/runtime/create-task",
     "/v1/fleet/push-messages", "/v1/fleet/register-node", "/docs", "/"],
)  # fmt: skip
def test_inside_nothing_else_exists_even_with_the_secret(path):
    async def scene(superlink):
        call = await Call(path, INSIDE).through(front_of(superlink))

        assert (404, []) == (call.status, superlink.asked)

    played(scene)


@pytest.mark.parametrize("path", [*sorted(FOR_THE_CENTRE | FOR_SITES), "/docs", HEALTH, "/"])
@pytest.mark.parametrize("shown", ["", "another word", WORD + "x"])
def test_inside_nothing_at_all_is_there_without_the_secret(path, shown):
    async def scene(superlink):
        call = Call(path, INSIDE).without(INSIDE_HEADER)
        if shown:
            call.headers.append((INSIDE_HEADER.encode(), shown.encode()))
        await call.through(front_of(superlink))

        assert (401, [], 1) == (call.status, superlink.asked, call.coming.qsize())
        assert [] == call.shown

    played(scene)


@pytest.mark.parametrize("path", sorted(FOR_SITES))
def test_a_stranger_is_answered_before_a_byte_of_the_body_is_read_and_the_connection_is_closed(
    path,
):
    async def scene(superlink):
        call = await Call(path).without(KEY_HEADER).through(front_of(superlink))

        assert (401, [], 1) == (call.status, superlink.asked, call.coming.qsize())
        assert (b"connection", b"close") in call.answer[0]["headers"]
        assert [] == call.shown

    played(scene)


def test_a_stranger_hears_that_the_centre_is_well_and_the_superlink_is_not_asked():
    async def scene(superlink):
        call = await Call(HEALTH).without(KEY_HEADER).through(front_of(superlink))

        assert (200, []) == (call.status, superlink.asked)

    played(scene)


def test_a_run_of_another_app_is_not_started_even_with_the_secret():
    async def scene(superlink):
        call = await Call("/v1/control/start-run", INSIDE, (b"y",)).through(front_of(superlink))

        assert (403, []) == (call.status, superlink.asked)
        assert b"the app of its own release" in call.body

    played(scene)


@pytest.mark.parametrize("path", ["/v1/control/register-node", "/v1/control/unregister-node"])
def test_when_a_node_comes_or_goes_the_front_asks_anew_who_is_registered(path):
    async def scene(superlink):
        sites = OneSite()
        await Call(path, INSIDE).through(front_of(superlink, sites=sites))

        assert 1 == sites.forgot

    played(scene)


def test_a_node_that_waits_is_answered_when_there_is_a_message():
    async def scene(superlink):
        front = front_of(superlink, hold=60)
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
        call = await Call(PULL).through(front_of(superlink, hold=60))

        assert (b"message", [PULL]) == (call.body, superlink.asked)

    played(scene)


def test_an_empty_answer_is_given_when_the_time_is_over():
    async def scene(superlink):
        call = await Call(PULL).through(front_of(superlink, hold=0))

        assert (200, b"") == (call.status, call.body)

    played(scene)


def test_a_node_that_hangs_up_is_waited_for_no_longer():
    async def scene(superlink):
        call = Call(PULL)
        waiting = asyncio.ensure_future(call.through(front_of(superlink, hold=60)))
        await until(lambda: superlink.asked == [PULL])
        call.coming.put_nowait({"type": "http.disconnect"})
        await waiting

        assert [] == call.answer

    played(scene)


def test_a_node_that_was_given_its_message_is_held_without_asking_the_superlink_again():
    async def scene(superlink):
        front = front_of(superlink, hold=60)
        await Call(PUSH, INSIDE).through(front)
        waiting = asyncio.ensure_future(Call(PULL).through(front))
        await until(lambda: superlink.asked == [PUSH, PULL])
        superlink.messages = b"first"
        await Call(PUSH, INSIDE).through(front)
        first = await waiting
        asked = len(superlink.asked)
        again = asyncio.ensure_future(Call(PULL).through(front))
        await until(lambda: any(front._waiting.values()))
        superlink.messages = b"second"

        assert (b"first", asked) == (first.body, len(superlink.asked))

        await Call(PUSH, INSIDE).through(front)

        assert b"second" == (await again).body

    played(scene)


def test_of_two_messages_that_were_told_before_a_node_asked_it_is_given_both_at_once():
    async def scene(superlink):
        front = front_of(superlink, hold=60)
        await Call(PUSH, INSIDE).through(front)
        await Call(PUSH, INSIDE).through(front)
        superlink.messages = b"message"
        given = [(await Call(PULL).through(front)).body for _ in range(2)]

        assert [b"message"] * 2 == given

    played(scene)


def test_the_superexec_that_heard_of_no_run_is_asked_for_once_more_when_one_is_started():
    async def scene(superlink):
        front = front_of(superlink, hold=60)
        none = await Call(ACQUIRE, INSIDE).through(front)
        waiting = asyncio.ensure_future(Call(ACQUIRE, INSIDE).through(front))
        await until(lambda: any(front._waiting.values()))
        superlink.messages = b"run"
        await Call("/v1/control/start-run", INSIDE).through(front)

        assert (b"", b"run") == (none.body, (await waiting).body)
        assert [ACQUIRE, "/v1/control/start-run", ACQUIRE] == superlink.asked

    played(scene)


def test_a_driver_that_waits_is_answered_when_a_site_has_replied():
    async def scene(superlink):
        front = front_of(superlink)
        await Call(COLLECT, INSIDE).through(front)
        waiting = asyncio.ensure_future(Call(COLLECT, INSIDE).through(front))
        await until(lambda: any(front._waiting.values()))
        superlink.messages = b"reply"
        await Call(REPLY).through(front)

        assert b"reply" == (await waiting).body
        assert [COLLECT, REPLY, COLLECT] == superlink.asked

    played(scene)


def test_a_driver_is_answered_once_for_replies_that_come_together():
    async def scene(_):
        let_in = asyncio.Event()
        superlink = SuperLink()

        async def slow_to_take(scope, receive, send) -> None:
            if scope["path"] == REPLY and REPLY in superlink.asked:
                await let_in.wait()
            await superlink(scope, receive, send)

        front = front_of(slow_to_take)
        await Call(COLLECT, INSIDE).through(front)
        waiting = asyncio.ensure_future(Call(COLLECT, INSIDE).through(front))
        await until(lambda: any(front._waiting.values()))
        first = asyncio.ensure_future(Call(REPLY).through(front))
        await until(lambda: superlink.asked == [COLLECT, REPLY])
        second = asyncio.ensure_future(Call(REPLY).through(front))
        await first
        let_in.set()
        await asyncio.gather(second, waiting)

        assert [COLLECT, REPLY, REPLY, COLLECT] == superlink.asked

    played(scene)


def test_a_driver_hears_soon_of_what_nobody_told(monkeypatch):
    monkeypatch.setattr(fronts, "REPLIES_HOLD_SECONDS", 0.01)

    async def scene(superlink):
        front = front_of(superlink, hold=60)
        await Call(COLLECT, INSIDE).through(front)
        superlink.messages = b"the node is lost"

        assert b"the node is lost" == (await Call(COLLECT, INSIDE).through(front)).body

    played(scene)


@pytest.mark.parametrize(
    ("told", "asks"), [("/v1/control/start-run", PULL), (PUSH, ACQUIRE), (PUSH, COLLECT)]
)
def test_nobody_is_woken_by_what_is_new_for_others(told, asks):
    async def scene(superlink):
        front = front_of(superlink, hold=60)
        if asks == PULL:
            waiting = asyncio.ensure_future(Call(asks).through(front))
            await until(lambda: superlink.asked == [asks])
        else:
            await Call(asks, INSIDE).through(front)
            waiting = asyncio.ensure_future(Call(asks, INSIDE).through(front))
        await until(lambda: any(front._waiting.values()))
        await Call(told, INSIDE).through(front)

        assert [asks, told] == superlink.asked

        waiting.cancel()

    played(scene)


def test_a_body_in_pieces_reaches_the_superlink_in_one():
    pieces: list[bytes] = []

    async def superlink(scope, receive, send) -> None:
        pieces.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def scene(_):
        front = front_of(superlink, limits=Limits(longest_body=4))
        fits = await Call("/v1/fleet/push-messages", pieces=(b"ab", b"cd")).through(front)
        large = await Call("/v1/fleet/push-messages", pieces=(b"ab", b"cde")).through(front)

        assert (200, 413, [b"abcd"]) == (fits.status, large.status, pieces)

    played(scene)
