"""Do patients and events add up in results.json: groups to their total, tables by row and column, a flow from box to box.

Counts that a disclosure rule withheld are left out of the check, and so is every sum with one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from riskset_common.study.plan import Plan
from riskset_server.displays.parts.display import Part
from riskset_server.report_check.disagreement import Disagreement
from riskset_server.results.reading import entries, families, value

CHECK: Final = "adds up"

Sums = Iterator[tuple[str, Any, Iterable[Any]]]
"""Where a total stands, the total, and what must add up to it."""


def additions(parts: Mapping[str, Part], plan: Plan) -> Iterator[Disagreement]:
    """Every total that is not the sum of its parts, and analyses of the same patients that differ in their number."""
    for name, part in parts.items():
        for where, total, terms in _sums(part, plan):
            found = list(terms)
            if _known(total) and all(map(_known, found)) and total != sum(found):
                added = " + ".join(f"{term:g}" for term in found)
                yield Disagreement(
                    CHECK, f"{name}, {where}", f"{added} = {sum(found):g}, not {total:g}"
                )
    yield from _same_patients(parts)


def _known(count: Any) -> bool:
    return isinstance(count, (int, float)) and not isinstance(count, bool)


def _sums(part: Part, plan: Plan) -> Sums:
    of_kind = _OF_KIND.get(part.spec.kind)
    if of_kind is not None:
        yield from of_kind(part.result, part, plan)


def _curves(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    groups = entries(value(result, "groups"))
    if not groups:
        return
    for count in ("n", "events"):
        yield (
            f"{count} of all groups",
            value(result, count),
            [value(group, count) for group in groups],
        )
    if plan.disclosure.release == "exact":
        for group in groups:
            named = _named(group["level"])
            events = entries(value(group, "curve", "events"))
            yield f"events of the curve{named}", value(group, "events"), events


def _named(level: Mapping[str, str]) -> str:
    return f" of {', '.join(level.values())}" if level else ""


def _incidences(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    groups = entries(value(result, "groups"))
    for count in ("n", "events"):
        yield (
            f"{count} of all groups",
            value(result, count),
            [value(group, count) for group in groups],
        )
    endpoint = plan.endpoints[part.spec.endpoint_name() or ""]
    for group in groups:
        causes = value(group, "causes")
        if isinstance(causes, Mapping) and set(causes) == set(endpoint.events):
            by_cause = [value(found, "events") for found in causes.values()]
            yield f"events by cause{_named(group['level'])}", value(group, "events"), by_cause


def _model(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    for term, levels in groupby(entries(value(result, "levels")), key=lambda row: str(row["term"])):
        found = list(levels)
        for count in ("n", "events"):
            counts = [value(level, count) for level in found]
            yield f"{count} by level of {term}", value(result, count), counts


def _univariate(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    for factor in entries(value(result, "factors")):
        curves = factor["curves"]
        for where, total, terms in _curves(curves, part, plan):
            yield f"{factor['factor']}, {where}", total, terms
        known = [value(curves, "n"), value(curves, "missing")]
        yield f"{factor['factor']}, known and missing", value(result, "n"), known


def _landmark(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    inner = result.get("curves", result.get("model"))
    for count in ("n", "events"):
        yield f"{count} of the landmark's patients", value(result, count), [value(inner, count)]
    yield from (_model if "model" in result else _curves)(inner, part, plan)


def _baseline(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    columns = entries(value(result, "columns"))
    n_of = [value(result, "column_n", index) for index in range(len(columns))]
    if part.by:
        yield "patients by column", value(result, "n"), n_of
    for variable, found in groupby(entries(value(result, "rows")), key=lambda row: row["variable"]):
        rows = list(found)
        missing = value(result, "missing_values", variable)
        for row in rows:
            yield f"{variable}, {row['level']}", value(row, "total"), entries(value(row, "counts"))
        for index, column in enumerate(columns):
            counts = [value(row, "counts", index) for row in rows]
            yield (
                f"{variable} in column {column}",
                n_of[index],
                [*counts, value(missing, "counts", index)],
            )
        totals = [value(row, "total") for row in rows]
        yield f"{variable} in all", value(result, "n"), [*totals, value(missing, "total")]


def _events(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    rows = entries(value(result, "rows"))
    censored = value(result, "censored")
    for row in (
        *rows,
        *([censored] if isinstance(censored, Mapping) and "event" in censored else []),
    ):
        yield f"{row['event']}", value(row, "total"), entries(value(row, "counts"))
    for index, column in enumerate(entries(value(result, "columns"))):
        counts = [value(row, "counts", index) for row in (*rows, censored)]
        yield f"column {column}", value(result, "column_n", index), counts
    totals = [value(row, "total") for row in rows]
    yield "events by kind", value(result, "events"), totals
    yield "patients by first event", value(result, "n"), [*totals, value(censored, "total")]


def _flow(result: Mapping[str, Any], part: Part, plan: Plan) -> Sums:
    boxes = entries(value(result, "boxes"))
    if boxes:
        yield "all patients", value(result, "n"), [value(boxes[0], "n")]
    for box, below in families(boxes):
        path = ", ".join(f"{level}" for level in box["path"].values()) or "all patients"
        yield f"boxes below {path}", value(box, "n"), [value(found, "n") for found in below]


_OF_KIND: Final[dict[str, Callable[[Mapping[str, Any], Part, Plan], Sums]]] = {
    "kaplan_meier": _curves,
    "cumulative_incidence": _incidences,
    "cox": _model,
    "fine_gray": _model,
    "heterogeneity": _model,
    "univariate": _univariate,
    "landmark": _landmark,
    "baseline": _baseline,
    "event_table": _events,
    "flow": _flow,
}


def _same_patients(parts: Mapping[str, Part]) -> Iterator[Disagreement]:
    """Analyses of one population under the same conditions have as many patients, those left out included."""
    first: dict[str, tuple[str, float]] = {}
    for name, part in parts.items():
        counts = [
            value(part.result, "n"),
            value(part.result, "missing"),
            part.result.get("ended", 0),
        ]
        if not all(map(_known, counts)):
            continue
        conditions = sorted(
            (variable, tuple(levels)) for variable, levels in part.spec.where.items()
        )
        key = f"{part.spec.population} {conditions}"
        other, total = first.setdefault(key, (name, sum(counts)))
        if sum(counts) != total:
            yield Disagreement(
                CHECK,
                name,
                f"{sum(counts):g} patients with those left out, but {other} has {total:g} of the same",
            )
