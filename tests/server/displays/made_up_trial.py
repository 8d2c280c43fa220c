"""A made-up trial: plan, codebook, patients drawn from a seed, and results by the plainest loops over patients."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan

HERE = Path(__file__).parent
CODEBOOK, PLAN, DISPLAYS = (
    (HERE / f"made_up_{name}.yaml").read_text(encoding="utf-8")
    for name in ("codebook", "plan", "displays")
)


def study_codebook() -> Codebook:
    """The codebook of the made-up trial."""
    return Codebook.model_validate(parse_yaml(CODEBOOK, "codebook.yaml"))


def study_plan(extra: str = "", **changes: Any) -> Plan:
    """The plan of the made-up trial, with more YAML at its end and other values of its keys."""
    return ReleasePlan.model_validate(parse_yaml(PLAN + extra, "plan.yaml") | changes)


@dataclass(frozen=True)
class Patient:
    """Follow-up in days, whether it ended in an event, and the group."""

    days: int
    event: bool
    group: str = "all"


def cohort(
    n: int, hazard: float, seed: int, *, cured: float = 0.0, group: str = "all"
) -> list[Patient]:
    """Patients with a yearly hazard, of whom some never have the event; follow-up ends between 1 and 11 years."""
    draw = random.Random(seed)
    found = []
    for _ in range(n):
        end = draw.uniform(1, 11)
        event = math.inf if draw.random() < cured else draw.expovariate(hazard)
        found.append(Patient(math.ceil(365.25 * min(event, end)), event <= end, group))
    return found


def landmark(
    patients: Sequence[Patient], time: float, points: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """The curve at a time in years."""
    before = [point for point in points if point["time"] <= time]
    last = before[-1] if before else {"survival": 1.0, "std_err": 0.0, "lower": 1.0, "upper": 1.0}
    return {
        "time": float(time),
        "at_risk": sum(patient.days / 365.25 >= time for patient in patients),
        "events_to": sum(patient.event and patient.days / 365.25 <= time for patient in patients),
    } | {name: last[name] for name in ("survival", "std_err", "lower", "upper")}


def points_of(
    patients: Sequence[Patient], *, days_per_unit: float = 365.25
) -> list[dict[str, Any]]:
    """Kaplan-Meier by the definition, one point a day on which somebody leaves; log-log intervals."""
    survival, greenwood, found = 1.0, 0.0, []
    for day in sorted({patient.days for patient in patients}):
        at_risk = sum(patient.days >= day for patient in patients)
        events = sum(patient.event and patient.days == day for patient in patients)
        censored = sum(not patient.event and patient.days == day for patient in patients)
        survival *= 1 - events / at_risk
        greenwood += events / (at_risk * (at_risk - events)) if at_risk > events else math.inf
        point: dict[str, Any] = {"time": day / days_per_unit, "at_risk": at_risk}
        point |= {"events": events, "censored": censored, "survival": survival}
        point |= limits(survival, greenwood)
        found.append(point)
    return found


def limits(survival: float, greenwood: float) -> dict[str, float | None]:
    """Greenwood's standard error and log-log limits; undefined where survival is 1 or 0."""
    if survival in (0.0, 1.0):
        return {"std_err": 0.0 if survival == 1.0 else None, "lower": None, "upper": None}
    width = 1.959963984540054 * math.sqrt(greenwood) / math.log(survival)
    lower, upper = (survival ** math.exp(sign * width) for sign in (-1, 1))
    return {"std_err": survival * math.sqrt(greenwood), "lower": lower, "upper": upper}


def group_result(
    patients: Sequence[Patient],
    level: Mapping[str, str],
    at: Sequence[float],
    days_per_unit: float = 365.25,
) -> dict[str, Any]:
    """One group of a kaplan_meier result."""
    points = points_of(patients, days_per_unit=days_per_unit)
    reached = [point["time"] for point in points if point["survival"] <= 0.5]
    median = {"estimate": reached[0] if reached else None, "lower": None, "upper": None}
    if reached:
        median |= {"lower": reached[0] * 0.8}
    names = ("time", "at_risk", "events", "censored", "survival", "std_err", "lower", "upper")
    return {
        "level": dict(level),
        "n": len(patients),
        "events": sum(patient.event for patient in patients),
        "median": median,
        "quantiles": [{"p": 0.5, **median}],
        "at": [landmark(patients, time, points) for time in at],
        "curve": {name: [point[name] for point in points] for name in names},
    }


