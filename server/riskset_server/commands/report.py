"""The commands of a report: `riskset report build` and `riskset report check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskset_common.programs.command_line import errors_as_text
from riskset_common.programs.screen import json_text

report_app = typer.Typer(help="Make and check the report of a finished run.", no_args_is_help=True)

PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan", help="plan.yaml, where the folder has no plan.json.", exists=True, dir_okay=False
    ),
]
CodebookFile = Annotated[
    Path | None,
    typer.Option(
        "--codebook",
        help="codebook.yaml, where the folder has no codebook.json.",
        exists=True,
        dir_okay=False,
    ),
]


@report_app.command("build")
@errors_as_text
def build(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="Folder of a finished run, with results.json.",
            exists=True,
            file_okay=False,
        ),
    ],
    plan: PlanFile = None,
    codebook: CodebookFile = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report; RUN when not given.")
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--formats", help="Formats beside SVG and CSV, of png, pdf and docx; empty for none."
        ),
    ] = "png,pdf,docx",
) -> None:
    """Build the report of a finished run from its results.json: the page, the figures and the tables."""
    from riskset_server.report.build import build_report
    from riskset_server.report.formats import read_formats
    from riskset_server.report.run_files import read_run, write_run_files

    chosen = read_formats(formats)
    run_files = read_run(run, plan, codebook)
    folder = out or run
    page = build_report(run_files.results, run_files.plan, run_files.codebook, folder, chosen)
    write_run_files(run, run_files, folder)
    typer.echo(str(page))


@report_app.command("check")
@errors_as_text
def check(
    report: Annotated[
        Path,
        typer.Argument(
            metavar="REPORT",
            help="Folder of a report, with results.json.",
            exists=True,
            file_okay=False,
        ),
    ],
    plan: PlanFile = None,
    codebook: CodebookFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check that the numbers of a report add up, fit together and are those of its results.json.

    Ends with 1 where any two disagree, and lists them.
    """
    from dataclasses import asdict

    from riskset_server.report.run_files import read_run
    from riskset_server.report_check import CHECKS, check_report

    problems = check_report(report, read_run(report, plan, codebook))
    if as_json:
        typer.echo(json_text([asdict(each) for each in problems]))
    else:
        for name, asked in CHECKS.items():
            number = sum(each.check == name for each in problems)
            typer.echo(f"{number or 'ok':>4}  {asked}")
        for each in problems:
            typer.echo(str(each))
    if problems:
        raise typer.Exit(1)
