"""The command `riskset` of the coordinating centre. Heavy modules are imported inside the commands, so that --help answers at once."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Annotated

import typer

from riskset_common.programs.command_line import LEAVE_ESCAPES, errors_as_text, show_version
from riskset_server.commands.centre import centre_app, run_app, site_app
from riskset_server.commands.report import report_app

app = typer.Typer(
    name="riskset",
    help="Federated survival analysis: the coordinating centre.",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings=LEAVE_ESCAPES,
)
plan_app = typer.Typer(help="Check and sign a statistical analysis plan.", no_args_is_help=True)
key_app = typer.Typer(help="The centre's signing key.", no_args_is_help=True)
app.add_typer(plan_app, name="plan")
app.add_typer(key_app, name="key")
app.add_typer(centre_app, name="centre")
app.add_typer(site_app, name="site")
app.add_typer(run_app, name="run")
app.add_typer(report_app, name="report")
roster_app = typer.Typer(help="The roster of the consortium's sites.", no_args_is_help=True)
app.add_typer(roster_app, name="roster")

PlanFile = Annotated[
    Path, typer.Argument(metavar="PLAN", help="plan.yaml", exists=True, dir_okay=False)
]
CodebookFile = Annotated[
    Path, typer.Option("--codebook", help="codebook.yaml", exists=True, dir_okay=False)
]


@app.callback()
def root(
    version: Annotated[  # typer reads it
        bool,
        typer.Option(
            "--version",
            callback=show_version("riskset", "riskset-server"),
            is_eager=True,
            help="Print the version and end.",
        ),
    ] = False,
) -> None:
    """Federated survival analysis: the coordinating centre."""


@plan_app.command("check")
@errors_as_text
def check(
    plan: PlanFile,
    codebook: CodebookFile,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster",
            help="roster.yaml, to say which sites may be lost and who computes on shares.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check a plan against its codebook, and say what each site will be asked to send."""
    from riskset_server.plans.outline import outline, outline_text

    summary = outline(plan, codebook, roster)
    typer.echo(
        json.dumps(summary, indent=1, ensure_ascii=False) if as_json else outline_text(summary)
    )


@plan_app.command("sign")
@errors_as_text
def sign(
    plan: PlanFile,
    codebook: CodebookFile,
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            help="The centre's key file (riskset key new).",
            exists=True,
            dir_okay=False,
        ),
    ],
) -> None:
    """Sign what plan and codebook say; writes PLAN.sig beside the plan."""
    from riskset_common.errors import InputError
    from riskset_common.primitives.signing import read_identity
    from riskset_server.plans.signed_plan import sign_plan, signature_path
    from riskset_server.plans.submitted import drafted

    draft = drafted(plan, codebook)
    signed = sign_plan(draft.plan, draft.codebook, read_identity(key))
    path = signature_path(plan)
    try:
        path.write_text(signed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error
    typer.echo(f"{path}: {signed.plan} {signed.version} sha256 {signed.plan_sha256}")


@plan_app.command("without")
@errors_as_text
def without(
    plan: PlanFile,
    analyses: Annotated[
        list[str], typer.Argument(metavar="ANALYSIS", help="Ids of analyses to leave out.")
    ],
) -> None:
    """Print a plan without some of its analyses, as a new version, for a run that must do without lost sites."""
    from riskset_server.plans.without import plan_without

    typer.echo(plan_without(plan, analyses), nl=False)


@key_app.command("new")
@errors_as_text
def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the key.")],
) -> None:
    """Make a signing key. Prints the public half for node.yaml (centre.key) and the fingerprint to read out by telephone."""
    from secrets import token_bytes

    from riskset_common.primitives.signing import Identity, fingerprint
    from riskset_common.programs.secret_files import write_new

    identity = Identity.from_random(token_bytes(32))
    write_new(path, identity.to_pem())
    typer.echo(f"public key   {identity.public_text}\nfingerprint  {fingerprint(identity.public)}")


RosterFile = Annotated[
    Path, typer.Argument(metavar="ROSTER", help="roster.yaml", exists=True, dir_okay=False)
]


