"""What curves by group say of patients, events, those who left and those at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.server.disclosure.as_released import is_withheld
from tests.server.disclosure.puzzle import Puzzle, rounded_to, union

Json = Mapping[str, Any]
FEWEST = 10
"""`minimum_at_risk` of these studies: a number at risk that is withheld for it is smaller."""


def patients(puzzle: Puzzle, prefix: str, n: object, events: object) -> None:
    """Patients, with and without an event."""
    puzzle.count(f"{prefix} n", n)
    puzzle.count(f"{prefix} events", events)
    puzzle.adds_up(f"{prefix} n", [f"{prefix} events", f"{prefix} without"])


def _curves(
    puzzle: Puzzle, result: Json, prefix: str, at_risk: bool, times: Sequence[float]
) -> None:
    """Groups that add up, and each group's curve; `times` are those at which the groups are compared with all patients."""
    patients(puzzle, prefix, result["n"], result["events"])
    groups = result["groups"]
    if is_withheld(groups):
        return
    names = [_name(prefix, group) for group in groups]
    for name, group in zip(names, groups, strict=True):
        patients(puzzle, name, group["n"], group["events"])
        _curve(puzzle, name, group, at_risk, times)
    for what in ("n", "events", "without"):
        if groups:
            puzzle.adds_up(f"{prefix} {what}", [f"{name} {what}" for name in names])


def _name(prefix: str, group: Json) -> str:
    return f"{prefix} {'/'.join(group['level'].values())}"


def _landmarks(group: Json) -> list[Json]:
    return [] if is_withheld(group["at"]) else list(group["at"])


def _curve(puzzle: Puzzle, name: str, group: Json, at_risk: bool, times: Sequence[float]) -> None:
    """Events up to each time that is named anywhere, in their order; patients who left, and who are at risk."""
    blocks = {} if is_withheld(group["curve"]) else group["curve"]
    ends, landmarks = blocks.get("time", []), _landmarks(group)
    everywhere = union(ends, [at["time"] for at in landmarks], times)
    _in_order(puzzle, name, "events", everywhere)
    _in_order(puzzle, name, "without", everywhere)
    for at in landmarks:
        _landmark(puzzle, name, at)
    before: float | None = None
    for index, end in enumerate(ends):
        terms = _since(name, "events", end, before)
        puzzle.between(terms, blocks["events"][index], blocks["events"][index])
        left = blocks["censored"][index] + blocks.get("competing", [0] * len(ends))[index]
        if "competing" not in blocks:
            rounded_to(left, puzzle, _since(name, "without", end, before))
        before = end
    if at_risk:
        _at_risk(puzzle, name, group, everywhere)


def _in_order(puzzle: Puzzle, name: str, what: str, times: Sequence[float]) -> None:
    before = None
    for time in times:
        here = puzzle.count(f"{name} {what} to {time:g}")
        puzzle.at_least(f"{name} {what}", here)
        if before:
            puzzle.at_least(here, before)
        before = here


def _since(name: str, what: str, end: float, before: float | None) -> dict[str, int]:
    terms = {f"{name} {what} to {end:g}": 1}
    return terms if before is None else terms | {f"{name} {what} to {before:g}": -1}


def _landmark(puzzle: Puzzle, name: str, at: Json) -> None:
    """Events up to a time, and after it."""
    to = puzzle.count(f"{name} events to {at['time']:g}", at["events_to"])
    puzzle.adds_up(f"{name} events", [to, f"{name} events after {at['time']:g}"])


def _at_risk(puzzle: Puzzle, name: str, group: Json, times: Sequence[float]) -> None:
    """Those at risk at a time are all but those who left before it."""
    shown: dict[float, list[object]] = {}
    if not is_withheld(group["curve"]):
        for time, n in zip(group["curve"]["time"], group["curve"]["at_risk"], strict=True):
            shown.setdefault(time, []).append(n)
    for at in _landmarks(group):
        shown.setdefault(at["time"], []).append(at["at_risk"])
    for time, values in shown.items():
        here = puzzle.count(f"{name} at risk at {time:g}")
        earlier = [each for each in times if each < time]
        before = [f"{name} {what} before {time:g}" for what in ("events", "without")]
        puzzle.adds_up(f"{name} n", [here, *before])
        for what, count in zip(("events", "without"), before, strict=True):
            puzzle.at_least(f"{name} {what} to {time:g}", count)
            if earlier:
                puzzle.at_least(count, f"{name} {what} to {earlier[-1]:g}")
        for value in values:
            rounded_to(value, puzzle, {here: 1})
            if is_withheld(value) and str(value).startswith("{'withheld': 'minimum_at_risk"):
                puzzle.between({here: 1}, 0, FEWEST - 1)


