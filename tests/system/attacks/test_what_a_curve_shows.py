"""Two attacks that read patients as long as sums were opened, and read nothing now: a plan about one patient, and days in released curves.

Under exact release, which opens sums, both still read what they read.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from tests.common.release.rounded import computation, released
from tests.runs import Change, finished_run, plan_with, policies_with

from riskset_common.planning.read import read_plan
from riskset_common.release.facts import DaySet, origin_of
from riskset_common.release.release_times import axis_times, release_grid
from riskset_common.results.as_json import as_json
from riskset_common.study.codebook import read_codebook
from riskset_common.study.patients import Patients
from riskset_common.study.plan import Disclosure
from riskset_common.study.study import Site, Study
from riskset_common.wire.blind_messages import BlindWave
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_common.wire.messages import read_message
from riskset_embedded.demos.lung import study_folder
from riskset_node.config import read_node
from riskset_node.records.preparing import prepare
from riskset_node.records.reading import read_records

FIVE_SITES = Path(__file__).parents[1] / "cases" / "figures" / "31-rounded-curve-flat-then-falls"
TWO_PATIENTS = ("P000", "P009")
"""Of one site: one with an event on day 4, one censored on day 217."""
ALONE = {"p": {"label": "P", "where": {"g": ["c"]}}}


def alone(patient: str) -> Change:
    """Put a patient into a group of one."""

    def change(folder: Path) -> None:
        path = folder / "codebook.yaml"
        codebook = yaml.safe_load(path.read_text(encoding="utf-8"))
        codebook["variables"]["g"]["levels"]["c"] = "Third"
        path.write_text(yaml.safe_dump(codebook, sort_keys=False), encoding="utf-8")
        data = folder / "data" / "aa.csv"
        rows = data.read_text(encoding="utf-8").splitlines()
        moved = [f"{row[:-1]}c" if row.startswith(f"{patient},") else row for row in rows]

        assert moved != rows
        data.write_text("\n".join(moved) + "\n", encoding="utf-8")

    return change


def run_about(patient: str, release: str) -> Path:
    """A finished run of a plan about a patient alone."""
    curve = {"id": "k", "kind": "kaplan_meier", "endpoint": "EFS", "population": "p", "at": [90]}
    plan = plan_with(
        populations=ALONE, analyses=[curve], displays=None, disclosure={"release": release}
    )
    return finished_run(FIVE_SITES, alone(patient), plan, policies_with(release=release))


def opened(run: Path) -> dict[int, bytes]:
    """What was opened of a computation on shares, wave by wave, as its members signed it."""
    waves: dict[int, bytes] = {}
    for path in sorted((run / "transcript").glob("*-blind-*/*.msg")):
        answer = read_message(path.read_bytes())
        if isinstance(answer, BlindAnswer):
            for letters in answer.letters().values():
                for letter in letters:
                    if isinstance(letter, BlindWave):
                        waves[letter.wave] = letter.body
    return waves


def test_of_a_plan_about_one_patient_nothing_is_opened_that_depends_on_the_patient() -> None:
    runs = [run_about(patient, "rounded") for patient in TWO_PATIENTS]
    one, other = (json.loads((run / "results.json").read_text("utf-8")) for run in runs)
    waves, others = map(opened, runs)

    assert len(waves) == one["secure"]["blind"]["openings"] > 0
    assert waves == others
    assert one["analyses"] == other["analyses"]
    assert {"withheld": "minimum_at_risk 10", "reason": "small"} == one["analyses"]["k"]["n"]
    assert not list((runs[0] / "transcript" / "openings").glob("round-002*"))


def test_sums_that_are_opened_tell_the_day_of_the_one_patient() -> None:
    exact = [
        json.loads((run_about(patient, "exact") / "results.json").read_text("utf-8"))["analyses"]
        for patient in TWO_PATIENTS
    ]

    assert [[4.0], [217.0]] == [each["k"]["groups"][0]["curve"]["time"] for each in exact]


def days(group: Mapping[str, Any]) -> set[float]:
    """The times that a curve prints: its own, quantiles and their limits."""
    shown = list(group["curve"]["time"])
    for quantile in group["quantiles"]:
        shown += [quantile[name] for name in ("estimate", "lower", "upper")]
    return {time for time in shown if isinstance(time, float)}


def curves(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The curves of an analysis that are shown."""
    groups = result["groups"] if isinstance(result["groups"], list) else []
    for group in groups:
        if "withheld" not in group["curve"]:
            yield group


def trial(release: str) -> tuple[Study, list[Patients]]:
    """The paper's curves and its patients at 18 sites, under floors of 5 and 10."""
    folder = study_folder("interfant06")
    plan = read_plan(folder / "plan.yaml")
    asked = [
        each.model_copy(update={"test": None, "pairwise": False, "where": {}})
        for each in plan.analyses
        if each.id in ("efs", "os", "efs_risk", "os_risk", "efs_region", "os_region", "dfs_arm")
    ]
    floors = Disclosure.model_validate({"release": release})
    plan = plan.model_copy(update={"analyses": tuple(asked), "displays": (), "disclosure": floors})
    codebook = read_codebook(folder / "codebook.yaml")
    configs = [read_node(path) for path in sorted((folder / "nodes").glob("*.yaml"))]
    study = Study(plan, codebook, tuple(Site(each.site, each.study_group) for each in configs))
    today = datetime.date(2026, 1, 1)
    return study, [
        prepare(read_records(each, codebook, today), each, study).patients for each in configs
    ]


def test_released_curves_print_no_time_that_was_not_public_before_a_patient_was_counted() -> None:
    study, sites = trial("rounded")
    _, facts = computation(study, sites)
    analyses = as_json(released(study, sites).analyses)
    printed: dict[str, set[float]] = {}
    public: dict[str, set[float]] = {}
    for spec in study.plan.analyses:
        endpoint = spec.endpoint_name() or ""
        days_of = facts.days[origin_of(study, endpoint)]
        public.setdefault(endpoint, set()).update(_public(study, spec, days_of))
        for group in curves(analyses[spec.id]):
            printed.setdefault(endpoint, set()).update(days(group))

    assert {"EFS", "OS", "DFS"} == set(printed)
    assert min(map(len, printed.values())) >= 5
    assert {name: set() for name in printed} == {
        name: {time for time in times - public[name] if not _is_round(time)}
        for name, times in printed.items()
    }


def _public(study: Study, spec: Any, days_of: DaySet) -> set[float]:
    return {*release_grid(study, days_of).time, *axis_times(study, spec, days_of).time}


def _is_round(time: float) -> bool:
    """Whether a quantile is one of the round numbers to which it is released, which no patient chooses."""
    return abs(time * 100 - round(time * 100)) < 1e-9
