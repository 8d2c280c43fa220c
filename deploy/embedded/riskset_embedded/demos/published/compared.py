"""Each published figure beside the run's, and their difference in standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from riskset_common.survival.arrays.distributions import normal_quantile
from riskset_embedded.demos.published.mapping import Figure, PaperMap
from riskset_embedded.demos.published.places import NotShown, published_at, result_at, shown

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


def compare(
    analyses: Mapping[str, Any], published: Mapping[str, Any], mapping: PaperMap
) -> list[Compared]:
    """Every figure that is an estimate, in the order of the map. Raises `InputError` where an analysis is not there."""
    return [
        _compared(section.title, place, figure, published_at(published, place), analyses)
        for section in mapping.sections
        for place, figure in section.figures.items()
        if figure.kind != "none"
    ]


def _compared(
    section: str, place: str, figure: Figure, published: Any, analyses: Mapping[str, Any]
) -> Compared:
    found = result_at(analyses, figure.place)
    parts = list(_needed(figure, found, analyses))
    hidden = next((part for part in parts if isinstance(part, NotShown)), None)
    if hidden is not None:
        return Compared(
            section, place, _published_text(figure, published), hidden.rule, None, False
        )
    text, difference = _run(figure, published, found, parts)
    return Compared(section, place, _published_text(figure, published), text, difference, True)


_FIELDS = {
    "survival": ("survival", "std_err"),
    "incidence": ("incidence", "std_err"),
    "hazard": ("hazard_ratio", "lower", "upper", "p_value", "coef"),
}


def _needed(figure: Figure, found: Any, analyses: Mapping[str, Any]) -> Iterator[Any]:
    """The run's numbers that a comparison needs."""
    if isinstance(found, NotShown) or figure.kind not in _FIELDS:
        yield found
        if figure.of is not None:
            yield result_at(analyses, figure.of)
        return
    for name in _FIELDS[figure.kind]:
        value = shown(found.get(name))
        yield NotShown("not released") if value is None else value


def _run(figure: Figure, published: Any, found: Any, parts: list[Any]) -> tuple[str, float | None]:
    """The run's figure as text, and the difference."""
    if figure.kind in {"survival", "incidence"}:
        estimate, error = (100 * part for part in parts)
        return f"{estimate:.1f} ({error:.1f})", _in_errors(estimate - published[0], published[1])
    if figure.kind == "hazard":
        ratio, lower, upper, p, coefficient = parts
        low, high = published["ci95"]
        error = math.log(high / low) / (2 * Z)
        difference = _in_errors(coefficient - math.log(published["hr"]), error)
        return f"{ratio:.2f} ({lower:.2f} to {upper:.2f}), P {_p(p)}", difference
    if figure.kind == "p":
        return _p(found), None
    if figure.kind == "number" or figure.of is None:
        text = f"{found:.1f}" if isinstance(found, float) else f"{found:,}"
        return text, 0.0 if found == published else None
    share = published / (100 if figure.kind == "percent" else parts[1])
    error = math.sqrt(max(share * (1 - share), 0.0) * parts[1])
    if figure.kind == "percent":
        return f"{found:.1f}", _in_errors((found - published) * parts[1] / 100, error)
    return f"{found:,}", _in_errors(found - published, error)


def _in_errors(difference: float, error: float) -> float | None:
    if error > 0:
        return difference / error
    return 0.0 if difference == 0 else None


def _published_text(figure: Figure, published: Any) -> str:
    if figure.kind in {"survival", "incidence"}:
        return f"{published[0]:.1f} ({published[1]:.1f})"
    if figure.kind == "hazard":
        low, high = published["ci95"]
        return f"{published['hr']:.2f} ({low:.2f} to {high:.2f}), P {_published_p(published['p'])}"
    if figure.kind == "p":
        return _published_p(published)
    return f"{published:,}"


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
