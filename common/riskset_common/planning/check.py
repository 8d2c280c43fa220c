"""Does the plan fit the codebook: every name, level and kind that an analysis uses, all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from riskset_common.errors import PlanError, did_you_mean
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.planning.committees import blind_analyses, rounded_problems, serving
from riskset_common.planning.single_sites import single_site_problems
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import (
    BUILT_IN,
    CategoryVariable,
    Codebook,
    Conditions,
    DateVariable,
    NumberVariable,
)
from riskset_common.study.plan import Endpoint, StatusColumn, TimeColumn
from riskset_common.study.study import Study
from riskset_common.study.time_grid import DAYS_PER_UNIT


def check_plan(study: Study, name: str = "plan") -> None:
    """Raise `PlanError` with every place where the plan does not fit the codebook; `name` begins each."""
    problems = list(_problems(study))
    if problems:
        raise PlanError("\n".join(f"{name}: {problem}" for problem in problems))


def check_joined(study: Study) -> None:
    """Raise `PlanError` where a plan that was checked for all invited sites cannot run with those of the study, which joined.

    A condition may name a site that did not join, or its study group: none of its patients are there.
    """
    problems = [
        *(
            problem
            for analysis in study.plan.analyses
            for problem in _within(
                f"analysis {analysis.id}", estimator_of(analysis.kind).problems(analysis, study)
            )
        ),
        *rounded_problems(study),
        *_committee_problems(study),
        *single_site_problems(study),
    ]
    if problems:
        raise PlanError("\n".join(f"plan: {problem}" for problem in problems))


def _problems(study: Study) -> Iterator[str]:
    plan, codebook = study.plan, study.codebook
    if plan.codebook != codebook.reference:
        yield f"codebook is {plan.codebook!r}, but the codebook file is {codebook.reference!r}. Use the file that the plan names."
    for key, population in plan.populations.items():
        yield from _within(f"populations.{key}", _condition_problems(study, population.where))
    for key, endpoint in plan.endpoints.items():
        yield from _within(f"endpoints.{key}", _endpoint_problems(study, endpoint))
    yield from _cutoff_problems(study)
    unknown = False
    for analysis in plan.analyses:
        problems = list(_analysis_problems(study, analysis))
        unknown = unknown or bool(problems)
        # What the kind itself checks assumes that the names exist.
        yield from _within(
            f"analysis {analysis.id}",
            problems or estimator_of(analysis.kind).problems(analysis, study),
        )
    if not unknown:
        yield from rounded_problems(study)
        yield from _committee_problems(study)
        yield from single_site_problems(study)


def _committee_problems(study: Study) -> Iterator[str]:
    """Say why there is nobody to compute on shares, where the sites are known."""
    blind = blind_analyses(study.plan, study.sites)
    if not blind or not study.sites:
        return
    try:
        serving(study, study.sites)
    except PlanError as error:
        yield f"{', '.join(blind)}: {error}"


def _within(where: str, problems: Iterable[str]) -> Iterator[str]:
    for problem in problems:
        yield f"{where}: {problem}"


def _categories(codebook: Codebook) -> list[str]:
    named = [
        key
        for key, variable in codebook.variables.items()
        if isinstance(variable, CategoryVariable)
    ]
    return [*named, *codebook.derived, *BUILT_IN]


def _of_kind(codebook: Codebook, kind: type[DateVariable | NumberVariable]) -> list[str]:
    return [key for key, variable in codebook.variables.items() if isinstance(variable, kind)]


def _name_problem(codebook: Codebook, name: str, wanted: str) -> Iterator[str]:
    """Say that a name is unknown, or known as something else than a category, number or date."""
    known = {
        "category": _categories(codebook),
        "number": _of_kind(codebook, NumberVariable),
        "date": _of_kind(codebook, DateVariable),
    }
    if name in known[wanted] or (wanted == "category" and codebook.with_day(name) is not None):
        return
    actual = next((kind for kind, names in known.items() if name in names), None)
    if actual is None:
        yield f"{name!r} is not in the codebook. {did_you_mean(name, known[wanted])}"
    elif (actual, wanted) == ("number", "category"):
        yield f"{name!r} is a number, but a category is needed here. Cut it into levels under derived in the codebook."
    else:
        yield f"{name!r} is a {actual}, but a {wanted} is needed here. {did_you_mean(name, known[wanted])}"


def _condition_problems(study: Study, where: Conditions) -> Iterator[str]:
    for name, levels in where.items():
        problems = list(_name_problem(study.codebook, name, "category"))
        yield from problems
        if not problems:
            yield from _within("where", _level_problems(study, name, levels))


def _event_problems(study: Study, where: Conditions) -> Iterator[str]:
    """The same of conditions under which an event or an exposure happened, of which how well its day is known says nothing."""
    yield from _condition_problems(study, where)
    for name in where:
        if study.codebook.with_day(name) is not None:
            yield (
                f"{name} says how well a day is known, and not whether something happened: what happened on a day of another level would "
                "count as if it had not. Write this condition in the population or in the analysis."
            )


def _level_problems(study: Study, name: str, levels: Iterable[str]) -> Iterator[str]:
    """Say which levels a category does not have; those of `site` and `study_group` are known when the sites are."""
    if name in BUILT_IN and not study.sites:
        return
    known = study.levels(name)
    for level in levels:
        if level not in known:
            yield f"{level!r} is not a level of {name}. {did_you_mean(level, known)}"


def _endpoint_problems(study: Study, endpoint: Endpoint) -> Iterator[str]:
    codebook = study.codebook
    if endpoint.horizon is not None and study.grid.steps_around(endpoint.horizon)[0] == 0:
        yield (
            f"horizon: {endpoint.horizon:g} {study.plan.time.unit} are less than one step of the time grid "
            f"({study.plan.time.grid_days:g} days). Write it in {study.plan.time.unit}."
        )
    if endpoint.time is not None and endpoint.status is not None:
        yield from _ready_made_problems(study, endpoint, endpoint.time, endpoint.status)
        return
    if (1 / study.grid.days_per_step).denominator != 1:
        yield (
            f"time.grid_days is {study.plan.time.grid_days:g}, but the endpoint is made of dates, and days lie between such steps. "
            "Write grid_days: 1."
        )
    dates = [
        endpoint.origin,
        endpoint.censor,
        endpoint.entry if isinstance(endpoint.entry, str) else None,
        *endpoint.censored_at,
    ]
    for name, event in (endpoint.first_of or {}).items():
        dates += [event.date, event.before, event.after]
        yield from _within(f"first_of.{name}", _event_problems(study, event.where))
    for date in dict.fromkeys(date for date in dates if date is not None):
        yield from _name_problem(codebook, date, "date")


def _ready_made_problems(
    study: Study, endpoint: Endpoint, time: TimeColumn, status: StatusColumn
) -> Iterator[str]:
    codebook = study.codebook
    if study.plan.censor_at_cutoff:
        yield (
            "censor_at_cutoff: a ready-made time has no dates, so nobody knows which of it lies after data_cutoff. Make the endpoint "
            "of dates, or leave censor_at_cutoff out and let the sites give times as they stood on that day."
        )
    entry = endpoint.entry
    for column in (time, *([entry] if isinstance(entry, TimeColumn) else [])):
        yield from _name_problem(codebook, column.variable, "number")
        yield from _unit_problems(study, column)
    problems = list(_name_problem(codebook, status.variable, "category"))
    yield from problems
    if not problems:
        named = (level for levels in status.events.values() for level in levels)
        yield from _within("status.events", _level_problems(study, status.variable, named))


def _unit_problems(study: Study, time: TimeColumn) -> Iterator[str]:
    """Say that nobody knows the unit of a ready-made time."""
    if time.unit is not None:
        return
    variable = study.codebook.variables.get(time.variable)
    unit = variable.unit if isinstance(variable, NumberVariable) else None
    if unit is not None and unit not in DAYS_PER_UNIT:
        yield (
            f"{time.variable} has the unit {unit!r} in the codebook, which is none of time. {did_you_mean(unit, DAYS_PER_UNIT)} "
            "Correct it in the codebook, or write the unit beside the variable at the endpoint."
        )


def _cutoff_problems(study: Study) -> Iterator[str]:
    """Say which derived variable takes a last contact for an event, which on the cut-off itself it is not."""
    last_contacts = study.plan.last_contacts if study.plan.censor_at_cutoff else ()
    for key, derived in study.codebook.derived.items():
        dates = {event.date for event in (derived.first_of or {}).values()}
        for name in sorted(dates & set(last_contacts)):
            yield (
                f"censor_at_cutoff: {name} is the last contact of an endpoint and an event of {key} (derived in the codebook). On the "
                "cut-off everybody seen later was seen, but this event had not happened to them. Give the event a date variable of its own."
            )


def _analysis_problems(study: Study, analysis: AnalysisSpec) -> Iterator[str]:
    plan, codebook = study.plan, study.codebook
    if analysis.population is not None and analysis.population not in plan.populations:
        yield f"population {analysis.population!r} is not defined. {did_you_mean(analysis.population, plan.populations)}"
    endpoint, uses = analysis.endpoint_name(), estimator_of(analysis.kind).uses(analysis)
    if endpoint is not None and endpoint not in plan.endpoints:
        yield f"endpoint {endpoint!r} is not defined. {did_you_mean(endpoint, plan.endpoints)}"
    else:
        yield from _cause_problems(study, analysis)
    yield from _condition_problems(study, analysis.where)
    for name in dict.fromkeys(uses.all_categories):
        yield from _name_problem(codebook, name, "category")
    for name in dict.fromkeys(uses.all_numbers):
        yield from _name_problem(codebook, name, "number")
    dates = _of_kind(codebook, DateVariable)
    from_dates = endpoint in plan.endpoints and plan.endpoints[endpoint].origin is not None
    for exposure in uses.times:
        yield from _within(f"exposure {exposure.variable}", _event_problems(study, exposure.where))
    for name in dict.fromkeys(exposure.variable for exposure in uses.times):
        is_number = name in _of_kind(codebook, NumberVariable)
        as_date = name in dates or (from_dates and not is_number)
        yield from _name_problem(codebook, name, "date" if as_date else "number")


def _cause_problems(study: Study, analysis: AnalysisSpec) -> Iterator[str]:
    endpoint = analysis.endpoint_name()
    known = study.plan.endpoints[endpoint].events if endpoint is not None else ()
    for name in dict.fromkeys(estimator_of(analysis.kind).uses(analysis).causes):
        if name not in known:
            yield f"cause {name!r} is not an event of {endpoint}. {did_you_mean(name, known)}"


def variables_read(study: Study) -> set[str]:
    """Variables of the codebook that the plan's analyses need a column for, those behind derived variables and endpoints too."""
    behind = frozenset().union(*(study.codebook.behind(name) for name in _named(study)))
    return set(behind) - set(BUILT_IN)


