"""A small trial, its patients as one pool, and that pool split into sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.formats.strict_yaml import parse_yaml
from riskset_common.planning.read import ReleasePlan
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import Codebook
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Site, Study

CODEBOOK = Codebook.model_validate(
    parse_yaml(
        """
codebook: small-trial
version: 1
variables:
  time: {kind: number, label: Time, unit: days}
  entry: {kind: number, label: Entry, unit: days}
  status: {kind: category, label: Status, levels: {alive: Alive, relapse: Relapse, dead: Dead}}
  arm: {kind: category, label: Arm, levels: {A: A, B: B, C: C}}
  sex: {kind: category, label: Sex, levels: {male: Male, female: Female}}
  hospital: {kind: category, label: Hospital, levels: {0: first, 1: second, 2: third, 3: fourth, 4: fifth}}
  one_level: {kind: category, label: Constant, levels: {same: Same}}
  age: {kind: number, label: Age, unit: years, range: [0, 100]}
  dose: {kind: number, label: Dose, unit: mg}
""",
        "codebook.yaml",
    )
)

PLAN = """
plan: small-trial
version: 1.0.0
codebook: small-trial@1
time: {unit: days}
conventions: r
populations:
  women: {label: Women, where: {sex: [female]}}
endpoints:
  EFS: {label: EFS, time: {variable: time}, status: {variable: status, events: {relapse: relapse, death: dead}}}
  LATE:
    label: EFS from entry
    time: {variable: time}
    status: {variable: status, events: {relapse: relapse, death: dead}}
    entry: {variable: entry}
analyses:
  - {id: n, kind: event_table, endpoint: EFS}
disclosure: {release: exact}
"""


def study_of(
    analysis: Mapping[str, Any], n_sites: int, *, groups: Sequence[str] = (), **changes: Any
) -> Study:
    """A study with this one analysis and so many sites; `changes` replace keys of the plan."""
    written = parse_yaml(PLAN, "plan.yaml") | {"analyses": [{"id": "asked", **analysis}]} | changes
    names = [f"site-{k}" for k in range(n_sites)]
    sites = tuple(map(Site, names, groups or names))
    return Study(ReleasePlan.model_validate(written), CODEBOOK, sites)


@dataclass(frozen=True, eq=False)
class Cohort:
    """All patients of the trial; every array has shape (n,). Codes as in `Patients`: -1 and NaN are missing."""

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    arm: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    dose: np.ndarray
    site: np.ndarray

    @property
    def n(self) -> int:
        return len(self.time)

    def with_values(self, **columns: Any) -> Cohort:
        """The same patients, with other values in some columns."""
        return replace(self, **{name: np.asarray(values) for name, values in columns.items()})

    def patients(self, study: Study) -> list[Patients]:
        """The patients of each site of a study; all of them, whatever their site, where it has one."""
        everyone = np.zeros(self.n, dtype=np.int64) if len(study.sites) == 1 else self.site
        return [self._at(everyone == k, k, study) for k in range(len(study.sites))]

    def _at(self, here: np.ndarray, k: int, study: Study) -> Patients:
        group = study.study_groups.index(study.sites[k].study_group)
        n = int(here.sum())
        return Patients(
            n=n,
            categories={
                "arm": self.arm[here],
                "sex": self.sex[here],
                "hospital": self.site[here],
                "one_level": np.zeros(n, dtype=np.int64),
                "site": np.full(n, k),
                "study_group": np.full(n, group),
            },
            numbers={"age": self.age[here], "dose": self.dose[here]},
            endpoints={
                "EFS": EndpointTimes(self.time[here], self.event[here]),
                "LATE": EndpointTimes(self.time[here], self.event[here], self.entry[here]),
            },
        )


@st.composite
def cohorts(draw: st.DrawFn, n_sites: int = 5) -> Cohort:
    """Up to 40 patients with many ties and missing values, at sites of any size, empty ones among them."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 9),
                st.integers(-1, 2),
                st.integers(0, 8),
                st.integers(-1, 2),
                st.integers(-1, 1),
                st.integers(0, n_sites - 1),
            ),
            max_size=40,
        )
    )
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    time, event, entry, arm, sex, site = table.T
    return Cohort(
        time=np.where(event < 0, -1, time),
        event=event,
        # Entry lies before the end; a few entries are missing.
        entry=np.where(entry == 8, -1, entry % np.maximum(time, 1)),
        arm=arm,
        sex=sex,
        age=time * 0.1,
        dose=arm * 1.0,
        site=site,
    )


