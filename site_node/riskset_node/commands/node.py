"""The commands of a node that is connected to a centre: `init`, `doctor`, `start`, `status`, `pause` and `stop`."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.programs.command_line import errors_as_text

if TYPE_CHECKING:
    from riskset_common.consortium.invitation import Enrolment, Invitation
    from riskset_node.config import NodeConfig
    from riskset_node.connection.fleet import Connection

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
    codebook = (
        f"came along, {home / 'codebook.yaml'}"
        if invitation.codebook is not None
        else f"did not come along: ask the centre for it, and lay it into {home} as codebook.yaml"
    )
    typer.echo(
        f"send to the centre  {home / invitation.site}.enrolment\n"
        f"read out            {enrolment.fingerprint}\n"
        f"the centre's        {invitation.fingerprint}\n"
        f"the codebook        {codebook}\n"
        f"fill in             {home / 'node.yaml'}; to have it proposed: riskset-node data draft FILE --in {home}"
    )


@errors_as_text
def doctor(node: NodeFile) -> None:
    """Check node.yaml, and everything between this machine and the centre: PASS, or what to do. Sends nothing of the patients."""
    from riskset_common.errors import RisksetError
    from riskset_node.commands.lines import show
    from riskset_node.config import read_node
    from riskset_node.connection.admission import admission
    from riskset_node.connection.standing import process_of
    from riskset_node.enrolment.doctor import Check, codebook_beside, examine

    try:
        config = read_node(node)
    except RisksetError as error:
        found = [Check("node.yaml", False, str(error))]
    else:
        found = examine(
            config,
            now=_now(),
            codebook=codebook_beside(node),
            admission=lambda: admission(_connection(config)),
            runs=config.state is not None and process_of(config.state) is not None,
        )
    for check in found:
        mark = "WARN" if check.warns else "PASS" if check.passed else "FAIL"
        show(f"{mark}  {check.what:<12} {check.found}")
    if not all(check.passed for check in found):
        raise typer.Exit(1)


@errors_as_text
def start(node: NodeFile) -> None:
    """Connect to the centre, and answer what the policy allows, until stopped. Opens no port."""
    from riskset_common.programs.memory import settle
    from riskset_node.commands.lines import at, log_as_lines, show
    from riskset_node.config import read_node
    from riskset_node.connection.fleet import FlowerNode
    from riskset_node.connection.standing import Journal, running
    from riskset_node.session.service import opened

    config = read_node(node)
    connection = _connection(config)
    over = _ended_by_signal()
    log_as_lines(_now)
    settle()

    def say(line: str) -> None:
        journal.said(line)
        show(at(_now(), line))

    with running(connection.state):
        journal = Journal(connection.state, _now)
        try:
            with opened(config, now=_now, random=token_bytes, node_yaml=node) as answering:
                FlowerNode(
                    answering, connection, say=say, wait=over.wait, heard=journal.contact
                ).serve()
        except (
            SystemExit
        ):  # told to end; of a fault the status says that the node did not end in good order
            journal.ended()
            raise
        journal.ended()


@errors_as_text
def status(node: NodeFile) -> None:
    """Show how this site's node is, the runs that it takes part in, and what it refused and why."""
    from riskset_node.commands.lines import show
    from riskset_node.connection.status import lines_of

    for line in lines_of(_state_of(node), _now()):
        show(line)


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

    from riskset_node.commands.lines import show
    from riskset_node.connection.standing import stop as end

    show(f"process {end(_state_of(node), sleep)} ended")


def _connection(config: NodeConfig) -> Connection:
    from riskset_node.connection.fleet import Connection
    from riskset_node.enrolment.joining import read_connection_key
    from riskset_node.session.service import address_of, read_file, state_folder

    return Connection(
        address=address_of(config),
        ca=read_file(config, "centre.ca"),
        key=read_connection_key(read_file(config, "identity.connection")),
        proxy=config.centre.proxy,
        state=state_folder(config),
        stream=config.centre.stream,
    )


def _state_of(node: Path) -> Path:
    """The node's own folder; also where node.yaml is broken, as long as its line `state:` can be read."""
    from riskset_common.errors import RisksetError
    from riskset_node.commands.lines import show
    from riskset_node.config import read_node, state_written_in
    from riskset_node.session.service import state_folder

    try:
        return state_folder(read_node(node))
    except RisksetError as error:
        state = state_written_in(node)
        if state is None or not state.is_dir():
            raise
        show(f"node.yaml     is broken: {error}\n")
        return state


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
