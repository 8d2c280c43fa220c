"""A made-up trial: plan, codebook, patients drawn from a seed, and results by the plainest loops over patients."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskset_common.codebook import Codebook
from riskset_common.plan import Plan
from riskset_common.strict_yaml import parse_yaml

CODEBOOK = """
codebook: infant-all
version: 3
variables:
  date_diagnosis: {kind: date, label: Date of diagnosis, required: true}
  date_randomised: {kind: date, label: Date of random assignment}
  date_remission: {kind: date, label: Date of first complete remission}
  date_relapse: {kind: date, label: Date of first relapse}
  date_smn: {kind: date, label: Date of second malignant neoplasm}
  date_death: {kind: date, label: Date of death}
  date_last_contact: {kind: date, label: Date of last contact or death, required: true}
  sex: {kind: category, label: Sex, levels: {male: Male, female: Female}}
  age: {kind: number, label: Age at diagnosis, unit: months}
  kmt2a:
    kind: category
    label: KMT2A status
    levels: {germline: Germline, t_4_11: t(4;11), t_9_11: t(9;11), other: Other rearranged}
  cd10: {kind: category, label: Immunophenotype, levels: {"CD10+": "B-lineage: CD10+", "CD10-": "B-lineage: CD10-"}}
  risk_group: {kind: category, label: Risk group, levels: {LR: Low, MR: Medium, HR: High}, required: true}
  arm: {kind: category, label: Randomised arm, levels: {IB: IB, ADE_MAE: ADE+MAE}}
derived:
  age_6: {from: age, label: "Age at diagnosis, months", cut: {"< 6": [0, 6], ">= 6": [6, 13]}}
  region: {from: study_group, label: Study groups, groups: {original: [DCOG, AIEOP], other: [PINDA]}}
"""

PLAN = """
plan: infant-all-main
version: 1.0.0
title: Outcome of infants with acute lymphoblastic leukaemia
registered: {EudraCT: 2005-004599-19}
codebook: infant-all@3
purpose: Final analysis of the primary and secondary end points
data_cutoff: 2017-12-31
time: {unit: years, days_per_unit: 365.25, grid_days: 1}
conventions: sas
quorum: {sites: 2, of: 3}
populations:
  randomised: {label: Randomly assigned (intention to treat), where: {arm: [IB, ADE_MAE]}}
endpoints:
  EFS:
    label: Event-free survival
    origin: date_diagnosis
    first_of:
      relapse: {date: date_relapse}
      death_in_cr: {date: date_death, after: date_remission}
      second_malignancy: {date: date_smn}
    censor: date_last_contact
  OS: {label: Overall survival, origin: date_diagnosis, first_of: {death: {date: date_death}}, censor: date_last_contact}
  DFS:
    label: Disease-free survival
    origin: date_randomised
    first_of: {relapse: {date: date_relapse}, death_in_cr: {date: date_death}}
    censor: date_last_contact
analyses:
  - {id: followup, kind: follow_up, endpoint: OS}
  - {id: table1, kind: baseline, by: risk_group, rows: [sex, kmt2a], test: chi_square}
  - {id: events, kind: event_table, endpoint: EFS, by: risk_group}
  - {id: efs, kind: kaplan_meier, endpoint: EFS, at: [6]}
  - {id: os, kind: kaplan_meier, endpoint: OS, at: [6]}
  - {id: efs_risk, kind: kaplan_meier, endpoint: EFS, by: risk_group, at: [6], test: log_rank}
  - {id: efs_kmt2a, kind: kaplan_meier, endpoint: EFS, by: kmt2a, at: [3, 6], test: log_rank, planned: post_hoc}
  - {id: dfs_arm, kind: kaplan_meier, endpoint: DFS, population: randomised, by: arm, at: [3, 6], test: log_rank,
     strata: [sex], primary: true}
  - id: cox_all
    kind: cox
    endpoint: EFS
    terms:
      - {factor: kmt2a, reference: germline}
      - {factor: age_6, reference: ">= 6"}
      - {factor: cd10, reference: "CD10+"}
      - {factor: sex, reference: male}
      - {number: age}
  - id: cox_arm
    kind: cox
    endpoint: DFS
    population: randomised
    terms: [{factor: arm, reference: IB}, {factor: region, reference: original}]
    interaction: [[arm, region]]
    strata: [study_group]
    planned: post_hoc
"""

DISPLAYS = """
displays:
  - {table: Data Supplement 1, of: table1, title: Patient characteristics by risk group}
  - {table: Data Supplement 2, of: events}
  - {table: Data Supplement 3, of: [efs_risk, dfs_arm], title: Estimates}
  - {table: Data Supplement 4, of: followup}
  - {figure: Fig 2A, of: [efs, os], until: 10, every: 1, title: "EFS and OS, all patients"}
  - {figure: Fig 2B, of: efs_risk, until: 10}
  - {figure: Fig 3B, of: dfs_arm, until: 8, at_risk: [at_risk]}
  - {table: Table 1, of: cox_all}
  - {table: Table 2, of: cox_arm}
  - {figure: Fig S1, of: cox_all, as: forest}
