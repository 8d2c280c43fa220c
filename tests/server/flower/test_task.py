"""When a driver calls the SuperLink no more."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from flwr.supercore.retry import RetryState

from riskset_common.errors import RisksetError
from riskset_server.flower import task


def answered(status: int) -> httpx.HTTPStatusError:
    asked = httpx.Request("POST", "https://x")
    return httpx.HTTPStatusError("", request=asked, response=httpx.Response(status))


@pytest.mark.parametrize("status", [401, 403])
def test_a_driver_whose_task_is_over_ends_as_with_ctrl_c(status) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        task._is_final(answered(status))
    signal.signal(signal.SIGINT, before)


def test_a_superlink_that_starts_or_ends_is_called_again() -> None:
    errors = [httpx.ConnectError(""), httpx.ReadTimeout(""), answered(500), answered(503)]

    assert {False} == {task._is_final(error) for error in errors}
    assert task._is_final(answered(413))


@pytest.mark.parametrize(
    ("error", "said"),
    [(answered(413), "it answers 413"), (httpx.ConnectError(""), "ConnectError")],
)
def test_a_driver_that_gives_up_says_what_to_do(error, said) -> None:
    state = RetryState(task.drive_task, (), {}, tries=9, elapsed_time=601.0, exception=error)
    with pytest.raises(RisksetError, match=rf"127\.0\.0\.1:2 does not answer .*{said}.*run resume"):
        task._give_up("127.0.0.1:2", state)


def test_the_heartbeat_gives_up_without_a_word() -> None:
    state = RetryState(task.drive_task, (), {}, tries=9, elapsed_time=601.0)
    with ThreadPoolExecutor(1) as heart:
        ended = heart.submit(task._give_up, "127.0.0.1:2", state).exception(10)

    assert isinstance(ended, SystemExit)
