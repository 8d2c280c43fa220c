"""The commands of a centre with sites elsewhere: `riskset centre`, `riskset site` and `riskset run`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.formats.moments import moment
from riskset_common.programs.command_line import errors_as_text

if TYPE_CHECKING:
    from riskset_server.centre.config import CentreConfig
    from riskset_server.driving.control import Started
    from riskset_server.flower.superlink import Control
    from riskset_server.store import Runs, Sites

centre_app = typer.Typer(help="The coordinating centre's own programs.", no_args_is_help=True)
site_app = typer.Typer(
    help="The sites: invite, admit, revoke, see who is connected.", no_args_is_help=True
)
run_app = typer.Typer(help="Run a plan.", no_args_is_help=True)

CentreFolder = Annotated[
    Path,
    typer.Option(
        "--centre",
        envvar="RISKSET_CENTRE",
        help="centre.yaml or its folder (RISKSET_CENTRE).",
        exists=True,
    ),
]
HERE = Path()
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The number of the run.")]
SiteName = Annotated[str, typer.Argument(metavar="SITE", help="The site's name.")]


@centre_app.command("new")
@errors_as_text
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to make it.")],
    address: Annotated[
        str, typer.Option("--address", help="host:port as the sites reach the centre.")
    ],
    port: Annotated[int, typer.Option("--port", help="The port to listen on for sites.")] = 8443,
    inside: Annotated[
        int, typer.Option("--inside", help="The port for this machine's own programs.")
    ] = 8000,
    stream: Annotated[
        int, typer.Option("--stream", help="The port for streams; 0 takes none.")
    ] = 8444,
) -> None:
    """Make the folder of a centre: certificates, keys and centre.yaml. Prints the fingerprint that sites compare by telephone."""
    from riskset_server.centre.new_centre import new_centre

    made = new_centre(
        folder,
        sites=f"0.0.0.0:{port}",
        inside=f"127.0.0.1:{inside}",
        stream=f"0.0.0.0:{stream}" if stream else None,
        address=address,
        now=datetime.now(UTC),
        random=token_bytes,
    )
    typer.echo(f"public key   {made.identity().public_text}\nfingerprint  {made.fingerprint()}")
    if made.address.rpartition(":")[2] != str(port):
        typer.echo(
            f"The centre listens on port {port} for sites, which reach it at {made.address}: let a firewall or a front pass one to the "
            "other (deploy/nginx), or choose --port."
        )


@centre_app.command("superlink")
@errors_as_text
def superlink(centre: CentreFolder = HERE) -> None:
    """Serve the sites and the centre's own programs, until it is stopped."""
    config = _in_flowers_setting(centre)
    from riskset_server.flower.serving import serve_superlink

    with suppress(KeyboardInterrupt):
        serve_superlink(config)


@centre_app.command("superexec")
@errors_as_text
def superexec(centre: CentreFolder = HERE) -> None:
    """Start the drivers of runs as they are asked for, and of those whose driver was lost, until it is stopped."""
    config = _in_flowers_setting(centre)
    from riskset_server.driving.reviving import looking_after
    from riskset_server.flower.superexec import SuperExec
    from riskset_server.flower.superlink import Control

    with (
        suppress(KeyboardInterrupt),
        looking_after(config, lambda: Control(config), lambda: datetime.now(UTC)),
    ):
        SuperExec(config, say=_log, wait=time.sleep).serve()


def _log(line: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}\n")
    sys.stdout.flush()


@centre_app.command("drive", hidden=True)
@errors_as_text
def drive(centre: CentreFolder = HERE) -> None:
    """Drive the run of the task whose token comes on the standard input: the SuperExec starts it."""
    config = _in_flowers_setting(centre)
    from riskset_server.flower.task import drive_task

    drive_task(config, sys.stdin.read())


StudyGroup = Annotated[
    str | None, typer.Option("--study-group", help="Its study group; its name when not given.")
]
CodebookToSend = Annotated[
    Path | None,
    typer.Option(
        "--codebook",
        help="codebook.yaml of the study, which goes with the invitation, signed by the centre.",
        dir_okay=False,
        exists=True,
    ),
]


