"""The series of a display of curves, before they are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import sentence_case
from riskset_server.results.reading import entries, value


@dataclass(frozen=True)
class Measure:
    """What the curves of a kind of analysis show: the probability's name in results.json, and its value at time 0."""

    name: str
    at_start: float


SURVIVAL = Measure("survival", 1.0)


MEASURES = {"cumulative_incidence": Measure("incidence", 0.0)}
"""By kind of analysis; every other kind shows survival."""


def measure_of(part: Part) -> Measure:
    """What the curves of an analysis show."""
    return MEASURES.get(part.spec.kind, SURVIVAL)


@dataclass(frozen=True)
class Style:
    """Which colour and which dashes draw a curve, by their ranks."""

    colour: int
    dashes: int


@dataclass(frozen=True)
class Series:
    """A curve of results.json before it is read: its label, its group's label, its entry, what it shows and how it is drawn.

    `cause` is the event whose incidence it is; None for a survival curve.
    """

    label: str
    of_group: str
    group: Mapping[str, Any]
    measure: Measure
    style: Style | None = None
    cause: str | None = None


def series_of(shown: Shown, part: Part) -> Iterator[Series]:
    """The curves of one analysis, by cause and group."""
    causes = entries(value(part.result, "causes")) if measure_of(part) != SURVIVAL else ()
    if not causes:
        for label, group in _labelled(shown, part):
            yield Series(label, label, group, measure_of(part))
        return
    # One colour a group and other dashes for each curve, so that grey tells them apart; the cause's colour where there is one group.
    labelled = list(_labelled(shown, part))
    alone = len(labelled) < 2
    for rank, cause in enumerate(causes):
        named = sentence_case(cause)
        for index, (label, group) in enumerate(labelled):
            own = named if not group["level"] else f"{named}, {label}"
            own_style = Style(rank if alone else index, rank * len(labelled) + index)
            style = own_style if len(shown.parts) == 1 else None
            yield Series(own, label, _of_cause(group, cause), measure_of(part), style, cause)


def _of_cause(group: Mapping[str, Any], cause: str) -> Mapping[str, Any]:
    """The entry of one cause in the form of a group: its curve, landmarks and events beside the group's level and patients."""
    found = value(group, "causes", cause)
    shared = {name: group[name] for name in ("level", "n", "numbers_at_risk") if name in group}
    return shared | {name: value(found, name) for name in ("events", "at", "curve")}


def _labelled(shown: Shown, part: Part) -> Iterator[tuple[str, Mapping[str, Any]]]:
    words = shown.words
    endpoint = part.spec.endpoint_name() or ""
    endpoints = {other.spec.endpoint_name() for other in shown.parts}
    own = words.short_endpoint(endpoint)
    several = len(shown.parts) > 1
    if several and len(endpoints) < len(shown.parts):
        own = words.title(part.spec)
    for group in entries(value(part.result, "groups")):
        if not group["level"]:
            yield own if several else words.short_endpoint(endpoint), group
        else:
            name = words.group(group["level"])
            yield (f"{own}, {name}" if several else name), group