def kaplan_meier_result(
    groups: Mapping[str, Sequence[Patient]],
    by: str | None,
    at: Sequence[float],
    *,
    endpoint: str = "EFS",
    p_value: float | None = None,
    days_per_unit: float = 365.25,
) -> dict[str, Any]:
    """A kaplan_meier entry of results.json."""
    found = [
        group_result(patients, {by: level} if by else {}, at, days_per_unit)
        for level, patients in groups.items()
    ]
    result = {"kind": "kaplan_meier", "endpoint": endpoint, "ci": "log-log", "level": 0.95}
    result |= {
        "n": sum(group["n"] for group in found),
        "events": sum(group["events"] for group in found),
    }
    result |= {"missing": 0, "groups": found, "warnings": []}
    if p_value is not None:
        result["test"] = group_test(len(groups), p_value=p_value)
    return result


def group_test(n_groups: int, **changes: Any) -> dict[str, Any]:
    """A test between groups; its observed and expected events and their covariance are never shown."""
    return {
        "statistic": 10.327,
        "df": n_groups - 1,
        "p_value": 0.0013,
        "name": "log-rank",
        "strata": [],
        "observed": [1.0] * n_groups,
        "expected": [1.0] * n_groups,
        "covariance": [[0.0] * n_groups] * n_groups,
    } | changes


def cox_row(
    term: str, level: str | None, reference: str | None, coef: float, std_err: float
) -> dict[str, Any]:
    """One coefficient of a Cox model, with its interval and Wald P."""
    z = coef / std_err
    return {
        "term": term,
        "level": level,
        "reference": reference,
        "coef": coef,
        "std_err": std_err,
        "hazard_ratio": math.exp(coef),
        "lower": math.exp(coef - 1.959963984540054 * std_err),
        "upper": math.exp(coef + 1.959963984540054 * std_err),
        "z": z,
        "p_value": math.erfc(abs(z) / math.sqrt(2)),
        "aliased": False,
        "monotone": False,
    }


def cox_result(rows: Sequence[Mapping[str, Any]], **changes: Any) -> dict[str, Any]:
    """A cox entry of results.json."""
    tests = {
        name: {"statistic": 63.512, "df": len(rows), "p_value": 1e-9}
        for name in ("wald", "score", "likelihood_ratio")
    }
    by_term = {
        term: {"statistic": 24.0, "df": len(list(members)), "p_value": 2.3e-5}
        for term, members in itertools.groupby(row["term"] for row in rows)
    }
    return {
        "kind": "cox",
        "endpoint": "EFS",
        "n": 576,
        "events": 268,
        "missing": 75,
        "ties": "breslow",
        "strata": [],
        "level": 0.95,
        "iterations": 5,
        "convergence": "tight",
        "converged": True,
        "terms": [dict(row) for row in rows],
        "levels": [],
        "covariance": [[0.0] * len(rows)] * len(rows),
        "log_likelihood": {"null": -1000.0, "fitted": -968.244},
        "tests": tests | {"terms": by_term},
        "warnings": [],
    } | changes


def withheld_as_a_whole(kind: str) -> dict[str, Any]:
    """An entry of which nothing but its kind is shown."""
    rule = {"withheld": "minimum_cell 5"}
    return {"kind": kind, "warnings": [], "endpoint": rule, "n": rule, "events": rule}


COX_ALL = (
    cox_row("kmt2a", "t_4_11", "germline", 1.0043, 0.215),
    cox_row("kmt2a", "t_9_11", "germline", 0.8796, 0.22),
    cox_row("kmt2a", "other", "germline", 0.3, 0.25),
    cox_row("age_6", "< 6", ">= 6", 0.4511, 0.124),
    cox_row("cd10", "CD10-", "CD10+", 0.1655, 0.1365),
    cox_row("sex", "female", "male", 0.0488, 0.12),
    cox_row("age", None, None, -0.0513, 0.02),
)
COX_ARM = (
    cox_row("arm", "ADE_MAE", "IB", -0.1278, 0.146),
    cox_row("region", "other", "original", 0.31, 0.2),
    cox_row("arm:region", "ADE_MAE:other", "IB:original", -0.05, 0.3),
)

BASELINE, EVENTS, FOLLOW_UP = json.loads(
    (HERE / "made_up_tables.json").read_text(encoding="utf-8")
).values()