@site_app.command("invite")
@errors_as_text
def invite(
    site: SiteName,
    study_group: StudyGroup = None,
    contact: Annotated[str, typer.Option("--contact", help="Whom to write to.")] = "",
    codebook: CodebookToSend = None,
    centre: CentreFolder = HERE,
) -> None:
    """Invite a site; writes SITE.invite, to be sent to it, and prints the centre's fingerprint, to be read out by telephone."""
    from riskset_common.consortium.invitation import write_file
    from riskset_common.study.codebook import text_of_codebook
    from riskset_server.sites import admission as joining

    words = None if codebook is None else text_of_codebook(codebook)
    with _opened(centre) as (config, sites, _):
        made = joining.invite(
            config,
            sites,
            site,
            study_group or site,
            contact,
            now=datetime.now(UTC),
            random=token_bytes,
            codebook=words,
        )
    path = Path(f"{made.site}.invite")
    write_file(made, path)
    beside = "; send the codebook beside it, or invite with --codebook"
    held = beside if words is None else ", and the codebook"
    typer.echo(
        f"{path}: send it to the site; it holds the centre's address and a one-time token{held}\n"
        f"fingerprint  {made.fingerprint}\n"
        "That is the centre's. Read it out to the site in the call in which the site reads out its own."
    )


@site_app.command("admit")
@errors_as_text
def admit(
    enrolment: Annotated[
        Path, typer.Argument(metavar="ENROLMENT", help="The file that came back.", exists=True)
    ],
    fingerprint: Annotated[
        str, typer.Option("--fingerprint", help="The digits that the site read out by telephone.")
    ],
    centre: CentreFolder = HERE,
) -> None:
    """Admit a site whose keys were compared by telephone: type what was read out, and copy it from nowhere."""
    from riskset_common.consortium.invitation import Enrolment, read_file
    from riskset_server.sites import admission as joining

    read = read_file(Enrolment, enrolment)
    with _opened(centre) as (config, sites, _), _control(config) as control:
        joining.admit(sites, control, read, fingerprint, datetime.now(UTC))
    typer.echo(f"{read.site}: admitted; send all sites the new roster (`riskset site roster`)")


@site_app.command("revoke")
@errors_as_text
def revoke(site: SiteName, centre: CentreFolder = HERE) -> None:
    """Let a site connect no longer."""
    from riskset_server.sites import admission as joining

    with _opened(centre) as (config, sites, _), _control(config) as control:
        joining.revoke(sites, control, site, datetime.now(UTC))
    typer.echo(f"{site}: revoked; send all sites the new roster (`riskset site roster`)")


@site_app.command("roster")
@errors_as_text
def roster(
    out: Annotated[Path, typer.Option("--out", help="Where to write it.")] = Path("roster.yaml"),
    centre: CentreFolder = HERE,
) -> None:
    """Write the roster of the admitted sites, for the governance keys to sign and for every site to keep."""
    from riskset_common.consortium.roster_file import write_roster

    with _opened(centre) as (_, sites, _runs):
        made = sites.roster()
    write_roster(made, out)
    typer.echo(f"{out}: version {made.version}; have it signed (`riskset roster sign`)")


@site_app.command("list")
@errors_as_text
def list_sites(centre: CentreFolder = HERE, as_json: AsJson = False) -> None:
    """List the sites, who is connected and when others were last seen. Never how many patients a site has."""
    from riskset_server.sites.listing import listed_sites
    from riskset_server.sites.nodes import bring_in_line

    with _opened(centre) as (config, sites, runs), _control(config) as control:
        nodes = bring_in_line(control, sites)
        listed = list(listed_sites(sites.all(), nodes, runs.roster_versions()))
        if as_json:
            typer.echo(json.dumps({each.site: each.as_json() for each in listed}, indent=1))
            return
        for each in listed:
            typer.echo(str(each))
        if any(each.state in {"connected", "silent", "never connected"} for each in listed):
            typer.echo(f"the roster of the admitted sites is version {sites.roster().version}")


@run_app.command("start")
@errors_as_text
def start(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="plan.yaml", exists=True)],
    codebook: Annotated[Path, typer.Option("--codebook", help="codebook.yaml", exists=True)],
    wait: Annotated[bool, typer.Option("--watch", help="Stay and watch it.")] = False,
    centre: CentreFolder = HERE,
) -> None:
    """Start a run of a plan at all admitted sites."""
    from riskset_server.driving.control import start_run
    from riskset_server.plans.submitted import submitted

    study = submitted(plan, codebook)
    with _opened(centre) as (config, sites, runs):
        with _control(config) as control:
            started = start_run(
                config,
                control,
                sites,
                runs,
                study.plan,
                study.codebook,
                now=datetime.now(UTC),
                random=token_bytes,
            )
        _say_started(started)
        if wait:
            _watch(runs, started.number)