def random_cohort(seed: int, n: int = 150, n_sites: int = 5) -> Cohort:
    """Patients enough for a model: hazards depend on arm, sex and age; a few values are missing."""
    rng = np.random.default_rng(seed)
    arm, sex = rng.integers(0, 3, n), rng.integers(0, 2, n)
    age = np.round(rng.normal(60, 10, n), 1)
    hazard = np.exp(0.4 * (arm == 1) - 0.3 * sex + 0.02 * (age - 60)) / 30
    time = np.minimum(np.ceil(rng.exponential(1 / hazard)), 60).astype(np.int64)
    event = np.where(time == 60, 0, rng.integers(0, 3, n))
    return Cohort(
        time=time,
        event=event,
        entry=np.floor(time * 0.6 * rng.random(n)).astype(np.int64),
        arm=np.where(rng.random(n) < 0.03, -1, arm),
        sex=sex,
        age=np.where(rng.random(n) < 0.03, np.nan, age),
        dose=np.round(rng.lognormal(3, 1, n), 2),
        site=rng.integers(0, n_sites, n),
    )


def uneven_cohort(seed: int) -> Cohort:
    """Sites as a trial has them: two usual ones, one without an event and without an arm, one of a single patient, one empty."""
    cohort = random_cohort(seed)
    site = np.where(cohort.site >= 3, 0, cohort.site)
    site[-1] = 3
    small = site == 2
    return cohort.with_values(
        site=site,
        event=np.where(small, 0, cohort.event),
        arm=np.where(small & (cohort.arm > 0), 0, cohort.arm),
    )


def censored(cohort: Cohort) -> Cohort:
    """The same patients without any event."""
    return cohort.with_values(event=np.minimum(cohort.event, 0))


def nobody() -> Cohort:
    """No patient at all."""
    none = np.zeros(0, dtype=np.int64)
    reals = np.zeros(0)
    return Cohort(none, none, none, none, none, reals, reals, none)


def all_tied() -> Cohort:
    """Everybody leaves at one time."""
    cohort = random_cohort(4, n=60)
    return cohort.with_values(time=np.full(60, 7), entry=np.zeros(60, dtype=np.int64))


def all_alike() -> Cohort:
    """No covariate differs, so that arms and sexes are empty, too."""
    cohort = random_cohort(5, n=60)
    same = np.zeros(60, dtype=np.int64)
    return cohort.with_values(arm=same, sex=same, age=np.full(60, 50.0), dose=np.full(60, 2.0))


def separated() -> Cohort:
    """One arm and one sex have all events, and whoever is older dies first."""
    cohort = random_cohort(6, n=80)
    event = np.where((cohort.arm == 1) & (cohort.sex == 0), cohort.event, 0)
    return cohort.with_values(event=event, age=90.0 - cohort.time)


def each_cohort() -> Mapping[str, Cohort]:
    """Cohorts that have broken estimators before."""
    return {
        "nobody": nobody(),
        "one patient": random_cohort(1, n=1),
        "uneven": uneven_cohort(2),
        "no event": censored(uneven_cohort(3)),
        "all tied": all_tied(),
        "all alike": all_alike(),
        "separated": separated(),
    }


def problems_of(spec: AnalysisSpec, study: Study) -> list[str]:
    """What the kind of an analysis says that it cannot do with the study."""
    return list(estimator_of(spec.kind).problems(spec, study))
