"""What released curves say, as statements about counts of patients: of whom, until when, how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from riskset_common.release.cells import Cell, groups, patients_cell, unknown_cells
from riskset_common.release.followed import cohort_of
from riskset_common.results.composed import LandmarkResult, UnivariateResult
from riskset_common.results.curves import (
    CurvePoints,
    GroupCurve,
    KaplanMeierResult,
    KnownPoints,
    Landmark,
)
from riskset_common.results.incidence import (
    CauseIncidence,
    CumulativeIncidenceResult,
    GroupIncidence,
    IncidenceLandmark,
    IncidencePoints,
    KnownIncidence,
)
from riskset_common.results.shown import Shown, Withheld, WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study


@dataclass(frozen=True)
class Counted:
    """Events of some kinds up to a time, the time included."""

    kinds: tuple[str, ...]
    time: float
    events: int


@dataclass(frozen=True)
class AtRisk:
    """Patients who are at risk at a time: at least and at most so many."""

    time: float
    least: int
    most: int


@dataclass(frozen=True)
class Row:
    """One group of a released analysis.

    Attributes
    ----------
    cell
        The patients who are followed.
    kinds
        Kinds of event that the analysis tells apart, or its one kind, or all.
    n, events
        Patients and events of these kinds; None where they are withheld.
    times
        The accepted times, ascending.
    counted, at_risk
        What is shown of them.
    """

    cell: Cell
    kinds: tuple[tuple[str, ...], ...]
    n: int | None
    events: tuple[int | None, ...]
    times: tuple[float, ...]
    counted: tuple[Counted, ...]
    at_risk: tuple[AtRisk, ...]


@dataclass(frozen=True)
class Rows:
    """The groups of an analysis, those of whom the group is not known last if there are groups; and all of them together."""

    analysis: str
    endpoint: str
    everybody: Cell
    rows: tuple[Row, ...]


def rows_of(study: Study, analysis: AnalysisSpec, result: ReleasedResult) -> Iterator[Rows]:
    """The curves of a released analysis, by group; none of an analysis without, or whose patients depend on a landmark."""
    match result:
        case KaplanMeierResult():
            yield _rows(study, analysis, result, analysis.grouped_by())
        case CumulativeIncidenceResult():
            yield _rows(study, analysis, result, analysis.grouped_by())
        case UnivariateResult():
            yield _rows(study, analysis, result.all_patients, ())
            for factor in result.factors:
                if not isinstance(factor.curves, WithheldAnalysis):
                    yield _rows(study, analysis, factor.curves, (factor.factor,))
        case LandmarkResult() | WithheldAnalysis():
            return


_Curve = Shown[CurvePoints | KnownPoints] | Shown[IncidencePoints | KnownIncidence]
_Part = tuple[tuple[str, ...], Shown[int], _Curve, Sequence[Landmark | IncidenceLandmark]]


def _rows(
    study: Study,
    analysis: AnalysisSpec,
    result: KaplanMeierResult | CumulativeIncidenceResult,
    by: Sequence[str],
) -> Rows:
    cohort = cohort_of(analysis)
    shown = {tuple(group.level.items()): group for group in result.groups}
    rows = []
    for levels in groups(study, by):
        group = shown.get(tuple((name, level) for name, (level,) in levels))
        cell = patients_cell(study, cohort, result.endpoint, levels)
        rows.append(
            _nobody(cell) if group is None else _row(study, analysis, result.endpoint, cell, group)
        )
    everybody = patients_cell(study, cohort, result.endpoint)
    if by:
        unknown, _ = unknown_cells(study, cohort, result.endpoint, by)
        rows.append(Row(unknown, ((),), None, (None,), (), (), ()))
    return Rows(analysis.id, result.endpoint, everybody, tuple(rows))


def _nobody(cell: Cell) -> Row:
    """A group that results do not list, because nobody is in it."""
    return Row(cell, ((),), 0, (0,), (), (), ())


def _row(
    study: Study,
    analysis: AnalysisSpec,
    endpoint: str,
    cell: Cell,
    group: GroupCurve | GroupIncidence,
) -> Row:
    parts = list(_parts(study, analysis, endpoint, group))
    counted: list[Counted] = []
    at_risk = list(_on_axis(group))
    for kinds, _, curve, at in parts:
        points = [*_of_points(curve), *((each.time, each.events_to, each.at_risk) for each in at)]
        counted += [
            Counted(kinds, time, events)
            for time, events, _ in points
            if not isinstance(events, Withheld)
        ]
        at_risk += [found for time, _, n in points for found in _at_risk(time, n, group.n)]
    accepted = {time for _, _, curve, _ in parts for time, *_ in _of_points(curve)}
    return Row(
        cell,
        tuple(kinds for kinds, *_ in parts) or (study.endpoint(endpoint).events,),
        _known(group.n),
        tuple(_known(events) for _, events, *_ in parts) or (_known(group.events),),
        tuple(sorted(accepted)),
        tuple(dict.fromkeys(counted)),
        tuple(dict.fromkeys(at_risk)),
    )


def _parts(
    study: Study, analysis: AnalysisSpec, endpoint: str, group: GroupCurve | GroupIncidence
) -> Iterator[_Part]:
    """The curves of a group: of each cause, or the one of survival."""
    if isinstance(group, GroupIncidence):
        causes: Mapping[str, CauseIncidence] = (
            {} if isinstance(group.causes, Withheld) else group.causes
        )
        yield from (((cause,), each.events, each.curve, each.at) for cause, each in causes.items())
        return
    cause = analysis.cause_name()
    kinds = study.endpoint(endpoint).events if cause is None else (cause,)
    yield kinds, group.events, group.curve, () if isinstance(group.at, Withheld) else group.at


def _on_axis(group: GroupCurve | GroupIncidence) -> Iterator[AtRisk]:
    if group.numbers_at_risk is None:
        return
    for time, n in zip(group.numbers_at_risk.time, group.numbers_at_risk.at_risk, strict=True):
        yield from _at_risk(float(time), n, group.n, of_axis=True)


def _of_points(curve: _Curve) -> Iterator[tuple[float, Shown[int], Shown[int]]]:
    if isinstance(curve, (KnownPoints, KnownIncidence)):
        yield from zip(curve.time, curve.events_to, curve.at_risk, strict=True)


def _known(count: Shown[int]) -> int | None:
    return None if isinstance(count, Withheld) else count


def _at_risk(
    time: float, shown: Shown[int], n: Shown[int], *, of_axis: bool = False
) -> Iterator[AtRisk]:
    """A multiple of 5 stands for two more and two less, the number of all patients for itself and two less.

    Where an axis has a mark there are few. Elsewhere a mark may only say that the curve has ended at the last time of the axis.
    """
    if isinstance(shown, Withheld):
        floor = shown.rule.rpartition(" ")[2]
        if of_axis and shown.reason == "small":
            yield AtRisk(time, 0, int(floor) - 1)
        return
    most = shown + 2 if isinstance(n, Withheld) else min(shown + 2, n)
    yield AtRisk(time, max(shown - 2, 0), most)