RISK_GROUPS = {
    "LR": cohort(167, 0.5, 1, cured=0.72),
    "MR": cohort(320, 0.6, 2, cured=0.4),
    "HR": cohort(164, 0.9, 3, cured=0.15),
}
EVERYBODY = [patient for patients in RISK_GROUPS.values() for patient in patients]
PARTNERS = {
    "germline": cohort(167, 0.5, 4, cured=0.74),
    "t_4_11": cohort(210, 0.8, 5, cured=0.3),
    "t_9_11": cohort(130, 0.6, 6, cured=0.4),
    "other": cohort(136, 0.6, 7, cured=0.38),
}
ARMS = {"IB": cohort(161, 0.6, 8, cured=0.33), "ADE_MAE": cohort(169, 0.5, 9, cured=0.34)}


def study_results() -> dict[str, Any]:
    """results.json of the made-up trial, a new copy for each test to alter."""
    return copy.deepcopy(_study_results())


@functools.cache
def _study_results() -> dict[str, Any]:
    efs_risk = kaplan_meier_result(RISK_GROUPS, "risk_group", [6], p_value=1e-12)
    dfs_arm = kaplan_meier_result(ARMS, "arm", [3, 6], endpoint="DFS", p_value=0.4703)
    dfs_arm["test"]["strata"] = ["sex"]
    analyses = {
        "followup": dict(FOLLOW_UP),
        "table1": dict(BASELINE),
        "events": dict(EVENTS),
        "efs": kaplan_meier_result({"all": EVERYBODY}, None, [6]),
        "os": kaplan_meier_result(
            {"all": cohort(651, 0.45, 10, cured=0.55)}, None, [6], endpoint="OS"
        ),
        "efs_risk": efs_risk,
        "efs_kmt2a": kaplan_meier_result(PARTNERS, "kmt2a", [3, 6], p_value=0.0018),
        "dfs_arm": dfs_arm,
        "cox_all": cox_result(COX_ALL),
        "cox_arm": cox_result(
            COX_ARM, endpoint="DFS", n=330, events=190, missing=0, strata=["study_group"]
        ),
    }
    return {
        "schema": 1,
        "plan": {"id": "infant-all-main", "version": "1.0.0", "sha256": "15c76858" * 8},
        "codebook": {"id": "infants@1", "sha256": "a0b1c2d3" * 8},
        "sites": ["aieop", "dcog", "pinda"],
        "lost_sites": [],
        "secure": {
            "profile": "recoverable",
            "minimum_sites": 3,
            "committee": ["aieop", "dcog", "pinda"],
            "threshold": 2,
            "blind": None,
        },
        "released_to": "coordinating centre",
        "rounds": 4,
        "analyses": analyses,
    }


FEW = {"withheld": "minimum_at_risk 10", "reason": "small"}
YEARS = tuple(float(year) for year in range(1, 11))
VALUES = ("survival", "std_err", "lower", "upper")


def as_released(result: Mapping[str, Any]) -> dict[str, Any]:
    """A kaplan_meier entry in the form in which `release: rounded` leaves it: points at whole years, small groups withheld."""
    return {**result, "groups": [_released_group(group) for group in result["groups"]]}


def _released_group(group: Mapping[str, Any]) -> dict[str, Any]:
    if group["n"] < 10:
        return {name: found if name == "level" else FEW for name, found in group.items()}
    times = sorted({*YEARS, *(found["time"] for found in group["at"])})
    found = [_known_at(group["curve"], group["n"], time) for time in times]
    at_risk = [point["at_risk"] for point in found]
    seen = [time for time, n in zip(times, at_risk, strict=True) if n != FEW and time in YEARS]
    points = {name: [point[name] for point in found] for name in found[0]}
    return {
        **group,
        "at": [{"time": each["time"], **_known_at(group["curve"], group["n"], each["time"])} for each in group["at"]],
        "curve": {"time": times, **points, "end": max(seen, default=None)},
        "numbers_at_risk": {"time": list(YEARS), "at_risk": [at_risk[times.index(year)] for year in YEARS]},
    }  # fmt: skip


def _known_at(curve: Mapping[str, Any], n: int, time: float) -> dict[str, Any]:
    """What is released of a curve at a time."""
    before = sum(each < time for each in curve["time"])
    upto = sum(each <= time for each in curve["time"])
    at_risk = curve["at_risk"][before] if before < len(curve["time"]) else 0
    if at_risk < 10:
        return dict.fromkeys(("at_risk", "events_to", *VALUES), FEW)
    values = {name: curve[name][upto - 1] for name in VALUES}
    for name in ("lower", "upper"):
        values[name] = None if values[name] is None else round(values[name], 2)
    rounded = min(n, 5 * round(at_risk / 5))
    return {"at_risk": rounded, "events_to": sum(curve["events"][:upto]), **values}
