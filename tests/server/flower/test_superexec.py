"""The SuperExec with answers in the SuperLink's place: it outlives what the SuperLink does, and tells a driver its token alone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from secrets import token_bytes

import httpx
import pytest
from flwr.proto.runtime_pb2 import AcquireTaskResponse
from flwr.proto.task_pb2 import Task

from riskset_server.centre.config import CentreConfig
from riskset_server.centre.new_centre import new_centre
from riskset_server.flower import superexec
from riskset_server.flower.inside import INSIDE_HEADER, inside_word, read_secret
from riskset_server.flower.superexec import SuperExec

NOTHING = httpx.Response(200, content=AcquireTaskResponse().SerializeToString())
TASK = AcquireTaskResponse(task=Task(task_id=1, run_id=2, type="flwr-serverapp"), token="secret")
Answers = list[httpx.Response | Exception]


class NightFall(Exception):
    """The test is over."""


@pytest.fixture
def centre(tmp_path: Path) -> CentreConfig:
    return new_centre(
        tmp_path / "centre",
        sites="127.0.0.1:1",
        inside="127.0.0.1:2",
        stream=None,
        now=datetime.now(UTC),
        random=token_bytes,
    )


def lived(
    centre: CentreConfig, answers: Answers, command: tuple[str, ...] = ()
) -> tuple[list[str], list[float], list[httpx.Request]]:
    """What it said, how long it waited each time, and what it asked."""
    said: list[str] = []
    waited: list[float] = []
    asked: list[httpx.Request] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        for driver in living._drivers:
            driver.wait(10)
        if not answers:
            raise NightFall

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    living = SuperExec(centre, say=said.append, wait=wait, command=command)
    client = living._runtime._client
    living._runtime._client = httpx.Client(
        transport=httpx.MockTransport(answer), headers=client.headers
    )
    client.close()
    with pytest.raises(NightFall):
        living.serve()
    living._runtime.close()
    return said, waited, asked


def test_it_asks_again_at_longer_and_longer_intervals_whatever_the_superlink_answers(centre):
    down: Answers = [
        httpx.Response(500, text="Internal Server Error"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
        httpx.Response(401),
        httpx.Response(200, content=b"no message"),
        httpx.Response(503),
        httpx.ConnectError("refused"),
    ]
    said, waited, _ = lived(centre, [*down, NOTHING, httpx.Response(502)])
    back_off = waited[:7]

    assert all(later == min(2 * sooner, 15.0) for sooner, later in pairwise(back_off))
    assert (0.5, [superexec.BETWEEN_SECONDS, 0.5]) == (back_off[0], waited[7:])
    assert "does not answer (500); again in 0.5 s" in said[1]
    assert "401: it runs with another flower.secret" in said[4]
    assert said[8].endswith("the SuperLink answers again")


def test_it_shows_the_word_of_the_inside_port_and_signs_what_it_asks(centre):
    _, _, (asked,) = lived(centre, [NOTHING])
    word = inside_word(read_secret(centre.flower.secret))

    assert (word, True) == (
        asked.headers[INSIDE_HEADER],
        any(name.endswith("signature") for name in asked.headers),
    )


def test_a_driver_reads_its_token_and_its_end_is_noticed(centre, tmp_path):
    read = tmp_path / "read"
    code = f"import sys; open({str(read)!r}, 'w').write(sys.stdin.read()); sys.exit(3)"
    given = httpx.Response(200, content=TASK.SerializeToString())
    said, _, _ = lived(centre, [given, NOTHING], (sys.executable, "-c", code))

    assert "secret" == read.read_text(encoding="utf-8")
    assert not any("secret" in line for line in said)
    assert ["started driver", "with status 3"] == [said[1][19:33], said[2][-13:]]


def test_a_driver_that_cannot_start_or_ends_at_once_does_not_take_the_superexec_down(centre):
    given = httpx.Response(200, content=TASK.SerializeToString())
    missing, _, _ = lived(centre, [given, NOTHING], ("/no/such/program",))
    deaf, _, _ = lived(centre, [given, NOTHING], (sys.executable, "-c", ""))

    assert "no driver can be started (No such file or directory)" in missing[1]
    assert deaf[-1].endswith("with status 0")
