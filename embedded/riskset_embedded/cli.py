"""The commands that need every party on this machine: `riskset run local` and `riskset demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskset_common.command_line import errors_as_text

run_app = typer.Typer(help="Run a plan.", no_args_is_help=True)

Lose = Annotated[
    list[str] | None,
    typer.Option(
        "--lose",
        metavar="SITE[@ROUND]",
        help="Rehearse a loss: cut this site's line from a round on (0 is joining, 1 when not said). May be repeated.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]


def join(app: typer.Typer) -> None:
    """Add these commands to the centre's."""
    app.add_typer(run_app, name="run")
    app.command("demo")(demo)


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
    from riskset_embedded.local_run import run_files

    finished = run_files(plan, codebook, nodes, out, key=key, lose=lose or (), quiet=quiet)
    typer.echo(str(finished / "report.html"))


@errors_as_text
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path(
        "riskset-demo"
    ),
    lose: Lose = None,
    quiet: Quiet = False,
) -> None:
    """Analyse a real trial of 18 institutions, each keeping its own patients, and compare with R on the pooled patients."""
    from riskset_embedded.demo import run_demo

    typer.echo(run_demo(out, lose=lose or (), quiet=quiet))
