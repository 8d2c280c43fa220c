"""The command `riskset-node` of a site. Heavy modules are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskset_common.programs.command_line import LEAVE_ESCAPES, errors_as_text, show_version
from riskset_node.commands import cuts as cuts_cli
from riskset_node.commands import node as node_cli
from riskset_node.commands.codebooks import CodebookFile, codebook_for
from riskset_node.commands.outbox import outbox_app

if TYPE_CHECKING:
    from riskset_common.study.codebook import Codebook
    from riskset_common.study.study import Study
    from riskset_node.config import NodeConfig
    from riskset_node.drafting.draft import Draft

app = typer.Typer(
    name="riskset-node",
    help="The site node: it stays beside the patients and sends masked sums only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=LEAVE_ESCAPES,
)
data_app = typer.Typer(help="The site's own records: look, without sending.", no_args_is_help=True)
policy_app = typer.Typer(help="What this site allows.", no_args_is_help=True)
cuts_cli.join(data_app)
app.add_typer(data_app, name="data")
app.add_typer(policy_app, name="policy")
app.add_typer(outbox_app, name="outbox")
node_cli.join(app)

NodeFile = Annotated[
    Path, typer.Argument(metavar="NODE", help="node.yaml", dir_okay=False, exists=True)
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="plan.yaml", dir_okay=False, exists=True)
]
PatientsFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The patients' file.", dir_okay=False, exists=True)
]
NodeFolder = Annotated[
    Path, typer.Option("--in", help="The folder of node.yaml.", file_okay=False, exists=True)
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", help="The encoding of a text file, if you know it.")
]
Sheet = Annotated[
    str | None, typer.Option("--sheet", help="The sheet with the patients of a workbook.")
]
DictionaryFile = Annotated[
    Path | None,
    typer.Option(
        "--dictionary",
        help="The data dictionary of a REDCap project (CSV), for a raw export of it.",
        dir_okay=False,
        exists=True,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=show_version("riskset-node", "riskset-node"),
            is_eager=True,
            help="Print the version and end.",
        ),
    ] = False,
) -> None:
    """The site node: it stays beside the patients and sends masked sums only."""


@data_app.command("check")
@errors_as_text
def check(
    node: NodeFile,
    codebook: CodebookFile = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
) -> None:
    """Find everything that is wrong with the records; with --plan, also with the times to its endpoints.

    Ends with 0 where there are warnings at most, and with 1 where the records cannot be used as they are.
    """
    from riskset_common.planning.check import variables_read
    from riskset_node.commands.listings import findings_json, print_json, show_findings, terminal
    from riskset_node.config import read_node
    from riskset_node.records.findings import Severity
    from riskset_node.records.plausibility import implausible
    from riskset_node.records.preparing import prepare
    from riskset_node.records.reading import read_records

    config, words = read_node(node), codebook_for(codebook, node.parent)
    study = None if plan is None else _study_of_one(plan, words, config)
    needed = set() if study is None else variables_read(study)
    records = read_records(config, words, _today(), needed)
    findings = records.findings if study is None else prepare(records, config, study).findings
    findings += implausible(records, findings, config, words, study)
    if as_json:
        print_json(findings_json(config.site, records, findings))
    else:
        show_findings(terminal(), config.site, records, findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)


@data_app.command("profile")
@errors_as_text
def profile(node: NodeFile, codebook: CodebookFile = None, as_json: AsJson = False) -> None:
    """Show this site's own counts, quartiles and days. For this machine only; nothing is sent."""
    from riskset_node.commands.listings import print_json, profile_json, show_profile, terminal
    from riskset_node.config import read_node
    from riskset_node.records.findings import check_usable
    from riskset_node.records.profile import profile as profile_of
    from riskset_node.records.reading import read_records

    config, words = read_node(node), codebook_for(codebook, node.parent)
    records = read_records(config, words, _today())
    check_usable(records.findings, config.site)
    rows = profile_of(records.patients, words, config.study_group)
    if as_json:
        print_json(profile_json(config.site, records.patients.n, rows))
    else:
        show_profile(terminal(), config.site, records.patients.n, rows)


@data_app.command("draft")
@errors_as_text
def draft(
    file: PatientsFile,
    codebook: CodebookFile = None,
    folder: NodeFolder = Path(),
    encoding: Encoding = None,
    sheet: Sheet = None,
    dictionary: DictionaryFile = None,
    again: Annotated[bool, typer.Option("--again", help="Replace the draft before.")] = False,
) -> None:
    """Look at the patients' file, and propose how node.yaml reads it; writes node.yaml.draft, and never node.yaml.

    The draft holds no value of a patient but codes of categories. Nothing is sent.
    """
    from dataclasses import replace

    from riskset_node.drafting.dictionary import read_dictionary
    from riskset_node.drafting.draft import draft_of
    from riskset_node.drafting.files import read_whole
    from riskset_node.drafting.node_file import place_of, write_draft

    words = codebook_for(codebook, folder)
    said = {"encoding": encoding, "sheet": sheet}
    read = read_whole(file, {key: value for key, value in said.items() if value is not None})
    if dictionary is not None:
        read = replace(read, labels=read_dictionary(dictionary))
    made = draft_of(read, place_of(file, folder), words, _today())
    path = write_draft(made.text, folder, words, again=again)
    _say_drafted(path, made)


def _say_drafted(path: Path, made: Draft) -> None:
    """What was proposed, and what to do next."""
    fill_in = (
        f'fill in   {made.questions} places with "?": search for them, the comment beside each says what was found\n'
        if made.questions
        else ""
    )
    typer.echo(
        f"written   {path}\n"
        f"proposed  a column for {len(made.proposed)} of {made.variables} variables; read each line, because a proposal may be wrong\n"
        f"{fill_in}"
        f"then      name it {path.with_suffix('')}, and run: riskset-node data check {path.with_suffix('')}"
    )


@policy_app.command("show")
@errors_as_text
def show(node: NodeFile, plan: PlanFile = None, as_json: AsJson = False) -> None:
    """Show the rule of each field: what the consortium's plan says, what is written here, and what holds.

    Ends with exit code 3 if the plan would be refused here, and says why.
    """
    from riskset_common.errors import PolicyRefusal
    from riskset_common.planning.read import read_plan
    from riskset_node.commands.listings import (
        ShownPolicy,
        policy_json,
        print_json,
        show_policy,
        terminal,
    )
    from riskset_node.config import read_node
    from riskset_node.session.trust import known_sites

    config = read_node(node)
    read = None if plan is None else read_plan(plan)
    shown = ShownPolicy(config.site, config.policy, read, known_sites(config), _today())
    if as_json:
        print_json(policy_json(shown))
    else:
        show_policy(terminal(), shown)
    if shown.reasons():
        raise typer.Exit(PolicyRefusal.exit_code)


def _study_of_one(plan: Path, codebook: Codebook, config: NodeConfig) -> Study:
    """The study as this site can see it alone; the plan must fit the codebook. Who else takes part is not known here."""
    from riskset_common.planning.check import check_plan
    from riskset_common.planning.read import read_plan
    from riskset_common.study.study import Site, Study

    read = read_plan(plan)
    check_plan(Study(read, codebook, ()), str(plan))
    return Study(read, codebook, (Site(config.site, config.study_group),))


def _today() -> datetime.date:
    """Today by the hospital's own calendar."""
    return datetime.datetime.now().astimezone().date()


def main() -> None:
    """Run the command."""
    app()
