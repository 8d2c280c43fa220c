"""Findings, a site's profile and its policy as text on a terminal, and as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import typer
from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from riskset_common.planning.committees import blind_analyses
from riskset_common.programs.screen import json_text, one_line
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site
from riskset_node.commands.console import visible_console
from riskset_node.policy import (
    Policy,
    effective,
    expiry_reasons,
    floor_of,
    foreseen_reasons,
)
from riskset_node.records.findings import Finding, Severity
from riskset_node.records.profile import VariableProfile
from riskset_node.records.site_records import SiteRecords

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def show_findings(
    screen: Console, site: str, records: SiteRecords, findings: Sequence[Finding]
) -> None:
    """Print one row a finding, and a line that sums up."""
    if findings:
        # A key is longer than a narrow column; it is broken and never cut, because people copy it.
        columns = [Column(name, overflow="fold") for name in ("finding", "found", "what to do")]
        table = Table(*columns, title=None, show_lines=True)
        for finding in findings:
            where = f" ({finding.where})" if finding.where else ""
            table.add_row(
                Text(f"{finding.severity}\n{finding.kind}", style=_COLOURS[finding.severity]),
                _text(f"{finding.said.removesuffix('.')}{where}."),
                _text(finding.advice),
            )
        screen.print(table)
    for said in _not_listed(records):
        screen.print(_text(said))
    screen.print(_text(_sum_up(site, records, findings)))


def _not_listed(records: SiteRecords) -> Iterator[str]:
    """What became of the variables of which node.yaml says nothing."""
    if records.by_name:
        yield f"Read from the column of the same name, because node.yaml does not list them: {_all_or(records.by_name, records)}."
    if records.not_held:
        yield (
            "Missing for all patients, because node.yaml does not list them and no column has their name: "
            f"{', '.join(records.not_held)}."
        )


def _all_or(variables: Sequence[str], records: SiteRecords) -> str:
    """Names of variables, or that it is all of them."""
    of_codebook = (*records.patients.categories, *records.patients.numbers, *records.patients.dates)
    return "all variables" if len(variables) == len(of_codebook) else ", ".join(variables)


def _text(value: str, style: str = "") -> Text:
    """One cell or one line; what would break it is shown."""
    return Text(one_line(value), style=style)


def _sum_up(site: str, records: SiteRecords, findings: Sequence[Finding]) -> str:
    columns = len(records.read) + len(records.not_read)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return (
        f"{site}: {_count(records.patients.n, 'patient')}; read {len(records.read)} of {columns} columns; "
        f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def findings_json(
    site: str, records: SiteRecords, findings: Sequence[Finding]
) -> dict[str, object]:
    """What was checked, and each finding."""
    return {
        "site": site,
        "patients": records.patients.n,
        "columns_read": list(records.read),
        "columns_not_read": list(records.not_read),
        "read_by_name": list(records.by_name),
        "not_held": list(records.not_held),
        "findings": [asdict(finding) for finding in findings],
    }


def show_profile(screen: Console, site: str, n: int, rows: Sequence[VariableProfile]) -> None:
    """Print the site's own table: counts with percentages of the known, quartiles, first and last days."""
    table = Table("variable", "", title=_text(f"{site}: {_count(n, 'patient')}"))
    table.add_column("n", justify="right")
    table.add_column("%", justify="right")
    for row in rows:
        unit = f", {row.unit}" if row.unit else ""
        table.add_row(_text(f"{row.label}{unit} ({row.name})"), *_summary_cells(row))
        for level, count in row.counts.items():
            table.add_row("", _text(level), f"{count:,}", _percent(count, row.known))
        if row.missing:
            table.add_row("", _text("missing", style="italic"), f"{row.missing:,}", "")
    screen.print(table)
    screen.print("For this site only; nothing of it is ever sent.")


def _summary_cells(row: VariableProfile) -> tuple[RenderableType, str, str]:
    if row.quartiles is not None:
        low, middle, high = row.quartiles
        return _text(f"median {middle:g} ({low:g} to {high:g})"), f"{row.known:,}", ""
    if row.days is not None:
        return _text(f"{row.days[0]} to {row.days[1]}"), f"{row.known:,}", ""
    return "", "" if row.counts else f"{row.known:,}", ""


def _percent(count: int, known: int) -> str:
    return f"{100 * count / known:.1f}" if known else ""


def profile_json(site: str, n: int, rows: Sequence[VariableProfile]) -> dict[str, object]:
    """Each variable's profile."""
    return {"site": site, "patients": n, "variables": [asdict(row) for row in rows]}


