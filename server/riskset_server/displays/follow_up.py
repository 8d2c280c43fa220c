"""The table of follow-up: how long patients were under observation, as a median with its interval."""

from __future__ import annotations

from riskset_server.displays.cells import CI, NOT_REACHED, Cell, cell, count, joined
from riskset_server.displays.display import Part, Shown
from riskset_server.displays.reading import distinct, value
from riskset_server.displays.table import Row, Table
from riskset_server.displays.words import Words, listed, lower_first, sentence_case


def make(shown: Shown) -> Table:
    """One row an analysis."""
    words = shown.words
    methods = distinct(value(part.result, "method") for part in shown.parts)
    named = listed([method_in_words(method) for method in methods])
    return Table(
        title=shown.title,
        heads=(
            "Follow-up",
            "No.",
            "Events",
            f"Median, {words.unit}",
            f"{shown.confidence} CI".strip(),
        ),
        rows=tuple(_row(part, words) for part in shown.parts),
        notes=(f"Follow-up is estimated by the {named} method.",) if named else (),
        abbreviations=(CI, ("No.", "number of patients")),
    )


def method_in_words(method: str) -> str:
    """reverse_kaplan_meier reads `reverse Kaplan-Meier`, with the names' capitals."""
    return lower_first(sentence_case(method)).replace("kaplan meier", "Kaplan\N{EN DASH}Meier")


def _row(part: Part, words: Words) -> Row:
    found = part.result
    endpoint = part.spec.endpoint_name()
    label = words.endpoint(endpoint) if endpoint else words.title(part.spec)
    return Row(
        Cell(f"{label}: {lower_first(words.population(part.spec))}"),
        (
            cell(value(found, "n"), count),
            cell(value(found, "events"), count),
            cell(value(found, "median"), words.duration, NOT_REACHED),
            time_interval(value(found, "lower"), value(found, "upper"), words),
        ),
    )


def time_interval(lower: object, upper: object, words: Words) -> Cell:
    """An interval of times; a limit that is not reached reads NR."""
    limits = (
        cell(lower, words.duration, NOT_REACHED),
        cell(upper, words.duration, NOT_REACHED),
    )
    return joined(limits, "{} to {}")
