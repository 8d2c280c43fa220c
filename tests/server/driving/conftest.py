"""A centre that takes streams, and sites that dial it, over TLS on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

import pytest
from tests.server.conftest import Bytes

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.signing import Identity
from riskset_node.connection import stream as at_site
from riskset_node.connection.stream import RunStream, StreamAddress
from riskset_server.centre.certificates import make_certificates
from riskset_server.driving.streams import RunStreams

KEYS = [Identity.from_random(bytes([n]) * 32) for n in range(3)]
ROSTER = Roster(
    version=1,
    members=tuple(
        Member(site_id=n + 1, name=f"site-{n + 1}", study_group="G", public=key.public)
        for n, key in enumerate(KEYS)
    ),
)


@dataclass
class Site:
    """Answers by turning the message round."""

    site_id: int

    def sign(self, statement: bytes) -> bytes:
        return KEYS[self.site_id - 1].sign(statement)

    def answer(self, message: bytes) -> bytes:
        return message[::-1]


@dataclass
class Line:
    """A centre that takes streams, and how a site dials it."""

    streams: RunStreams
    target: str
    ca: bytes
    opened: list[RunStream]
    said: list[str]

    def dial(self, site_id: int, token: bytes | None = None, signs_as: int | None = None) -> None:
        token = self.streams.tokens[f"site-{site_id}"] if token is None else token
        address = StreamAddress(self.target, token, self.ca, None)
        site = Site(site_id)
        if signs_as is not None:
            site.sign = Site(signs_as).sign  # type: ignore[method-assign]
        self.opened.append(RunStream(address, site, self.said.append))  # type: ignore[arg-type]

    def wait(self, reached: Callable[[], bool]) -> None:
        pause = Event()
        for _ in range(500):
            if reached():
                return
            pause.wait(0.01)
        raise AssertionError("not reached in 5 s")

    def answers(self, n: int) -> dict[str, bytes | None]:
        found: dict[str, bytes | None] = {}
        for _ in range(100):
            found |= self.streams.collect(0.05)
            if len(found) == n:
                return found
        raise AssertionError(f"{len(found)} of {n} answers in 5 s")


@pytest.fixture(scope="module")
def certificates():
    return make_certificates(
        ["127.0.0.1"], datetime.now(UTC)
    )  # TLS looks at the clock of the machine


@pytest.fixture
def line(certificates, monkeypatch):
    monkeypatch.setattr(at_site, "ATTEMPTS", 1)
    ca, server = certificates
    with socket.create_server(("127.0.0.1", 0)) as probe:
        target = f"127.0.0.1:{probe.getsockname()[1]}"
    streams = RunStreams(target, server.certificate, server.key, ROSTER, Bytes(), reached_at=target)
    line = Line(streams, target, ca, [], [])
    yield line
    streams.close()
    for each in line.opened:
        each._thread.join(5)
