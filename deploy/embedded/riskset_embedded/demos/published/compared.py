"""Each published figure beside the run's, and their difference in standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from riskset_common.formats.json_values import Json
from riskset_common.survival.arrays.distributions import normal_quantile
from riskset_embedded.demos.published.mapping import Figure, PaperMap
from riskset_embedded.demos.published.places import (
    NOT_RELEASED,
    NotShown,
    field_of,
    hazard,
    number,
    numbers,
    published_at,
    result_at,
)

Z = normal_quantile(0.975)


@dataclass(frozen=True)
class Compared:
    """One figure.

    Attributes
    ----------
    place
        Its place among the published figures.
    published, run
        Both as text; `run` is the disclosure rule where the run does not show it.
    difference
        Run minus published in standard errors; None where there is none, or nothing to compare.
    shown
        Whether the run shows it.
    """

    section: str
    place: str
    published: str
    run: str
    difference: float | None
    shown: bool


def compare(analyses: Mapping[str, object], published: Json, mapping: PaperMap) -> list[Compared]:
    """Every figure that is an estimate, in the order of the map. Raises `InputError` where an analysis is not there."""
    return [
        _compared(section.title, place, figure, published_at(published, place), analyses)
        for section in mapping.sections
        for place, figure in section.figures.items()
        if figure.kind != "none"
    ]


def _compared(
    section: str, place: str, figure: Figure, published: Json, analyses: Mapping[str, object]
) -> Compared:
    needed = list(_needed(figure, analyses))
    hidden = next((part for part in needed if isinstance(part, NotShown)), None)
    printed = _published_text(figure, published)
    if hidden is not None:
        return Compared(section, place, printed, hidden.rule, None, False)
    text, difference = _run(figure, published, [number(part) for part in needed])
    return Compared(section, place, printed, text, difference, True)


_FIELDS = {
    "survival": ("survival", "std_err"),
    "incidence": ("incidence", "std_err"),
    "hazard": ("hazard_ratio", "lower", "upper", "p_value", "coef"),
}


def _needed(figure: Figure, analyses: Mapping[str, object]) -> Iterator[object]:
    """The run's numbers that a comparison needs: the figure's own first, then what it is a part of."""
    found = result_at(analyses, figure.place)
    if isinstance(found, NotShown) or figure.kind not in _FIELDS:
        yield found
        if figure.of is not None:
            yield result_at(analyses, figure.of)
        return
    for name in _FIELDS[figure.kind]:
        value = field_of(found, name)
        yield NOT_RELEASED if value is None else value


def _run(figure: Figure, published: Json, parts: list[float]) -> tuple[str, float | None]:
    """The run's figure as text, and the difference."""
    if figure.kind in {"survival", "incidence"}:
        estimate, error = (100 * part for part in parts)
        of_paper = numbers(published)
        return f"{estimate:.1f} ({error:.1f})", _in_errors(estimate - of_paper[0], of_paper[1])
    if figure.kind == "hazard":
        ratio, lower, upper, p, coefficient = parts
        row = hazard(published)
        error = math.log(row.high / row.low) / (2 * Z)
        difference = _in_errors(coefficient - math.log(row.ratio), error)
        return f"{ratio:.2f} ({lower:.2f} to {upper:.2f}), P {_p(p)}", difference
    value = parts[0]
    if figure.kind == "p":
        return _p(value), None
    if figure.kind == "number" or figure.of is None:
        text = f"{value:,}" if isinstance(value, int) else f"{value:.1f}"
        return text, 0.0 if value == published else None
    share = number(published) / (100 if figure.kind == "percent" else parts[1])
    error = math.sqrt(max(share * (1 - share), 0.0) * parts[1])
    if figure.kind == "percent":
        apart = (value - number(published)) * parts[1] / 100
        return f"{value:.1f}", _in_errors(apart, error)
    return f"{value:,}", _in_errors(value - number(published), error)


def _in_errors(difference: float, error: float) -> float | None:
    if error > 0:
        return difference / error
    return 0.0 if difference == 0 else None


def _published_text(figure: Figure, published: Json) -> str:
    if figure.kind in {"survival", "incidence"}:
        estimate, error = numbers(published)
        return f"{estimate:.1f} ({error:.1f})"
    if figure.kind == "hazard":
        row = hazard(published)
        return f"{row.ratio:.2f} ({row.low:.2f} to {row.high:.2f}), P {_published_p(row.p)}"
    if figure.kind == "p":
        return _published_p(published if isinstance(published, str) else number(published))
    return f"{number(published):,}"


def _published_p(published: float | str) -> str:
    return (
        f"< {str(published)[1:]}"
        if isinstance(published, str)
        else f"{published:g}".removeprefix("0")
    )


def _p(value: float) -> str:
    if value < 0.001:
        return "< .001"
    return (f"{value:.4f}" if value < 0.01 else f"{value:.2f}").removeprefix("0")
