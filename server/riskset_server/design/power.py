"""The answer of `riskset power`: events and patients of a design, or the power of a number of patients, as values and in words."""

from __future__ import annotations

import dataclasses
import math
from typing import TypedDict, Unpack

from riskset_common.errors import InputError
from riskset_server.design.assumptions import Assumptions
from riskset_server.design.log_rank_size import (
    events_among,
    freedman_events,
    freedman_power,
    lachin_foulkes_patients,
    patients_for,
    schoenfeld_events,
    schoenfeld_power,
)
from riskset_server.design.proportions import proportions_patients, proportions_power


class _Common(TypedDict):
    assumptions: dict[str, float | None]
    hazard_ratio: float
    event_probability: float


class Sizes(_Common):
    """Events and patients that a design needs, by the name of the formula; not rounded."""

    events: dict[str, float]
    patients: dict[str, float]
    two_proportions: dict[str, float] | None


class Powers(_Common):
    """Events among a number of patients, and the power by the name of the formula."""

    patients: int
    events: float
    power: dict[str, float]


class Further(TypedDict, total=False):
    """Assumptions that have a default; see `Assumptions`."""

    alpha: float
    power: float
    two_sided: bool
    allocation: float
    accrual: float
    follow_up: float | None
    loss: float


def assumed(
    control: float,
    gain: float | None,
    hazard_ratio: float | None,
    at: float,
    **more: Unpack[Further],
) -> Assumptions:
    """Assumptions with the difference given as a gain of the event-free proportion, or as a hazard ratio.

    Raises
    ------
    InputError
        Where both or neither is given, or a number is out of its range.
    """
    if (gain is None) == (hazard_ratio is None):
        raise InputError("Give the difference either as --gain or as --hazard-ratio.")
    if not 0 < control < 1:
        raise InputError(f"control is a proportion between 0 and 1, but is {control:g}.")
    if hazard_ratio is not None and not 0 < hazard_ratio < math.inf:
        raise InputError(f"A hazard ratio must be above 0, but is {hazard_ratio:g}.")
    experimental = control + gain if gain is not None else control ** (hazard_ratio or 1.0)
    return Assumptions(control, experimental, at, **more)


def sizes(plan: Assumptions) -> Sizes:
    """Events and patients that the design needs, not rounded; as JSON."""
    events = {"schoenfeld": schoenfeld_events(plan), "freedman": freedman_events(plan)}
    return {
        **_common(plan),
        "events": events,
        "patients": {
            **{name: patients_for(needed, plan) for name, needed in events.items()},
            "lachin_foulkes": lachin_foulkes_patients(plan),
        },
        "two_proportions": _two_proportions(plan),
    }


def powers(plan: Assumptions, patients: int) -> Powers:
    """Events and power of a number of patients; as JSON."""
    if patients < 2:
        raise InputError(f"A comparison needs patients in both arms, but there are {patients}.")
    events = events_among(patients, plan)
    power = {"schoenfeld": schoenfeld_power(events, plan), "freedman": freedman_power(events, plan)}
    if _is_plain(plan):
        power["two_proportions"] = proportions_power(patients, plan)
    common = _common(plan)
    common["assumptions"].pop("power")
    return {**common, "patients": patients, "events": events, "power": power}


def _common(plan: Assumptions) -> _Common:
    assumptions = dataclasses.asdict(plan) | {"follow_up": plan.observed}
    return {
        "assumptions": assumptions,
        "hazard_ratio": plan.hazard_ratio,
        "event_probability": plan.event_probability,
    }


def _is_plain(plan: Assumptions) -> bool:
    """Whether the comparison of proportions at `at` is one of the same patients."""
    return plan.allocation == 1 and plan.accrual == 0 and plan.observed == plan.at


def _two_proportions(plan: Assumptions) -> dict[str, float] | None:
    return dataclasses.asdict(proportions_patients(plan)) if _is_plain(plan) else None


def sizes_text(plan: Assumptions, needed: Sizes) -> str:
    """Events and patients for a person, rounded up; patients so that each arm is whole."""
    patients = {name: _whole_arms(number, plan) for name, number in needed["patients"].items()}
    events = {name: math.ceil(number) for name, number in needed["events"].items()}
    both = "{schoenfeld:,} (Schoenfeld), {freedman:,} (Freedman)"
    lines = [
        *_assumptions_text(plan),
        f"events     {both.format(**events)}",
        f"patients   {both.format(**patients)}, {patients['lachin_foulkes']:,} (Lachin and Foulkes)",
    ]
    proportions = needed["two_proportions"]
    if proportions is not None:
        pooled, corrected = (_whole_arms(proportions[name], plan) for name in _SHOWN)
        lines.append(
            f"           {pooled:,} for two proportions at {plan.at:g}, {corrected:,} with continuity correction"
        )
    return "\n".join(lines)


_SHOWN = ("pooled", "continuity")


def powers_text(plan: Assumptions, found: Powers) -> str:
    """The power of a number of patients for a person."""
    power = found["power"]
    return "\n".join(
        [
            *_assumptions_text(plan, sought=True),
            f"patients   {found['patients']:,}, with {found['events']:.1f} events expected",
            f"power      {100 * power['schoenfeld']:.1f}% (Schoenfeld), {100 * power['freedman']:.1f}% (Freedman)",
        ]
    )


def _assumptions_text(plan: Assumptions, *, sought: bool = False) -> list[str]:
    sides = "two-sided" if plan.two_sided else "one-sided"
    power = "" if sought else f", power {100 * plan.power:g}%"
    lost = f", {100 * plan.loss:g}% lost" if plan.loss else ""
    followed = (
        f"accrual over {plan.accrual:g}, then {plan.observed:g} of follow-up"
        if plan.accrual
        else f"all followed for {plan.observed:g}"
    )
    compared = f"{100 * plan.control:g}% against {100 * plan.experimental:g}% at {plan.at:g}"
    return [
        f"event-free {compared}: hazard ratio {plan.hazard_ratio:.4f}",
        f"test       log-rank, {sides} {plan.alpha:g}{power}, {plan.allocation:g}:1 experimental to control",
        f"followed   {followed}{lost}",
    ]


def _whole_arms(patients: float, plan: Assumptions) -> int:
    """Patients with each arm rounded up to a whole number."""
    arms = (patients * (1 - plan.share), patients * plan.share)
    # A sum that is whole but for its last digits is whole.
    return sum(math.ceil(round(arm, 9)) for arm in arms)