@dataclass(frozen=True)
class ShownPolicy:
    """A site's policy as it is shown: alone, or for one plan.

    Attributes
    ----------
    sites
        Who takes part, as far as it is known here; empty where node.yaml names no roster.
    """

    site: str
    policy: Policy
    plan: Plan | None
    sites: tuple[Site, ...]
    today: datetime.date

    @property
    def title(self) -> str:
        """Whose policy, and for which plan."""
        plan = "" if self.plan is None else f" for {self.plan.plan} {self.plan.version}"
        return f"{self.site}: policy{plan}"

    def fields(self) -> dict[str, tuple[object, object, object]]:
        """By field: what the plan says (None where it has no word on it), what the site says, and the stricter of the two."""
        here = dict(self.policy)
        if self.plan is None:
            return {field: (None, value, value) for field, value in here.items()}
        floor, rule = asdict(floor_of(self.plan)), dict(effective(self.policy, self.plan))
        return {field: (floor.get(field), value, rule[field]) for field, value in here.items()}

    def not_checked(self) -> tuple[str, ...]:
        """What can refuse the plan and is not known here, each with the reason or with the command that checks it."""
        if self.plan is None:
            return ()
        is_blind = bool(blind_analyses(self.plan, self.sites))
        is_named = self.plan.secure.blind.candidates is not None
        unknown = "the sites of the run are not known here"
        return (
            *(() if self.sites else (f"minimum_sites and minimum_committee ({unknown})",)),
            *((f"the committee ({unknown})",) if is_blind and not self.sites else ()),
            *(
                (
                    "the committee (it follows from the codebook; riskset plan check says who serves)",
                )
                if is_blind and self.sites and not is_named
                else ()
            ),
            *(
                ("minimum_sites of each part, if the plan parts the sites (riskset plan check)",)
                if self.plan.disclosure.minimum_sites < self.policy.minimum_sites
                else ()
            ),
            "whether plan, codebook and records fit each other (riskset-node data check --plan)",
            "the signature (the node checks it when the plan is offered)",
        )

    def reasons(self) -> tuple[str, ...]:
        """Why the plan, or without one every plan, would be refused here; empty where nothing is known against it."""
        if self.plan is None:
            return tuple(expiry_reasons(self.policy, self.today))
        return foreseen_reasons(self.policy, self.plan, self.sites, self.site, self.today)


def show_policy(screen: Console, shown: ShownPolicy) -> None:
    """Print one row a field, who is to receive the results, and why the plan would be refused here if it would."""
    table = Table("field", "consortium", "here", "effective", title=_text(shown.title))
    for field, (consortium, here, holds) in shown.fields().items():
        table.add_row(_text(field), *(_text(_cell(value)) for value in (consortium, here, holds)))
    screen.print(table)
    if shown.plan is not None:
        screen.print(_text(f"results: {shown.plan.disclosure.to_be_given_to}"))
        screen.print(_text(f"Not checked here: {'; '.join(shown.not_checked())}."))
    reasons = shown.reasons()
    if reasons:
        what = "Every plan" if shown.plan is None else "This plan"
        screen.print(
            Text(
                "\n".join(
                    map(one_line, (f"{what} would be refused here: {reasons[0]}", *reasons[1:]))
                )
            )
        )


def _cell(value: object) -> str:
    return ", ".join(_words(value)) or "none"


def _words(value: object) -> Iterator[str]:
    if value is None:
        yield "-"
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, tuple):
        yield from map(str, value)
    elif isinstance(value, BaseModel):
        for name, inner in value:
            yield f"{name} {_cell(inner)}"
    else:
        yield f"{value:g}" if isinstance(value, float) else str(value)


def policy_json(shown: ShownPolicy) -> dict[str, object]:
    """The same as a mapping; a field that the plan has no word on has null for the consortium."""
    plan = shown.plan
    return {
        "site": shown.site,
        "plan": None if plan is None else f"{plan.plan} {plan.version}",
        "released_to": None if plan is None else plan.disclosure.to_be_given_to,
        "fields": {
            field: {"consortium": consortium, "here": here, "effective": holds}
            for field, (consortium, here, holds) in shown.fields().items()
        },
        "refused": list(shown.reasons()),
        "not_checked": list(shown.not_checked()),
    }


def terminal() -> Console:
    """Standard output; a file or pipe has no width, so that nothing is folded at 80 characters there."""
    made = visible_console()
    return made if made.is_terminal else visible_console(width=160)


def print_json(answer: object) -> None:
    """Print as JSON."""
    typer.echo(json_text(answer, plain))


def plain(value: object) -> object:
    """Turn what JSON has no word for into text: days, and the models of a policy."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} has no place in a listing.")
