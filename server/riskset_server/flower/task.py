"""The driver of a run as a process: Flower calls it a task, tells it which run it is to drive, and hears from it that it lives.

Nothing of the app that Flower carries is executed: the driver is the installed release. A driver outlives a restart of the SuperLink.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from functools import partial
from threading import current_thread, main_thread
from types import FrameType

import httpx
from flwr.common.constant import SubStatus
from flwr.common.serde import run_from_proto
from flwr.proto.runtime_pb2 import PullTaskInputRequest, PushTaskOutputRequest
from flwr.supercore.heartbeat import HeartbeatSender, make_task_heartbeat_fn_http
from flwr.supercore.logger import update_console_handler
from flwr.supercore.retry import RetryInvoker, RetryState, exponential
from flwr.supercore.task_identity import TaskIdentity
from flwr.superlink.grid import HttpGrid

from riskset_common.errors import RisksetError
from riskset_common.programs.memory import settle
from riskset_server.centre.config import CentreConfig
from riskset_server.flower.inside import inside_client
from riskset_server.flower.superlink import drive

ANSWER_SECONDS = 30.0
LONGEST_RETRY, GIVEN_UP_AFTER = 5, 600.0
"""Seconds between two calls to a SuperLink that does not answer, and after which it is waited for no longer."""

_OVER = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})
_AGAIN = frozenset({500, 502, 503, 504})
"""What a SuperLink answers while it starts or ends."""


class InsideGrid(HttpGrid):
    """Flower's Grid with the secret of the inside port."""

    def __init__(self, centre: CentreConfig, token: str) -> None:
        super().__init__(
            centre.listen.inside, root_certificates=centre.tls.ca.read_bytes(), token=token
        )
        self._centre = centre
        self._retry_invoker = RetryInvoker(
            lambda: exponential(max_delay=LONGEST_RETRY),
            (httpx.TransportError, httpx.HTTPStatusError),
            max_tries=None,
            max_time=GIVEN_UP_AFTER,
            should_giveup=_is_final,
            on_giveup=partial(_give_up, centre.listen.inside),
        )

    def _connect(self) -> None:
        super()._connect()
        client = self._runtime_client
        client._client.close()  # noqa: SLF001  # Flower's client does not know the secret
        client._client = inside_client(self._centre, ANSWER_SECONDS)  # noqa: SLF001  # ditto


def _is_final(error: Exception) -> bool:
    """Whether to call no more. A task that was stopped, or that the SuperLink does not know, ends here as with Ctrl-C."""
    if not isinstance(error, httpx.HTTPStatusError):
        return False
    status = error.response.status_code
    if status in _OVER:
        signal.raise_signal(signal.SIGINT)
        raise SystemExit  # in the thread of the heartbeat, which no signal reaches
    return status not in _AGAIN


def _give_up(address: str, state: RetryState) -> None:
    if current_thread() is not main_thread():
        raise SystemExit  # the thread of the heartbeat; the driver itself hears of it at its next call
    error = state.exception
    what = (
        f"it answers {error.response.status_code}"
        if isinstance(error, httpx.HTTPStatusError)
        else type(error).__name__
    )
    raise RisksetError(
        f"The SuperLink at {address} does not answer the driver ({what}). When it runs again, `riskset run resume` goes on."
    )


def drive_task(centre: CentreConfig, token: str) -> None:
    """Drive the run to which this token belongs, and say to the SuperLink how it ended.

    Raises
    ------
    RisksetError
        As the run ended; the store has it too.
    """
    update_console_handler(timestamps=True, colored=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    settle()
    grid = InsideGrid(centre, token)
    sub_status, details = SubStatus.FAILED, "The driver ended early."
    try:
        number = _begin(grid)
        sys.stdout.write(f"riskset driver: drives run {number}\n")
        sys.stdout.flush()
        drive(centre, grid, number)
        sub_status, details = SubStatus.COMPLETED, ""
    except KeyboardInterrupt:
        sys.stdout.write(
            "riskset driver: ends, because its run was stopped, or the SuperLink knows it no longer\n"
        )
    finally:
        _say_how_it_ended(grid, sub_status, details)


def _begin(grid: InsideGrid) -> int:
    """Take the task up, and give the number of the run in the centre's store."""
    runtime = grid._runtime_client  # noqa: SLF001  # Grid has no call for it
    HeartbeatSender(make_task_heartbeat_fn_http(runtime)).start()
    given = runtime.PullTaskInput(PullTaskInputRequest())
    TaskIdentity.task_id = given.task_id
    TaskIdentity.run_id = given.run.run_id
    TaskIdentity.node_id = given.context.node_id
    run = run_from_proto(given.run)
    grid.set_run(run)
    return int(str(run.override_config["run"]))


def _say_how_it_ended(grid: InsideGrid, sub_status: str, details: str) -> None:
    """Once: a SuperLink that is away learns from the missing heartbeat."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    runtime = grid._runtime_client  # noqa: SLF001  # Grid has no call for it
    runtime._retry_invoker = None  # noqa: SLF001  # ditto
    with suppress(httpx.HTTPError):
        runtime.PushTaskOutput(PushTaskOutputRequest(sub_status=sub_status, details=details))
    grid.close()


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)
