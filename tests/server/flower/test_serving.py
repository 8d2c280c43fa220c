"""What the service of the SuperLink adds to the front: which runs are started, and memory that is given back."""

from __future__ import annotations

import asyncio

import pytest
from flwr.proto.control_pb2 import StartRunRequest
from flwr.proto.fab_pb2 import Fab

from riskset_server.flower import serving
from riskset_server.flower.app_archive import app_archive, app_folder
from riskset_server.flower.serving import is_our_app

OURS = app_archive(app_folder())


def test_a_run_of_the_app_of_this_release_is_started() -> None:
    assert is_our_app(StartRunRequest(fab=Fab(content=OURS)).SerializeToString())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no message",
        StartRunRequest(fab=Fab(content=OURS + b"\0")).SerializeToString(),
        StartRunRequest(fab=Fab(content=OURS), app_spec="@a/b").SerializeToString(),
        # Of a field that comes twice, the last one counts, for Flower too.
        StartRunRequest(fab=Fab(content=OURS)).SerializeToString()
        + StartRunRequest(fab=Fab(content=b"another")).SerializeToString(),
    ],
)
def test_no_other_run_is_started(body) -> None:
    assert not is_our_app(body)


class Doors:
    strangers_left = 0


def test_memory_is_given_back_once_after_strangers_left(monkeypatch) -> None:
    given: list[int] = []
    doors = Doors()
    monkeypatch.setattr(serving, "give_back", lambda: given.append(doors.strangers_left))
    tidying = serving._Tidying([doors])  # type: ignore[list-item]

    async def scene() -> None:
        for left in (0, 3, 3, 4):
            doors.strangers_left = left
            await tidying.tidy()

    asyncio.run(scene())

    assert [3, 4] == given
