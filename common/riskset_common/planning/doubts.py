"""What a plan and its codebook may say and probably do not mean: told before anybody runs it, and never refused."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from riskset_common.errors import did_you_mean
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import BUILT_IN, Derived
from riskset_common.study.study import Study

_LONGEST_YEARS = 40
"""Years of follow-up that hardly any study has."""


def doubts(study: Study) -> Iterator[str]:
    """Say what is probably a slip: patients between two levels of a cut, times beyond any follow-up, two analyses with one title.

    Where the sites of the study are known, also levels of a derived variable that no site or study group has.
    """
    for name, derived in study.codebook.derived.items():
        yield from _gaps(name, derived)
        if study.sites:
            yield from _unknown_groups(study, name, derived)
    yield from _times(study)
    yield from _beyond_horizons(study)
    yield from _conditions_on_days(study)
    yield from _titles(study)


def _gaps(name: str, derived: Derived) -> Iterator[str]:
    bounds: Mapping[str, Sequence[float | datetime.date | None]] = (
        derived.cut or derived.period or {}
    )
    ordered = sorted(bounds.items(), key=lambda each: (each[1][0] is not None, each[1][0]))
    for (level, (_, high)), (following, (low, _)) in pairwise(ordered):
        if high != low:
            yield (
                f"codebook: derived.{name}: from {high} to {low}, between {level!r} and {following!r}, lies no level; patients there "
                "count as missing. The upper bound of a level is not part of it: write the lower bound of the next."
            )


def _unknown_groups(study: Study, name: str, derived: Derived) -> Iterator[str]:
    if derived.source not in BUILT_IN:
        return
    known = study.levels(derived.source)
    for level, members in (derived.groups or {}).items():
        for member in members:
            if member not in known:
                yield (
                    f"codebook: derived.{name}.groups.{level}: no site of the roster has the {derived.source} {member!r}. "
                    f"{did_you_mean(member, known)}"
                )


def _times(study: Study) -> Iterator[str]:
    time = study.plan.time
    for analysis in study.plan.analyses:
        for key, times in _times_asked(analysis):
            if list(times) != sorted(times):
                yield f"analysis {analysis.id}: {key} does not ascend. Write {sorted(times)}."
            for each in times:
                if float(time.days_in(time.unit)) * each > _LONGEST_YEARS * 366:
                    yield (
                        f"analysis {analysis.id}: {key}: {each:g} {time.unit} is longer than any follow-up. Write it in the plan's unit."
                    )


def _beyond_horizons(study: Study) -> Iterator[str]:
    """Times after the horizon of their endpoint, where nobody is followed and no event counts."""
    for analysis in study.plan.analyses:
        name = analysis.endpoint_name()
        horizon = None if name is None else study.endpoint(name).horizon
        if horizon is None:
            continue
        for key, times in _times_asked(analysis):
            late = ", ".join(f"{time:g}" for time in times if time > horizon)
            if late:
                yield (
                    f"analysis {analysis.id}: {key}: {late} lies beyond the horizon of endpoint {name} ({horizon:g} "
                    f"{study.plan.time.unit}), after which nothing is observed. Write a time until the horizon."
                )
        if analysis.kind == "landmark" and getattr(analysis, "at", 0) == horizon:
            yield (
                f"analysis {analysis.id}: at: {horizon:g} is the horizon of endpoint {name}, and no later event counts. Write "
                "an earlier landmark."
            )


def _times_asked(analysis: AnalysisSpec) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The keys of an analysis that hold times in the plan's unit, and what they hold."""
    for key in ("at", "horizons", "rmean", "baseline_hazard.at"):
        found: object = analysis
        for part in key.split("."):
            found = getattr(found, part, None)
        if isinstance(found, (int, float)):
            yield key, (found,)
        elif isinstance(found, tuple):
            yield key, found


def _conditions_on_days(study: Study) -> Iterator[str]:
    """Conditions on how well the day is known of something that does not happen to everybody: they leave out those to whom it did not."""
    plan, codebook = study.plan, study.codebook
    places = [(f"populations.{key}", each.where) for key, each in plan.populations.items()]
    places += [(f"analysis {each.id}", each.where) for each in plan.analyses]
    for place, where in places:
        for name in where:
            about = codebook.with_day(name)
            if about is not None and not codebook.variables[about].required:
                yield (
                    f"{place}: where: {name} also leaves out every patient without {about}, because they have no day. Ask it only of "
                    "what every patient has."
                )


def _titles(study: Study) -> Iterator[str]:
    titled: dict[str, list[str]] = {}
    for analysis in study.plan.analyses:
        if analysis.title is not None:
            titled.setdefault(analysis.title, []).append(analysis.id)
    for title, named in titled.items():
        if len(named) > 1:
            yield f"analyses {', '.join(named)} have one title, {title!r}. Give each its own, or readers cannot tell them apart."