@run_app.command("resume")
@errors_as_text
def resume(
    run: RunNumber,
    wait: Annotated[bool, typer.Option("--watch", help="Stay and watch it.")] = False,
    centre: CentreFolder = HERE,
) -> None:
    """Go on with a run that was stopped, or whose driver or sites were lost."""
    from riskset_server.driving.control import resume_run

    with _opened(centre) as (config, sites, runs):
        with _control(config) as control:
            started = resume_run(control, sites, runs, run, now=datetime.now(UTC))
        _say_started(started)
        if wait:
            _watch(runs, run)


@run_app.command("stop")
@errors_as_text
def stop(run: RunNumber, centre: CentreFolder = HERE) -> None:
    """Stop a run; what it received is kept."""
    from riskset_server.driving.control import stop_run

    with _opened(centre) as (config, _, runs), _control(config) as control:
        stop_run(control, runs, run, datetime.now(UTC))
    typer.echo(f"run {run}: stopped")


@run_app.command("watch")
@errors_as_text
def watch(run: RunNumber, centre: CentreFolder = HERE) -> None:
    """Show how a run goes on until it ends: steps and sites, not numbers."""
    with _opened(centre) as (_, _sites, runs):
        _watch(runs, run)


@run_app.command("status")
@errors_as_text
def status(run: RunNumber, centre: CentreFolder = HERE, as_json: AsJson = False) -> None:
    """Show the state of a run, its steps, and which sites have not answered."""
    from riskset_server.driving.progress import status_json, status_lines

    with _opened(centre) as (_, _sites, runs):
        now = datetime.now(UTC)
        if as_json:
            typer.echo(json.dumps(status_json(runs, run, now), default=str, indent=1))
        else:
            typer.echo("\n".join(status_lines(runs, run, now)))


@run_app.command("list")
@errors_as_text
def list_runs(centre: CentreFolder = HERE, as_json: AsJson = False) -> None:
    """List all runs."""
    with _opened(centre) as (_, _sites, runs):
        now = datetime.now(UTC)
        records = [record.at(now) for record in runs.all()]
    if as_json:
        typer.echo(json.dumps([asdict(record) for record in records], default=str, indent=1))
        return
    for record in records:
        typer.echo(
            f"{record.number:>4}  {moment(record.started_at)}  {record.state:<9} {record.plan} {record.version}"
        )


def _watch(runs: Runs, number: int) -> None:
    """Progress goes to stderr: a line a step, redrawn on a terminal. The last line, how it ended, is the answer."""
    from riskset_server.driving.progress import watch as lines
    from riskset_server.store import RunState

    redraws = sys.stderr.isatty()
    start = "\r\x1b[K" if redraws else ""
    last = ""
    for line in lines(runs, number, time.sleep, lambda: datetime.now(UTC)):
        if line.is_answer:
            last = line.text
        elif line.is_last:
            typer.echo(f"{start}{line.text}", err=True)
        elif redraws:
            typer.echo(f"{start}{line.text}", err=True, nl=False)
    typer.echo(last)
    state = runs.get(number).state
    if state is RunState.REFUSED:
        raise typer.Exit(3)
    if state is not RunState.FINISHED:
        raise typer.Exit(1)


def _say_started(started: Started) -> None:
    typer.echo(f"run {started.number}")
    if started.offline:
        typer.echo(f"not connected yet, waited for: {', '.join(started.offline)}", err=True)


@contextmanager
def _opened(centre: Path) -> Iterator[tuple[CentreConfig, Sites, Runs]]:
    from riskset_server.centre.config import read_centre
    from riskset_server.store import Runs, Sites, open_database

    config = read_centre(centre)
    database = open_database(config.store)
    try:
        yield config, Sites(database), Runs(database)
    finally:
        database.close()


@contextmanager
def _control(config: CentreConfig) -> Iterator[Control]:
    from riskset_server.flower.superlink import Control

    with Control(config) as control:
        yield control


def _in_flowers_setting(centre: Path) -> CentreConfig:
    """Read centre.yaml, and set the environment before Flower is imported."""
    from riskset_server.centre.config import CENTRE_FILE, read_centre
    from riskset_server.flower.environment import setting

    config = read_centre(centre)
    file = centre / CENTRE_FILE if centre.is_dir() else centre
    os.environ.update(setting(config, file, os.environ))
    return config