def kaplan_meier(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    _curves(puzzle, result, "all", at_risk, [])
    for group in () if is_withheld(result["groups"]) else result["groups"]:
        if is_withheld(group["events"]) and not is_withheld(group["n"]):
            # A number that is withheld in a group that is shown is not zero, and neither is the rest.
            puzzle.count(f"{_name('all', group)} events", low=1)
            puzzle.count(f"{_name('all', group)} without", low=1)


def cumulative_incidence(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    patients(puzzle, "all", result["n"], result["events"])
    names = [_name("all", group) for group in result["groups"]]
    for name, group in zip(names, result["groups"], strict=True):
        patients(puzzle, name, group["n"], group["events"])
        causes = {} if is_withheld(group["causes"]) else group["causes"]
        of_cause = [f"{name} {cause} events" for cause in causes]
        puzzle.adds_up(f"{name} events", [*of_cause, f"{name} other events"])
        for cause, found in causes.items():
            its = f"{name} {cause}"
            low = 1 if is_withheld(found["events"]) else 0
            puzzle.count(f"{its} events", found["events"], low=low)
            puzzle.adds_up(f"{name} n", [f"{its} events", f"{its} without"])
            _curve(puzzle, its, {**found, "n": group["n"]}, False, [])
    for what in ("n", "events", "without"):
        puzzle.adds_up(f"all {what}", [f"{name} {what}" for name in names])


def univariate(puzzle: Puzzle, result: Json, at_risk: bool) -> None:
    """All patients, and by factor the groups and those in whom it is not known, also up to every time that is shown."""
    everyone = result["all_patients"]
    patients(puzzle, "all", result["n"], result["events"])
    all_times = [time for group in everyone["groups"] for time in _times(group)]
    own_times = {
        factor["factor"]: [
            time
            for group in (
                [] if is_withheld(factor["curves"]["groups"]) else factor["curves"]["groups"]
            )
            for time in _times(group)
        ]
        for factor in result["factors"]
    }
    everywhere = union(all_times, *own_times.values())
    if not everyone["groups"]:
        return
    _curves(puzzle, everyone, "all", at_risk, everywhere)
    [whole] = [_name("all", group) for group in everyone["groups"]]
    for factor in result["factors"]:
        prefix, curves = factor["factor"], factor["curves"]
        _curves(puzzle, curves, prefix, at_risk, everywhere)
        for what in ("n", "events", "without"):
            puzzle.adds_up(f"all {what}", [f"{prefix} {what}", f"{prefix} unknown {what}"])
        left_out(puzzle, f"{prefix} missing", curves["missing"])
        puzzle.adds_up(f"{prefix} missing", ["missing", f"{prefix} unknown n"])
        if not is_withheld(curves["groups"]):
            names = [_name(prefix, group) for group in curves["groups"]]
            for time in everywhere:
                of_all = [f"{name} events to {time:g}" for name in names]
                unknown = f"{prefix} unknown events to {time:g}"
                puzzle.at_least(f"{prefix} unknown events", puzzle.count(unknown))
                puzzle.adds_up(f"{whole} events to {time:g}", [*of_all, unknown])
            for at in everyone["groups"][0]["at"]:
                to, after = (
                    f"{prefix} unknown events {way} {at['time']:g}" for way in ("to", "after")
                )
                puzzle.adds_up(f"{prefix} unknown events", [to, after])
        if factor.get("model") is not None:
            _model_of_factor(puzzle, factor, prefix)


def _times(group: Json) -> list[float]:
    curve = [] if is_withheld(group["curve"]) else group["curve"]["time"]
    return union(curve, [at["time"] for at in _landmarks(group)])


def _model_of_factor(puzzle: Puzzle, factor: Json, prefix: str) -> None:
    """The same patients, by the same levels."""
    model = factor["model"]
    puzzle.count(f"{prefix} n", model["n"])
    puzzle.count(f"{prefix} events", model["events"])
    left_out(puzzle, f"{prefix} missing", model["missing"])
    for level in () if is_withheld(model["levels"]) else model["levels"]:
        puzzle.count(f"{prefix} {level['level']} n", level["n"])
        puzzle.count(f"{prefix} {level['level']} events", level["events"])


def left_out(puzzle: Puzzle, name: str, value: object) -> None:
    """A number by itself."""
    puzzle.count(name, value)
