"""`riskset demo lung`: a real trial of 18 institutions on this machine, and every number beside R's on the pooled patients."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from riskset_common.errors import EstimationError
from riskset_common.formats.csv_text import csv_text
from riskset_common.results.curves import GroupCurve, KaplanMeierResult
from riskset_common.results.follow_up import FollowUpResult
from riskset_common.results.from_json import from_json
from riskset_common.results.regression import CoxResult
from riskset_common.results.shown import Shown, Withheld, exact
from riskset_common.results.tables import BaselineResult, EventTableResult
from riskset_common.results.whole_file import ReleasedResult, Results
from riskset_embedded.local_run import read_nodes, run_files
from riskset_node.commands.console import visible_console
from riskset_node.sources import source_of
from riskset_server.report.run_files import read_run

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How near two numbers must be to count as equal: counts exactly, everything else to one of these."""

SHOWN = (
    ("os_sex", "male, median"),
    ("os_sex", "female, median"),
    ("os_sex", "male, at 365, survival"),
    ("os_sex", "male, at 365, SE"),
    ("os_sex", "log-rank chi-square"),
    ("os_sex", "log-rank P"),
    ("os_sex_by_site", "log-rank chi-square"),
    ("os_ecog_by_site", "log-rank chi-square"),
    ("cox", "age, coefficient"),
    ("cox", "sex = female, coefficient"),
    ("cox", "sex = female, SE"),
    ("cox", "ecog_3 = ECOG 2 to 3, coefficient"),
    ("cox", "log-likelihood"),
    ("cox", "Wald chi-square"),
    ("cox_interaction", "likelihood-ratio chi-square"),
    ("table1", "ecog chi-square"),
    ("followup", "median"),
)
"""The numbers that are printed; all of them are compared and written to a file."""


def study_folder(name: str) -> Path:
    """Where a study that comes with riskset lies: in the checkout, or in the installed package."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "studies" / name, here.parents[1] / "studies" / name):
        if (folder / "codebook.yaml").exists():
            return folder
    raise EstimationError(
        f"The study {name!r} is not part of this installation. Install riskset from its checkout."
    )


def introduce(nodes: Path, console: Console) -> None:
    """Print a line for each site: its group, its file, and the dialect that this is written in."""
    for config in read_nodes(nodes):
        source = config.data.source
        name = Path(source_of(source.kind).place(source)).name
        dialect = source.model_dump(exclude_defaults=True, exclude={"kind", "path"})
        written = ", ".join(f"{name} {value!r}" for name, value in dialect.items()) or "plain"
        console.print(
            f"{config.site}  {config.study_group}  {source.kind} {name}: {written}",
            highlight=False,
            soft_wrap=True,
        )


@dataclass(frozen=True)
class Compared:
    """One number, as riskset and as R have it."""

    analysis: str
    quantity: str
    riskset: float | None
    r: float | None

    @property
    def difference(self) -> float:
        """riskset minus R; zero where neither exists."""
        if self.riskset is None or self.r is None:
            return 0.0 if self.riskset is self.r else float("nan")
        return self.riskset - self.r

    @property
    def equal(self) -> bool:
        """Whether the two are one number to the demanded nearness."""
        return abs(self.difference) <= max(ABSOLUTE, RELATIVE * abs(self.r or 0.0))


def run_demo(out: Path, *, lose: Sequence[str] = (), quiet: bool = False) -> str:
    """Run the lung study, compare it with R, and give what is printed at the end.

    Without a site the numbers are those of fewer patients than R had, so nothing is compared.

    Raises
    ------
    EstimationError
        Where a number differs from R's.
    """
    study = study_folder("lung")
    console = visible_console(stderr=True, quiet=quiet)
    introduce(study / "nodes", console)
    finished = run_files(
        study / "plan.yaml", study / "codebook.yaml", study / "nodes", out, lose=lose, quiet=quiet
    )
    results = read_run(finished).results
    if results.lost_sites:
        return (
            f"{len(results.sites)} of 18 institutions are in these results; R's are of all, so the two are not compared.\n"
            f"report: {finished / 'report.html'}"
        )
    reference = read_reference(study / "reference.json")
    compared = compare(results, reference)
    _write(finished / "tables" / "riskset_and_r.csv", compared)
    _require_equal(compared)
    return _closing(compared, finished)


def _require_equal(compared: Sequence[Compared]) -> None:
    different = [each for each in compared if not each.equal]
    if different:
        raise EstimationError(
            "\n".join(
                f"{each.analysis}, {each.quantity}: riskset {each.riskset!r}, R {each.r!r}"
                for each in different
            )
            + "\nThese numbers differ from R's. Do not use this installation; run `make test` to find out why."
        )


@dataclass(frozen=True)
class OfR:
    """One number as R has it; None where it does not exist."""

    analysis: str
    quantity: str
    value: int | float | None


def read_reference(path: Path) -> list[OfR]:
    """The numbers of R."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [from_json(OfR, row, f"{path}[{index}]") for index, row in enumerate(rows)]


