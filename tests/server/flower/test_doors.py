"""Who keeps a connection if more want one than there are places."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from riskset_server.flower.doors import COLLECTED_AFTER, Caller, Door, Limits, network_of

LIMITS = Limits(strangers=6, strangers_of_one_address=3, of_one_key=2)


@dataclass
class Street:
    """A door, and those who call at it from addresses of this machine's own network."""

    door: Door
    calls: list[socket.socket] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    def call(self, address: str = "127.0.0.1") -> Caller:
        self.calls.append(
            socket.create_connection(self.door.getsockname(), 5, source_address=(address, 0))
        )
        self.callers.append(self.door.accept()[0])
        return self.callers[-1]

    def ended(self) -> list[int]:
        """Which of the calls the door hung up on, in the order in which they came."""
        return [place for place, call in enumerate(self.calls) if self._has_ended(call)]

    def _has_ended(self, call: socket.socket) -> bool:
        call.setblocking(False)
        try:
            return call.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def street() -> Iterator[Street]:
    with Door(socket.create_server(("127.0.0.1", 0)), LIMITS) as door:
        street = Street(door)
        yield street
        for each in (*street.calls, *street.callers):
            each.close()


def test_of_too_many_strangers_from_one_address_the_oldest_gives_way(street) -> None:
    for _ in range(5):
        street.call()

    assert [0, 1] == street.ended()
    assert 3 == street.door.n_strangers


class Connection:
    """What is kept for a connection: objects that hold each other."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_kept_for_strangers_does_not_pile_up_while_others_come(street) -> None:
    gc.collect()
    gc.disable()
    try:
        kept = []
        for _ in range(2 * COLLECTED_AFTER):
            kept.append(weakref.ref(Connection()))
            street.call().close()
        left = sum(each() is not None for each in kept)
    finally:
        gc.enable()

    assert left <= COLLECTED_AFTER


def test_of_too_many_strangers_the_address_with_the_most_gives_way_and_the_next_gets_in(street):
    alone = street.call("127.0.0.2")
    for address in (3, 3, 3, 4, 5, 6):
        street.call(f"127.0.0.{address}")

    assert [1] == street.ended()
    assert 6 == street.door.n_strangers
    assert alone.fileno() > 0


def test_a_known_caller_gives_way_to_no_stranger(street) -> None:
    street.door.introduce(street.call(), b"site a")
    for _ in range(4):
        street.call()

    assert [1] == street.ended()
    assert 3 == street.door.n_strangers


def test_of_too_many_connections_of_one_site_its_own_oldest_gives_way(street) -> None:
    for key in (b"a", b"a", b"b", b"a"):
        street.door.introduce(street.call(), key)

    assert [0] == street.ended()
    assert 0 == street.door.n_strangers


def test_a_caller_that_shows_its_key_again_keeps_its_place_and_another_key_changes_it(street):
    first, second = street.call(), street.call()
    for caller in (first, second, first):
        street.door.introduce(caller, b"a")
    street.door.introduce(first, b"b")
    street.door.introduce(street.call(), b"a")

    assert [] == street.ended()


def test_who_hangs_up_leaves_a_place_and_is_counted_if_a_stranger(street) -> None:
    for key in (None, b"a"):
        caller = street.call()
        if key is not None:
            street.door.introduce(caller, key)
        caller.close()
        caller.close()
    street.door.introduce(caller, b"a")
    for _ in range(3):
        street.call()

    assert [0, 1] == street.ended()
    assert (3, 1) == (street.door.n_strangers, street.door.strangers_left)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(address, network) -> None:
    assert network == network_of(address)
