"""The SuperExec: asks the SuperLink for runs to drive, and starts a driver for each as a process of its own.

It outlives the SuperLink: as long as that does not answer, it asks again, at longer and longer intervals. A driver outlives the SuperExec.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import httpx
from flwr.proto.runtime_pb2 import AcquireTaskRequest, AcquireTaskResponse
from flwr.supercore.constant import TaskType
from flwr.supercore.interceptors.http import SuperExecAuthHttpInterceptor
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.runtime import RuntimeHttpClient

from riskset_server.centre.config import CentreConfig
from riskset_server.flower.front import HOLD_SECONDS
from riskset_server.flower.inside import inside_client, read_secret

BETWEEN_SECONDS = 0.1
FIRST_RETRY, LAST_RETRY = 0.5, 15.0
"""Seconds between two questions, and before a question to a SuperLink that did not answer is asked again."""

DRIVER = (sys.executable, "-m", "riskset_server", "centre", "drive")
ACQUIRE_TASK = "/flwr.proto.Runtime/AcquireTask"


class SuperExec:
    """Starts drivers, until `wait` ends it.

    Parameters
    ----------
    say
        Writes a line into the log.
    wait
        Sleeps for so many seconds.
    command
        Starts a driver, which reads its task's token from its standard input: every user of a machine sees a command's arguments.
    """

    def __init__(
        self,
        centre: CentreConfig,
        *,
        say: Callable[[str], None],
        wait: Callable[[float], None],
        command: tuple[str, ...] = DRIVER,
    ) -> None:
        self._address = centre.listen.inside
        self._say = say
        self._wait = wait
        self._command = command
        self._drivers: list[subprocess.Popen[bytes]] = []
        self._runtime = RuntimeHttpClient(
            f"https://{self._address}",
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="SuperExec"),
                SuperExecAuthHttpInterceptor(
                    master_secret=read_secret(centre.flower.secret),
                    protected_methods={ACQUIRE_TASK},
                ),
            ],
        )
        self._runtime._client.close()  # noqa: SLF001  # Flower's client does not know the secret
        self._runtime._client = inside_client(centre, HOLD_SECONDS + 15.0)  # noqa: SLF001  # ditto

    def serve(self) -> None:
        """Ask and start, for as long as the process lives."""
        self._say(f"riskset superexec: takes runs from the SuperLink at {self._address}")
        retry = FIRST_RETRY
        while True:
            try:
                given = self._acquired()
            except (httpx.HTTPError, ValueError) as error:
                self._say(
                    f"riskset superexec: the SuperLink at {self._address} does not answer ({_in_words(error)}); "
                    f"again in {retry:g} s"
                )
                self._wait(retry)
                retry = min(2 * retry, LAST_RETRY)
                continue
            if retry > FIRST_RETRY:
                self._say("riskset superexec: the SuperLink answers again")
            retry = FIRST_RETRY
            if given.HasField("task") and given.token:
                self._start(given.token)
            self._reap()
            self._wait(BETWEEN_SECONDS)

    def _acquired(self) -> AcquireTaskResponse:
        asked = AcquireTaskRequest(supported_task_types=[TaskType.SERVER_APP])
        return self._runtime.AcquireTask(asked)

    def _start(self, token: str) -> None:
        """Start a driver. A task whose driver cannot start, or ends at once, is given up by the SuperLink, and its run can be resumed."""
        try:
            driver = subprocess.Popen(self._command, stdin=subprocess.PIPE)  # noqa: S603  # our own program
        except OSError as error:
            self._say(f"riskset superexec: no driver can be started ({error.strerror})")
            return
        self._drivers.append(driver)
        self._say(f"riskset superexec: started driver {driver.pid}")
        if driver.stdin is not None:
            with suppress(BrokenPipeError), driver.stdin as told:
                told.write(token.encode("utf-8"))

    def _reap(self) -> None:
        """Take notice of drivers that ended."""
        for driver in tuple(self._drivers):
            status = driver.poll()
            if status is not None:
                self._drivers.remove(driver)
                self._say(f"riskset superexec: driver {driver.pid} ended with status {status}")


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        secret = (
            ": it runs with another flower.secret" if status == httpx.codes.UNAUTHORIZED else ""
        )
        return f"{status}{secret}"
    return type(error).__name__
