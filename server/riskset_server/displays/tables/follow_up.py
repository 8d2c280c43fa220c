"""The table of follow-up: how long patients were under observation, as a median with its interval, and how completely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from riskset_common.results.follow_up import FollowUpResult
from riskset_common.results.shown import Shown as Value
from riskset_server.displays.parts.cells import CI, EMPTY, NOT_REACHED, Cell, cell, count, joined
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.table import Row, Table
from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.results.typed import of_kind


def make(shown: Shown) -> Table:
    """One row an analysis; the columns of range and completeness are there where the plan asks for them."""
    words = shown.words
    results = [of_kind(FollowUpResult, part.result) for part in shown.parts]
    named = listed([method_in_words(name) for name in dict.fromkeys(r.method for r in results)])
    more = tuple(_more(results, words))
    return Table(
        title=shown.title,
        heads=(
            "Follow-up",
            "No.",
            "Events",
            f"Median, {words.unit}",
            f"{shown.confidence} CI".strip(),
            *(head for head, _ in more),
        ),
        rows=tuple(
            _row(part, result, words, [cells[index] for _, cells in more])
            for index, (part, result) in enumerate(zip(shown.parts, results, strict=True))
        ),
        notes=tuple(_notes(named, results)),
        abbreviations=(CI, ("No.", "number of patients")),
    )


def method_in_words(method: str) -> str:
    """reverse_kaplan_meier reads `reverse Kaplan-Meier`, with the names' capitals."""
    return lower_first(sentence_case(method)).replace("kaplan meier", "Kaplan\N{EN DASH}Meier")


def _more(results: Sequence[FollowUpResult], words: Words) -> Iterator[tuple[str, Sequence[Cell]]]:
    """Heads of further columns, with the cell of each analysis; empty where its plan does not ask for it."""
    if any(result.range is not None for result in results):
        yield f"Range, {words.unit}", [_range(result, words) for result in results]
    if _any_completeness(results):
        yield "Completeness", [_completeness(result) for result in results]


def _any_completeness(results: Sequence[FollowUpResult]) -> bool:
    return any(result.completeness is not None for result in results)


def _range(result: FollowUpResult, words: Words) -> Cell:
    found = result.range
    return EMPTY if found is None else time_interval(found.shortest, found.longest, words)


def _completeness(result: FollowUpResult) -> Cell:
    found = result.completeness
    return EMPTY if found is None else cell(found.ratio, lambda ratio: f"{100 * ratio:.1f}%")


def _row(part: Part, result: FollowUpResult, words: Words, more: Sequence[Cell]) -> Row:
    endpoint = part.spec.endpoint_name()
    label = words.endpoint(endpoint) if endpoint else words.title(part.spec)
    return Row(
        Cell(f"{label}: {lower_first(words.population(part.spec))}"),
        (
            cell(result.n, count),
            cell(result.events, count),
            cell(result.median, words.duration, NOT_REACHED),
            time_interval(result.lower, result.upper, words),
            *more,
        ),
    )


def _notes(named: str, results: Sequence[FollowUpResult]) -> Iterator[str]:
    yield f"Follow-up is estimated by the {named} method."
    if _any_completeness(results):
        yield "Completeness is the person-time observed in percent of that until the closing date or the event."


def time_interval(lower: Value[float], upper: Value[float], words: Words) -> Cell:
    """An interval of times; a limit that is not reached reads NR."""
    limits = (
        cell(lower, words.duration, NOT_REACHED),
        cell(upper, words.duration, NOT_REACHED),
    )
    return joined(limits, "{} to {}")
