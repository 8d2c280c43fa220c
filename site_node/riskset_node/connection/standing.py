"""What a running node leaves for the site's staff: whether it is running, what it said last, and when it last heard from the centre.

It is kept in two files of the node's own folder: `node.pid`, locked for as long as the node runs, and `standing.json`. A third one,
`paused`, is there while the node is to rest. `status.py` tells it.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from riskset_common.errors import InputError

_EVERY = timedelta(seconds=10)
"""A contact is written down at most so often: an idle node writes nothing else."""

STOP_SECONDS = 30.0


class Standing(BaseModel):
    """What the node last said and when, when the centre last answered, and when the node ended in good order; None if it did not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    said: str = ""
    said_at: AwareDatetime | None = None
    contact_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


class Journal:
    """Keeps the standing of a node that runs, from all of its threads. `now` is the site's clock."""

    def __init__(self, state: Path, now: Callable[[], datetime]) -> None:
        self._file = state / "standing.json"
        self._now = now
        self._standing = Standing()
        self._written_at: datetime | None = None
        self._one_at_a_time = Lock()

    def said(self, line: str) -> None:
        """The node said something."""
        with self._one_at_a_time:
            self._write(self._standing.model_copy(update={"said": line, "said_at": self._now()}))

    def contact(self) -> None:
        """The centre answered."""
        with self._one_at_a_time:
            now = self._now()
            self._standing = self._standing.model_copy(update={"contact_at": now})
            if self._written_at is None or now - self._written_at >= _EVERY:
                self._write(self._standing)

    def ended(self) -> None:
        """The node ends in good order."""
        with self._one_at_a_time:
            self._write(self._standing.model_copy(update={"ended_at": self._now()}))

    def _write(self, standing: Standing) -> None:
        self._standing, self._written_at = standing, self._now()
        new = self._file.with_suffix(".new")
        new.write_text(standing.model_dump_json(indent=1) + "\n", encoding="utf-8")
        new.replace(self._file)


def standing_of(state: Path) -> Standing:
    """What the node of this state last left; nothing where no node ran, or its file is damaged: the next contact writes it anew."""
    try:
        return Standing.model_validate_json((state / "standing.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return Standing()


@contextmanager
def running(state: Path) -> Iterator[None]:
    """Be the one node that runs on this state, until the block ends.

    Raises
    ------
    InputError
        Where another one does.
    """
    with (state / "node.pid").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"state: a node runs on {state} already (process {_pid(state)}). Two would answer in one name; `riskset-node stop` "
                "ends it."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def process_of(state: Path) -> int | None:
    """The number of the process that runs on this state; None where none does."""
    path = state / "node.pid"
    if not path.exists():
        return None
    with path.open(encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid(state)
    return None


def _pid(state: Path) -> int:
    written = (state / "node.pid").read_text(encoding="ascii").strip()
    if not written:  # between taking the lock and writing the number
        raise InputError(f"state: a node is just starting on {state}. Try again in a second.")
    return int(written)


def stop(state: Path, wait: Callable[[float], object]) -> int:
    """End the node in good order, and give the number of its process.

    Raises
    ------
    InputError
        Where none runs, or it does not end.
    """
    pid = process_of(state)
    if pid is None:
        raise InputError(f"state: no node runs on {state}; there is nothing to stop.")
    os.kill(pid, signal.SIGTERM)
    for _ in range(int(STOP_SECONDS / 0.1)):
        if process_of(state) is None:
            return pid
        wait(0.1)
    raise InputError(
        f"process {pid} did not end within {STOP_SECONDS:.0f} s. It may be writing an answer down; look at its log, then try again."
    )


def pause(state: Path, *, paused: bool) -> None:
    """Let the node rest, or go on."""
    path = state / "paused"
    if paused:
        path.touch()
    else:
        path.unlink(missing_ok=True)


def is_paused(state: Path) -> bool:
    """Whether the node is to rest."""
    return (state / "paused").exists()


def number_file(state: Path) -> Path:
    """Where a node keeps the number that the centre gave it."""
    return state / "node-id"