def compare(results: Results, reference: Sequence[OfR]) -> list[Compared]:
    """Every number of the reference beside the one of the results.

    Raises
    ------
    EstimationError
        Where the results lack a number that the reference has.
    """
    ours = {(analysis, quantity): value for analysis, quantity, value in quantities(results)}
    lacking = [row for row in reference if (row.analysis, row.quantity) not in ours]
    if lacking:
        raise EstimationError(
            "\n".join(f"{row.analysis}, {row.quantity}: not in the results" for row in lacking)
            + "\nThe plan asks for less than reference.json holds. Make it again with make_reference.R."
        )
    return [
        Compared(row.analysis, row.quantity, ours[row.analysis, row.quantity], row.value)
        for row in reference
    ]


Quantity = tuple[str, Shown[float] | None]


def quantities(results: Results) -> Iterator[tuple[str, str, float | None]]:
    """The numbers of results.json under the names that the R script gives them; None where one does not exist."""
    for name, result in results.analyses.items():
        for quantity, value in _named(result):
            known = exact(value)
            exists = known is not None and math.isfinite(known)
            yield name, quantity, known if exists else None


def _named(result: ReleasedResult) -> Iterator[Quantity]:
    match result:
        case FollowUpResult():
            yield from (("median", result.median), ("lower", result.lower), ("upper", result.upper))
        case BaselineResult():
            yield from _baseline(result)
        case EventTableResult():
            for row in result.rows:
                yield from zip(result.columns, row.counts, strict=True)
        case KaplanMeierResult():
            for group in result.groups:
                yield from _curve(group)
            if result.test is not None:
                test = exact(result.test)
                yield from (("log-rank chi-square", test.statistic), ("log-rank P", test.p_value))
        case CoxResult():
            yield from _cox(result)


def _baseline(result: BaselineResult) -> Iterator[Quantity]:
    for variable, test in result.tests.items():
        if not isinstance(test, Withheld):
            yield f"{variable} chi-square", test.statistic
    for row in result.rows:
        for column, count in zip(result.columns, row.counts, strict=True):
            yield f"{row.variable} = {row.level}, {column}", count


def _curve(group: GroupCurve) -> Iterator[Quantity]:
    label = "".join(f"{level}, " for level in group.level.values())
    median = exact(group.median)
    yield f"{label}patients", group.n
    yield f"{label}deaths", group.events
    yield f"{label}median", median.estimate
    yield f"{label}median, lower", median.lower
    yield f"{label}median, upper", median.upper
    for at in exact(group.at):
        when = f"{label}at {at.time:g}"
        yield f"{when}, at risk", at.at_risk
        yield f"{when}, survival", at.survival
        yield f"{when}, SE", at.std_err
        yield f"{when}, lower", at.lower
        yield f"{when}, upper", at.upper


def _cox(result: CoxResult) -> Iterator[Quantity]:
    yield "patients", result.n
    yield "deaths", result.events
    for term in result.terms:
        variables, levels = term.term.split(":"), (term.level or "").split(":")
        name = ":".join(
            f"{v} = {level}" if level else v for v, level in zip(variables, levels, strict=True)
        )
        yield f"{name}, coefficient", term.coef
        yield f"{name}, SE", term.std_err
        yield f"{name}, HR lower", term.lower
        yield f"{name}, HR upper", term.upper
        yield f"{name}, P", term.p_value
    yield "log-likelihood at 0", result.log_likelihood.null
    yield "log-likelihood", result.log_likelihood.fitted
    yield "Wald chi-square", result.tests.wald.statistic
    yield "score chi-square", result.tests.score.statistic
    yield "likelihood-ratio chi-square", result.tests.likelihood_ratio.statistic


def _write(path: Path, compared: Sequence[Compared]) -> None:
    heads = ("analysis", "quantity", "riskset", "R", "difference")
    rows = [
        (each.analysis, each.quantity, each.riskset, each.r, each.difference) for each in compared
    ]
    path.write_text(csv_text([heads, *rows]), encoding="utf-8", newline="")


def _closing(compared: Sequence[Compared], finished: Path) -> str:
    table = Table(
        title="The same numbers from 18 institutions that shared no patient, and from R on the pooled patients"
    )
    for heading, side in (
        ("analysis", "left"),
        ("", "left"),
        ("riskset", "right"),
        ("R", "right"),
        ("difference", "right"),
    ):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]  # left and right are what rich knows
    by_name = {(each.analysis, each.quantity): each for each in compared}
    for key in SHOWN:
        each = by_name[key]
        table.add_row(
            each.analysis,
            each.quantity,
            f"{each.riskset:.12g}",
            f"{each.r:.12g}",
            f"{each.difference:.1e}",
        )
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(table)
    largest = max(
        abs(each.difference) / max(abs(each.r or 0.0), ABSOLUTE / RELATIVE) for each in compared
    )
    return (
        f"{console.export_text()}{len(compared)} numbers compared, largest relative difference {largest:.1e}; "
        f"all of them: {finished / 'tables' / 'riskset_and_r.csv'}\nreport: {finished / 'report.html'}"
    )