@roster_app.command("sign")
@errors_as_text
def sign_roster(
    roster: RosterFile,
    key: Annotated[
        Path,
        typer.Option("--key", help="A governance key file (riskset key new).", exists=True),
    ],
) -> None:
    """Sign which sites there are and by which keys they are known; adds to ROSTER.sig beside the roster."""
    from riskset_common.consortium.roster_file import add_signature, signatures_path
    from riskset_common.primitives.signing import read_identity

    signed = add_signature(roster, read_identity(key))
    typer.echo(
        f"{signatures_path(roster)}: version {signed.roster.version}, "
        f"{len(signed.roster.members)} sites, {len(signed.signatures)} signatures"
    )


@roster_app.command("check")
@errors_as_text
def check_roster(
    roster: RosterFile,
    governance: Annotated[
        list[str], typer.Option("--governance", help="A governance key in base64; once for each.")
    ],
    needed: Annotated[int, typer.Option("--needed", help="How many of them must have signed.")],
) -> None:
    """Check a roster as a site would, and list its sites with the fingerprints to compare by telephone."""
    from riskset_common.consortium.governance import Governance
    from riskset_common.consortium.governance import check_roster as checked
    from riskset_common.consortium.roster_file import read_roster
    from riskset_common.primitives.signing import fingerprint, public_from_text

    keys = tuple(public_from_text(key) for key in governance)
    for member in checked(read_roster(roster), Governance(keys, needed)).members:
        typer.echo(
            f"{member.site_id}\t{member.name}\t{member.study_group}\t{fingerprint(member.public)}"
        )


@app.command("power")
@errors_as_text
def power(
    control: Annotated[
        float,
        typer.Option("--control", help="Proportion without an event in the control arm, at --at."),
    ],
    at: Annotated[float, typer.Option("--at", help="That time; any unit, the same for all times.")],
    gain: Annotated[
        float | None,
        typer.Option("--gain", help="What the experimental arm adds to that proportion."),
    ] = None,
    hazard_ratio: Annotated[
        float | None,
        typer.Option("--hazard-ratio", help="In place of --gain: experimental over control."),
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Significance level.")] = 0.05,
    wanted: Annotated[float, typer.Option("--power", help="Power.")] = 0.8,
    one_sided: Annotated[bool, typer.Option("--one-sided", help="A one-sided test.")] = False,
    allocation: Annotated[
        float,
        typer.Option("--allocation", help="Experimental patients for each control patient."),
    ] = 1.0,
    accrual: Annotated[
        float, typer.Option("--accrual", help="How long patients enter, at a constant rate.")
    ] = 0.0,
    follow_up: Annotated[
        float | None,
        typer.Option("--follow-up", help="How long the last patient is followed; --at by default."),
    ] = None,
    loss: Annotated[float, typer.Option("--loss", help="Proportion of patients lost.")] = 0.0,
    patients: Annotated[
        int | None,
        typer.Option("--patients", help="Say the power of so many patients instead."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, not rounded.")] = False,
) -> None:
    """Events and patients that a log-rank test of two arms needs, or the power of a number of patients."""
    from riskset_server.design.power import assumed, powers, powers_text, sizes, sizes_text

    plan = assumed(
        control,
        gain,
        hazard_ratio,
        at,
        alpha=alpha,
        power=wanted,
        two_sided=not one_sided,
        allocation=allocation,
        accrual=accrual,
        follow_up=follow_up,
        loss=loss,
    )
    if patients is None:
        needed = sizes(plan)
        typer.echo(json.dumps(needed, indent=1) if as_json else sizes_text(plan, needed))
    else:
        reached = powers(plan, patients)
        typer.echo(json.dumps(reached, indent=1) if as_json else powers_text(plan, reached))


def main() -> None:
    """Run the command, with the engines that are installed beside the centre."""
    if importlib.util.find_spec("riskset_embedded") is not None:
        importlib.import_module("riskset_embedded.commands").join(app)
    app()
