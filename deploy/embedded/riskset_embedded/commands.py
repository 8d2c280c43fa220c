"""The commands that need every party on this machine: `riskset run local`, `riskset demo ..`, `riskset up` and `riskset down`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskset_common.programs.command_line import errors_as_text
from riskset_server.commands.centre import run_app

Lose = Annotated[
    list[str] | None,
    typer.Option(
        "--lose",
        metavar="SITE[@ROUND]",
        help="Rehearse a loss: cut this site's line from a round on (0 is joining, 1 when not said). May be repeated.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
DemoFolder = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
DEMO = Path("riskset-demo")

demo_app = typer.Typer(no_args_is_help=True, help="Whole studies on this machine.")


def join(app: typer.Typer) -> None:
    """Add these commands to the centre's."""
    if all(group.name != "run" for group in app.registered_groups):
        app.add_typer(run_app, name="run")
    app.add_typer(demo_app, name="demo")
    app.command("up")(up)
    app.command("down")(down)


@run_app.command("local")
@errors_as_text
def local(
    plan: Annotated[Path, typer.Option("--plan", help="plan.yaml", exists=True, dir_okay=False)],
    codebook: Annotated[
        Path, typer.Option("--codebook", help="codebook.yaml", exists=True, dir_okay=False)
    ],
    nodes: Annotated[
        Path,
        typer.Option(
            "--nodes", help="Folder with one node.yaml a site.", exists=True, file_okay=False
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder for results.json, report.html, figures, tables, transcript."
        ),
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="The centre's key, where nodes accept only plans it signed.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    lose: Lose = None,
    quiet: Quiet = False,
) -> None:
    """Run a plan with every party on this machine, masked and signed exactly as in a deployment.

    A run that waits for a site is kept in OUT.run; the same command continues it.
    """
    from riskset_common.programs.memory import settle
    from riskset_embedded.local_run import run_files

    settle()
    finished = run_files(plan, codebook, nodes, out, key=key, lose=lose or (), quiet=quiet)
    typer.echo(str(finished / "report.html"))


@demo_app.command("interfant06")
@errors_as_text
def demo_interfant06(
    out: DemoFolder = DEMO,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Release every number exactly: the patients are synthetic, so nobody is shown.",
        ),
    ] = False,
    lose: Lose = None,
    quiet: Quiet = False,
) -> None:
    """Analyse a whole paper, a trial of 18 study groups with synthetic patients, and compare with its published figures."""
    from riskset_common.programs.memory import settle
    from riskset_embedded.demos.interfant06 import run_trial_demo

    settle()
    typer.echo(run_trial_demo(out, exact=exact, lose=lose or (), quiet=quiet))


@demo_app.command("lung")
@errors_as_text
def demo_lung(out: DemoFolder = DEMO, lose: Lose = None, quiet: Quiet = False) -> None:
    """Analyse a real trial of 18 institutions, each keeping its own patients, and compare with R on the pooled patients."""
    from riskset_embedded.demos.lung import run_demo

    typer.echo(run_demo(out, lose=lose or (), quiet=quiet))


StudyFolder = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY",
        help="Folder with plan.yaml, codebook.yaml and nodes/, one node.yaml a site.",
        exists=True,
        file_okay=False,
    ),
]
FederationFolder = Annotated[
    Path, typer.Option("--in", help="Folder for certificates, keys, logs and the centre's store.")
]
FEDERATION = Path("riskset-federation")


@errors_as_text
def up(study: StudyFolder, folder: FederationFolder = FEDERATION) -> None:
    """Start a federation on this machine: the centre and a process for each site, over TLS, as in a deployment."""
    from riskset_embedded.federation import start_federation

    started = start_federation(study, folder, say=lambda line: typer.echo(line, err=True))
    typer.echo(
        f"{len(started.sites)} sites are connected. Now:\n"
        f"  riskset run start {study / 'plan.yaml'} --codebook {study / 'codebook.yaml'} --centre {folder} --watch\n"
        f"  riskset down --in {folder}"
    )


@errors_as_text
def down(folder: FederationFolder = FEDERATION) -> None:
    """End the processes of a federation on this machine; its folder stays."""
    from riskset_embedded.federation import stop_federation

    typer.echo(f"{stop_federation(folder)} processes ended")
