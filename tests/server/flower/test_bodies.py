"""How many bytes are taken from whom, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from riskset_server.flower.bodies import Bodies, in_one_piece
from riskset_server.flower.doors import Limits

SMALL = Limits(body=0.05, slowest=1 << 30, longest_body=10, bodies=15)


class Sender:
    """Sends these pieces, and then nothing unless it was the last."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.left = list(pieces)
        self.ends = ends

    async def receive(self):
        if not self.left:
            await asyncio.Event().wait()
        piece = self.left.pop(0)
        return {
            "type": "http.request",
            "body": piece,
            "more_body": bool(self.left) or not self.ends,
        }


def played(scene: Callable[[Bodies], Awaitable[None]], limits: Limits = SMALL) -> None:
    asyncio.run(asyncio.wait_for(scene(Bodies(limits)), timeout=5))


async def taken(bodies: Bodies, sender: Sender, key: bytes = b"a") -> bytes | int:
    with bodies.of_site(key) as body:
        return await body.taken(sender.receive)


def test_a_body_that_does_not_end_is_given_up_after_its_time():
    async def scene(bodies):
        assert 408 == await taken(bodies, Sender(b"half", ends=False))

    played(scene)


def test_a_body_has_a_second_more_for_so_many_bytes():
    async def scene(bodies):
        assert b"12" == await taken(bodies, Sender(b"1", b"2"))

    played(scene, Limits(body=0.0, slowest=1, longest_body=10))


def test_a_body_that_is_too_large_is_read_to_its_end_and_not_kept():
    async def scene(bodies):
        sender = Sender(b"123456", b"123456", b"1")

        assert (413, []) == (await taken(bodies, sender), sender.left)
        assert b"1234567890" == await taken(bodies, Sender(b"1234567890"))

    played(scene)


def test_a_body_without_end_that_is_too_large_is_read_four_times_as_far_and_no_further():
    async def scene(bodies):
        sender = Sender(*[b"1234567890"] * 100)

        assert (413, 95) == (await taken(bodies, sender), len(sender.left))

    played(scene)


def test_what_one_site_sends_at_one_time_is_bounded_over_all_its_bodies():
    async def scene(bodies):
        with bodies.of_site(b"a") as first:
            await first.taken(Sender(b"123456").receive)

            assert 503 == await taken(bodies, Sender(b"12345"))
            assert b"12345" == await taken(bodies, Sender(b"12345"), b"b")
        assert b"12345" == await taken(bodies, Sender(b"12345"))

    played(scene)


def test_what_all_sites_send_at_one_time_is_bounded():
    async def scene(bodies):
        with bodies.of_site(b"a") as first, bodies.of_site(b"b") as second:
            await first.taken(Sender(b"12345678").receive)

            assert b"1234567" == await second.taken(Sender(b"1234567").receive)
            assert 503 == await taken(bodies, Sender(b"1"), b"c")
        assert b"1" == await taken(bodies, Sender(b"1"), b"c")

    played(scene)


def test_the_centres_own_programs_send_as_much_as_they_have():
    async def scene(bodies):
        with bodies.of_centre() as body:
            assert 100 == len(await body.taken(Sender(b"1" * 100).receive))

    played(scene)


def test_a_caller_who_hangs_up_sent_no_body():
    async def scene(bodies):
        async def gone():
            return {"type": "http.disconnect"}

        with bodies.of_site(b"a") as body:
            assert 400 == await body.taken(gone)

    played(scene)


def test_after_the_body_comes_what_the_caller_does():
    async def gone():
        return {"type": "http.disconnect"}

    async def scene(_):
        receive = in_one_piece(b"body", gone)

        assert (b"body", "http.disconnect") == (
            (await receive())["body"],
            (await receive())["type"],
        )

    played(scene)
