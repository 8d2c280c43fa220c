"""The status of a site's node for the site's staff: whether it is running, what it waits for, and when it last heard from the centre.

It is kept in two files of the node's own folder: `node.pid`, locked for as long as the node runs, and `standing.json`. A third one,
`paused`, is there while the node is to rest.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from riskset_common.errors import InputError

_EVERY = timedelta(seconds=10)
"""A contact is written down at most so often: an idle node writes nothing else."""

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Standing:
    """What the node last said and when, the run that it last took part in, and when the centre last answered; times in UTC, ISO 8601."""

    said: str = ""
    said_at: str = ""
    run: str = ""
    contact_at: str = ""


class Journal:
    """Keeps the standing of a node that runs. `now` is the site's clock."""

    def __init__(self, state: Path, now: Callable[[], datetime]) -> None:
        self._file = state / "standing.json"
        self._now = now
        self._standing = Standing()
        self._written_at: datetime | None = None

    def said(self, line: str) -> None:
        """The node said something."""
        run = line if line.startswith("run ") else self._standing.run
        self._write(replace(self._standing, said=line, said_at=_text(self._now()), run=run))

    def contact(self) -> None:
        """The centre answered."""
        now = self._now()
        self._standing = replace(self._standing, contact_at=_text(now))
        if self._written_at is None or now - self._written_at >= _EVERY:
            self._write(self._standing)

    def _write(self, standing: Standing) -> None:
        self._standing, self._written_at = standing, self._now()
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(asdict(standing), indent=1) + "\n", encoding="utf-8")
        new.replace(self._file)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


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


def lines_of(state: Path) -> Iterator[str]:
    """The state of the node, line by line."""
    pid = process_of(state)
    yield f"node          {f'runs, process {pid}' if pid else 'does not run'}{', paused' if is_paused(state) else ''}"
    path = state / "standing.json"
    if not path.exists():
        return
    kept = Standing(**json.loads(path.read_text(encoding="utf-8")))
    yield f"last said     {kept.said} ({kept.said_at})"
    yield f"last run      {kept.run or 'none'}"
    yield f"last contact  {kept.contact_at or 'none'}"