"""


def study_codebook() -> Codebook:
    """The codebook of the made-up trial."""
    return Codebook.model_validate(parse_yaml(CODEBOOK, "codebook.yaml"))


def study_plan(extra: str = "", **changes: Any) -> Plan:
    """The plan of the made-up trial, with more YAML at its end and other values of its keys."""
    return Plan.model_validate(parse_yaml(PLAN + extra, "plan.yaml") | changes)


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
        "time": time,
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
        result["test"] = {
            "name": "log-rank",
            "strata": [],
            "statistic": 10.327,
            "df": len(groups) - 1,
            "p_value": p_value,
        }
    return result


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
        "tests": tests | {"terms": by_term},
        "warnings": [],
    } | changes


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

BASELINE = {
    "kind": "baseline",
    "n": 651,
    "missing": 0,
    "by": "risk_group",
    "columns": ["LR", "MR", "HR"],
    "column_n": [167, 320, 164],
    "rows": [
        {
            "variable": "sex",
            "level": "male",
            "counts": [75, 142, 76],
            "percent": [44.91, 44.38, 46.34],
            "total": 293,
            "total_percent": 45.01,
        },
        {
            "variable": "sex",
            "level": "female",
            "counts": [92, 178, 88],
            "percent": [55.09, 55.62, 53.66],
            "total": 358,
            "total_percent": 54.99,
        },
        {
            "variable": "kmt2a",
            "level": "germline",
            "counts": [167, 0, 0],
            "percent": [100.0, 0.0, 0.0],
            "total": 167,
            "total_percent": 25.97,
        },
        {
            "variable": "kmt2a",
            "level": "t_4_11",
            "counts": [0, 116, 94],
            "percent": [0.0, 37.18, 57.32],
            "total": 210,
            "total_percent": 32.66,
        },
        {
            "variable": "kmt2a",
            "level": "t_9_11",
            "counts": [0, 90, {"withheld": "minimum_cell"}],
            "percent": [0.0, 28.85, {"withheld": "minimum_cell"}],
            "total": 130,
            "total_percent": 20.22,
        },
        {
            "variable": "kmt2a",
            "level": "other",
            "counts": [0, 106, 30],
            "percent": [0.0, 33.97, 18.29],
            "total": 136,
            "total_percent": 21.15,
        },
    ],
    "missing_values": {
        "sex": {"counts": [0, 0, 0], "total": 0},
        "kmt2a": {"counts": [0, 8, 0], "total": 8},
    },
    "tests": {
        "sex": {"name": "chi-square", "statistic": 0.18, "df": 2, "p_value": 0.9146},
        "kmt2a": {"name": "chi-square", "statistic": 680.2, "df": 6, "p_value": 1e-40},
    },
    "warnings": [],
}

EVENTS = {
    "kind": "event_table",
    "endpoint": "EFS",
    "n": 651,
    "events": 294,
    "missing": 0,
    "by": "risk_group",
    "columns": ["LR", "MR", "HR"],
    "column_n": [167, 320, 164],
    "rows": [
        {
            "event": "relapse",
            "counts": [31, 128, 85],
            "percent": [18.56, 40.0, 51.83],
            "total": 244,
        },
        {
            "event": "death_in_cr",
            "counts": [9, 18, 19],
            "percent": [5.39, 5.62, 11.59],
            "total": 46,
        },
        {
            "event": "second_malignancy",
            "counts": [1, 2, 1],
            "percent": [0.6, 0.62, 0.61],
            "total": 4,
        },
    ],
    "censored": {
        "event": "censored",
        "counts": [126, 172, 59],
        "percent": [75.45, 53.75, 35.98],
        "total": 357,
    },
    "warnings": [],
}

FOLLOW_UP = {
    "kind": "follow_up",
    "endpoint": "OS",
    "method": "reverse_kaplan_meier",
    "n": 651,
    "events": 272,
    "missing": 0,
    "ci": "log-log",
    "level": 0.95,
    "median": 5.3,
    "lower": 5.1,
    "upper": None,
    "warnings": [],
}

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


def study_results(change: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """results.json of the made-up trial; `change` may alter it."""
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
    results = {
        "schema": 1,
        "plan": {"id": "infant-all-main", "version": "1.0.0", "sha256": "15c76858" * 8},
        "sites": ["aieop", "dcog", "pinda"],
        "rounds": 4,
        "analyses": analyses,
    }
    if change is not None:
        change(results)
    return results
