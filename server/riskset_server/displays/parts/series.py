"""The series of a display of curves, before they are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_server.displays.parts.display import Part, Shown
from riskset_server.displays.parts.words import sentence_case
from riskset_server.results.typed import CauseCurve, Curve, curve_of_cause


class Measure(Enum):
    """What curves show: a probability, by its value at time 0."""

    SURVIVAL = 1.0
    INCIDENCE = 0.0


def measure_of(part: Part) -> Measure:
    """What the curves of an analysis show."""
    return Measure.INCIDENCE if part.gives(CumulativeIncidenceResult) else Measure.SURVIVAL


@dataclass(frozen=True)
class Style:
    """Which colour and which dashes draw a curve, by their ranks."""

    colour: int
    dashes: int


@dataclass(frozen=True)
class Series:
    """A curve before it is drawn: its label, its group's label, its numbers, and how it is drawn.

    `cause` is the event whose incidence it is; None for a survival curve.
    """

    label: str
    of_group: str
    curve: Curve
    style: Style | None = None
    cause: str | None = None

    @property
    def measure(self) -> Measure:
        """What the curve shows."""
        return Measure.INCIDENCE if isinstance(self.curve, CauseCurve) else Measure.SURVIVAL


def series_of(shown: Shown, part: Part) -> Iterator[Series]:
    """The curves of one analysis, by cause and group; none where it is withheld as a whole."""
    match part.result:
        case KaplanMeierResult(groups=groups):
            for group in groups:
                label = _label(shown, part, group.level)
                yield Series(label, label, group)
        case CumulativeIncidenceResult() as result:
            yield from _by_cause(shown, part, result)


def _by_cause(shown: Shown, part: Part, result: CumulativeIncidenceResult) -> Iterator[Series]:
    # One colour a group and other dashes for each curve, so that grey tells them apart; the cause's colour where there is one group.
    n_groups = len(result.groups)
    for rank, cause in enumerate(result.causes):
        named = sentence_case(cause)
        for index, group in enumerate(result.groups):
            label = _label(shown, part, group.level)
            own = f"{named}, {label}" if group.level else named
            own_style = Style(rank if n_groups < 2 else index, rank * n_groups + index)
            style = own_style if len(shown.parts) == 1 else None
            yield Series(own, label, curve_of_cause(group, cause), style, cause)


def _label(shown: Shown, part: Part, level: Mapping[str, str]) -> str:
    """What a reader calls a group, after its endpoint or analysis where a display has several."""
    words = shown.words
    endpoint = part.spec.endpoint_name() or ""
    endpoints = {other.spec.endpoint_name() for other in shown.parts}
    several = len(shown.parts) > 1
    own = words.short_endpoint(endpoint)
    if several and len(endpoints) < len(shown.parts):
        own = words.title(part.spec)
    if not level:
        return own if several else words.short_endpoint(endpoint)
    return f"{own}, {words.group(level)}" if several else words.group(level)