def days_asked(study: Study) -> set[str]:
    """Dates and numbers of which the plan's analyses read how well the day is known (`NAME.day`)."""
    asked = (study.codebook.with_day(name) for name in _named(study))
    return {name for name in asked if name is not None}


def days_counted(study: Study) -> set[str]:
    """Those of which an analysis counts it."""
    counted: set[str] = set()
    for analysis in study.plan.analyses:
        names = estimator_of(analysis.kind).uses(analysis).all_categories
        counted.update(about for name in names if (about := study.codebook.with_day(name)))
    return counted


def _named(study: Study) -> set[str]:
    """Every name of the codebook that the plan's analyses use."""
    plan = study.plan
    named: set[str] = set()
    for analysis in plan.analyses:
        uses = estimator_of(analysis.kind).uses(analysis)
        named.update(uses.all_categories, uses.all_numbers)
        for exposure in uses.times:
            named.update((exposure.variable, *exposure.where))
        named.update(analysis.where)
        if analysis.population is not None:
            named.update(plan.populations[analysis.population].where)
        endpoint = analysis.endpoint_name()
        if endpoint is not None:
            named.update(_endpoint_variables(plan.endpoints[endpoint]))
    return named


def _endpoint_variables(endpoint: Endpoint) -> set[str]:
    entry = (
        endpoint.entry
        if isinstance(endpoint.entry, str) or endpoint.entry is None
        else endpoint.entry.variable
    )
    named = {endpoint.origin, endpoint.censor, entry, *endpoint.censored_at}
    named |= {
        endpoint.time.variable if endpoint.time else None,
        endpoint.status.variable if endpoint.status else None,
    }
    for event in (endpoint.first_of or {}).values():
        named.update(event.variables)
    return {name for name in named if name is not None}
