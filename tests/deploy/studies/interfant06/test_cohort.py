"""Every cohort has the published counts and rules; its estimates are right, and lie where the published ones lie."""

from __future__ import annotations

import json
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from deploy.studies.interfant06.synthetic import margins
from deploy.studies.interfant06.synthetic.check import Checked, check_seeds, require_near, table
from deploy.studies.interfant06.synthetic.cohort import NO_DAY, draw_cohort
from deploy.studies.interfant06.synthetic.earlier import draw_earlier
from deploy.studies.interfant06.synthetic.figures import figures
from deploy.studies.interfant06.synthetic.observed import RELAPSE, observe, survival_at
from deploy.studies.interfant06.synthetic.parameters import Parameters, as_json, read_parameters
from deploy.studies.interfant06.synthetic.published import Figure

from riskset_common.errors import EstimationError, InputError

PAGE = Path(__file__).resolve().parents[4] / "docs" / "synthetic-cohort.md"
COUNTS = {
    "outcome.cr_n": 605,
    "outcome.induction_death_n": 24,
    "outcome.resistant_n": 22,
    "outcome.resistant_died_n": 19,
    "randomised.event_before": 41,
    "randomised.recruited_after_closure": 36,
    "randomised.eligible": 407,
    "randomised.not_randomised": 77,
    "cox_table1.n": 576,
    "cox_table2.n": 427,
    "characteristics.b_lineage_cd10_known_n": 568,
    "sct.hr_cr_n": 143,
}


@pytest.fixture(scope="module")
def found(parameters):
    """The figures of one cohort of each of three seeds."""
    return [
        figures([draw_cohort(parameters, seed)], [draw_earlier(parameters, seed)])
        for seed in (1, 2, 3)
    ]


def test_counts_that_the_paper_gives_hold_in_every_cohort(found):
    assert [COUNTS] * 3 == [{name: each[name] for name in COUNTS} for each in found]


def test_every_published_figure_is_computed(found, published):
    assert set() == set(published) - set(found[0])


def test_the_risk_group_follows_from_the_rule(cohort):
    infants = cohort.infants
    young, rearranged = infants.age_band < 2, infants.kmt2a == 1
    high = rearranged & young & ((infants.wbc >= 300) | (infants.blasts >= 1000))
    expected = np.where(infants.kmt2a == 0, margins.LR, np.where(high, margins.HR, margins.MR))

    assert expected.tolist() == infants.risk.tolist()
    assert (infants.age_days / 30.4375 < 6).tolist() == young.tolist()


def test_dates_come_in_the_order_of_the_disease(cohort):
    for earlier, later in (
        ("remission", "randomised"),
        ("randomised", "relapse"),
        ("remission", "transplanted"),
        ("transplanted", "relapse"),
        ("relapse", "death"),
        ("resistance", "death"),
    ):
        both = (cohort.days[earlier] != NO_DAY) & (cohort.days[later] != NO_DAY)

        assert (cohort.days[earlier][both] <= cohort.days[later][both]).all(), (earlier, later)
    for name, days in cohort.days.items():
        assert (days <= cohort.last_contact).all(), name


def test_arms_are_as_large_as_published_and_seven_changed(cohort):
    arm, received = cohort.course.arm, cohort.course.arm_received

    assert (169, 161) == ((arm == 1).sum(), (arm == 0).sum())
    assert 7 == ((arm == 1) & (received == 0)).sum()


def test_one_seed_draws_one_cohort_and_another_seed_another(parameters, cohort):
    again, other = draw_cohort(parameters, 1), draw_cohort(parameters, 2)

    assert (cohort.last_contact == again.last_contact).all()
    assert (cohort.last_contact != other.last_contact).any()


def test_estimates_are_those_of_lifelines(cohort, found):
    seen = observe([cohort])
    events = seen.event_free()
    kaplan_meier = lifelines.KaplanMeierFitter().fit(events.days, events.kind > 0)

    assert 100 * kaplan_meier.predict(6 * 365.25) == pytest.approx(survival_at(events, 6))
    arm = seen.traits["arm"] != -1
    disease = seen.disease_free("randomised").among(arm)
    frame = pd.DataFrame(
        {
            "days": np.maximum(disease.days, 0),
            "event": disease.kind > 0,
            "ade_mae": (seen.traits["arm"][arm] == 1).astype(float),
            "group": seen.traits["group"][arm],
        }
    )
    fit = lifelines.CoxPHFitter().fit(frame, "days", "event", strata=["group"])

    assert fit.params_["ade_mae"] == pytest.approx(
        found[0]["randomised.dfs_stratified_cox"], abs=1e-6
    )
    assert (seen.event_free().kind == RELAPSE).sum() == found[0]["outcome.relapse_n"]


def test_over_twenty_seeds_the_figures_lie_about_the_published_ones(parameters, published):
    checked = check_seeds(parameters, published, range(1, 21))

    require_near(checked)

    assert max(abs(each.difference) for each in checked) < 3
    assert len(published) == len(checked)
    # The page is made of these numbers.
    assert table(checked) in PAGE.read_text(encoding="utf-8")


def test_the_page_says_every_parameter_with_its_value(parameters):
    page = PAGE.read_text(encoding="utf-8")
    lacking = [
        name
        for name, value in as_json(parameters).items()
        if f"| `{name}` | {value:.2f} |" not in page
    ]

    assert [] == lacking


def test_a_cohort_that_is_far_from_the_published_one_is_refused():
    near = Checked(Figure("a", 10.0, 1.0), 11.0, 0.5)
    far = Checked(Figure("cox_b", 0.1, 1.0), 4.0, 0.5)

    require_near([near])
    with pytest.raises(EstimationError, match=r"cox_b: \+3\.90 SE\n50% of the figures"):
        require_near([near, far])
    assert "| a | 10.0 | 1.0 | 11.0 | 0.5 | +1.0 |" in table([near, far])


def test_parameters_with_another_name_are_refused(tmp_path):
    values = as_json(Parameters())
    values["log_relapse_2y"] = values.pop("female")
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps({"parameters": values}), encoding="utf-8")

    with pytest.raises(InputError, match=r"female, log_relapse_2y is missing or unknown"):
        read_parameters(path)
