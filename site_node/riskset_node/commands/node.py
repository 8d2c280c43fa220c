"""The commands of a node that is connected to a centre: `init`, `doctor`, `start`, `status`, `pause` and `stop`."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.programs.command_line import errors_as_text
from riskset_common.programs.screen import one_line

if TYPE_CHECKING:
    from riskset_common.consortium.invitation import Enrolment, Invitation

NodeFile = Annotated[
    Path, typer.Argument(metavar="NODE", help="node.yaml", dir_okay=False, exists=True)
]

GovernanceKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--governance", help="A governance key in base64, from its holder; once for each."
    ),
]
ReadOut = Annotated[
    str | None,
    typer.Option(
        "--centre-fingerprint",
        help="The digits that the centre read out by telephone; other ones are refused before anything is written.",
    ),
]


def join(app: typer.Typer) -> None:
    """Add these commands to the site's."""
    app.command("init")(init)
    app.command("doctor")(doctor)
    app.command("start")(start)
    app.command("status")(status)
    app.command("pause")(pause)
    app.command("stop")(stop)


@errors_as_text
def init(
    invitation: Annotated[
        Path, typer.Argument(metavar="INVITATION", help="The centre's file.", exists=True)
    ],
    folder: Annotated[
        Path | None, typer.Option("--in", help="Where to make the node; SITE when not given.")
    ] = None,
    governance: GovernanceKeys = None,
    needed: Annotated[
        int, typer.Option("--needed", help="How many of them must have signed the roster.", min=1)
    ] = 1,
    centre_fingerprint: ReadOut = None,
) -> None:
    """Make this site's keys and node.yaml, and print the fingerprints to compare by telephone: this site's and the centre's."""
    from riskset_common.consortium.invitation import Invitation, read_file
    from riskset_node.enrolment.joining import join_folder

    read = read_file(Invitation, invitation)
    home = folder or Path(read.site)
    enrolment = join_folder(
        read,
        home,
        governance=governance or [],
        needed=needed,
        centre_read_out=centre_fingerprint,
        random=token_bytes,
    )
    _say_joined(home, read, enrolment)
    if centre_fingerprint is None:
        typer.echo(
            "Have the centre read out its fingerprint in the same call, and compare all eight groups. "
            f"If one differs, delete {home}: the invitation was changed on its way."
        )


def _say_joined(home: Path, invitation: Invitation, enrolment: Enrolment) -> None:
    typer.echo(
        f"send to the centre  {home / invitation.site}.enrolment\n"
        f"read out            {enrolment.fingerprint}\n"
        f"the centre's        {invitation.fingerprint}\n"
        f"fill in             {home / 'node.yaml'}"
    )


@errors_as_text
def doctor(node: NodeFile) -> None:
    """Check everything between this machine and the centre: PASS, or what to do. Sends nothing of the patients."""
    from riskset_node.config import read_node
    from riskset_node.enrolment.doctor import examine

    found = examine(read_node(node), now=datetime.now(UTC))
    for check in found:
        typer.echo(f"{'PASS' if check.passed else 'FAIL'}  {check.what:<12} {check.found}")
    if not all(check.passed for check in found):
        raise typer.Exit(1)


@errors_as_text
def start(node: NodeFile) -> None:
    """Connect to the centre, and answer what the policy allows, until stopped. Opens no port."""
    from riskset_common.programs.memory import settle
    from riskset_node.config import read_node
    from riskset_node.connection.fleet import Connection, FlowerNode
    from riskset_node.connection.standing import Journal, running
    from riskset_node.enrolment.joining import read_connection_key
    from riskset_node.session.service import address_of, opened, read_file, state_folder

    config = read_node(node)
    connection = Connection(
        address=address_of(config),
        ca=read_file(config, "centre.ca"),
        key=read_connection_key(read_file(config, "identity.connection")),
        proxy=config.centre.proxy,
        state=state_folder(config),
        stream=config.centre.stream,
    )
    over = _ended_by_signal()
    journal = Journal(connection.state, _now)
    settle()

    def say(line: str) -> None:
        journal.said(line)
        _say(line)

    with (
        running(connection.state),
        opened(config, now=_now, random=token_bytes) as answering,
    ):
        FlowerNode(answering, connection, say=say, wait=over.wait, heard=journal.contact).serve()


@errors_as_text
def status(node: NodeFile) -> None:
    """Show the state of this site's node: what it waits for, its last run, when the centre last answered."""
    from riskset_node.connection.standing import lines_of

    typer.echo("\n".join(lines_of(_state_of(node))))


@errors_as_text
def pause(
    node: NodeFile,
    end: Annotated[bool, typer.Option("--end", help="Let it go on.")] = False,
) -> None:
    """Let the node rest: it stays connected, and leaves questions at the centre. Takes effect within 20 seconds."""
    from riskset_node.connection.standing import pause as let_rest

    let_rest(_state_of(node), paused=not end)


@errors_as_text
def stop(node: NodeFile) -> None:
    """End the node in good order; what it answered is kept, and `start` goes on in the middle of a run."""
    from time import sleep

    from riskset_node.connection.standing import stop as end

    typer.echo(f"process {end(_state_of(node), sleep)} ended")


def _state_of(node: Path) -> Path:
    from riskset_node.config import read_node
    from riskset_node.session.service import state_folder

    return state_folder(read_node(node))


def _now() -> datetime:
    return datetime.now(UTC)


def _ended_by_signal() -> Event:
    """SIGTERM and Ctrl-C end the node in good order, also while it waits for the centre's answer."""
    over = Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        over.set()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return over


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {one_line(line)}\n")
    sys.stderr.flush()
