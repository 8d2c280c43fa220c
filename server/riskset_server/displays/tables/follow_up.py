"""The table of follow-up: how long patients were under observation, as a median with its interval, and how completely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskset_server.displays.parts.cells import CI, EMPTY, NOT_REACHED, Cell, cell, count, joined
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.results.reading import distinct, value

MORE = {"range": "Range, {unit}", "completeness": "Completeness"}
"""Columns that are there where the plan asks for them."""


def make(shown: Shown) -> Table:
    """One row an analysis."""
    words = shown.words
    methods = distinct(value(part.result, "method") for part in shown.parts)
    named = listed([method_in_words(method) for method in methods])
    asked = [name for name in MORE if any(value(part.result, name) for part in shown.parts)]
    notes = [f"Follow-up is estimated by the {named} method."] if named else []
    if "completeness" in asked:
        notes.append(
            "Completeness is the person-time observed in percent of that until the closing date or the event."
        )
    return Table(
        title=shown.title,
        heads=(
            "Follow-up",
            "No.",
            "Events",
            f"Median, {words.unit}",
            f"{shown.confidence} CI".strip(),
            *(MORE[name].format(unit=words.unit) for name in asked),
        ),
        rows=tuple(_row(part, words, asked) for part in shown.parts),
        notes=tuple(notes),
        abbreviations=(CI, ("No.", "number of patients")),
    )


def method_in_words(method: str) -> str:
    """reverse_kaplan_meier reads `reverse Kaplan-Meier`, with the names' capitals."""
    return lower_first(sentence_case(method)).replace("kaplan meier", "Kaplan\N{EN DASH}Meier")


def _row(part: Part, words: Words, asked: Sequence[str]) -> Row:
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
            *(_more(found, name, words) for name in asked),
        ),
    )


def _more(found: Mapping[str, Any], name: str, words: Words) -> Cell:
    """The range, or the completeness, of one follow-up; empty where the plan does not ask for it."""
    if value(found, name) is None:
        return EMPTY
    if name == "completeness":
        return cell(value(found, name, "ratio"), lambda ratio: f"{100 * ratio:.1f}%")
    return time_interval(value(found, name, "shortest"), value(found, name, "longest"), words)


def time_interval(lower: object, upper: object, words: Words) -> Cell:
    """An interval of times; a limit that is not reached reads NR."""
    limits = (
        cell(lower, words.duration, NOT_REACHED),
        cell(upper, words.duration, NOT_REACHED),
    )
    return joined(limits, "{} to {}")
