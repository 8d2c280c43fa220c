"""The first page of a report: what was run where, and how many patients each analysis used and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from riskset_common.results.whole_file import Results
from riskset_server.displays.parts.cells import EMPTY, Cell, cell, count
from riskset_server.displays.parts.display import Part
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words
from riskset_server.results.typed import events_of


@dataclass(frozen=True)
class Fact:
    """A term and what it is, as on the front page of a protocol."""

    term: str
    text: str


def facts(results: Results, words: Words) -> Iterator[Fact]:
    """What identifies the run."""
    plan = words.plan
    yield Fact("Plan", f"{plan.plan}, version {plan.version}")
    yield Fact("SHA-256 of the plan", results.plan.sha256)
    yield Fact("Codebook", plan.codebook)
    for register, number in plan.registered.items():
        yield Fact(register, number)
    if plan.purpose:
        yield Fact("Purpose", plan.purpose)
    if plan.data_cutoff is not None:
        censored = ", follow-up censored on that day" if plan.censor_at_cutoff else ""
        yield Fact("Data cutoff", f"{plan.data_cutoff.isoformat()}{censored}")
    yield Fact(f"Sites ({len(results.sites)})", ", ".join(results.sites))
    if plan.quorum is not None:
        yield Fact("Quorum", f"{plan.quorum.sites} of {plan.quorum.of} sites")
    yield Fact("Results", plan.disclosure.to_be_given_to)
    yield Fact("Rounds", str(results.rounds))


def analyses_table(parts: Mapping[str, Part], words: Words) -> Table:
    """One row an analysis: population, patients, those left out, events, and whether it was planned."""
    return Table(
        title="Patients and events by analysis",
        heads=("Analysis", "Name in plan", "Population", "No.", "Missing", "Events", "Planned"),
        rows=tuple(_row(part, words) for part in parts.values()),
        notes=(
            "Missing: patients of the population left out because a value that the analysis needs is missing.",
        ),
        abbreviations=(("No.", "number of patients"),),
    )


def _row(part: Part, words: Words) -> Row:
    result = part.result
    return Row(
        Cell(words.title(part.spec)),
        (
            Cell(part.spec.id),
            Cell(words.population(part.spec)),
            cell(result.n, count, EMPTY),
            cell(result.missing, count, EMPTY),
            cell(events_of(result), count, EMPTY),
            Cell(words.planned(part.spec)),
        ),
    )
