"""Sample sizes equal R's to 1e-9, and the command says them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from riskset_common.errors import InputError
from riskset_server.commands.riskset import app
from riskset_server.design.assumptions import Assumptions, event_probability
from riskset_server.design.log_rank_size import (
    events_among,
    freedman_events,
    freedman_power,
    lachin_foulkes_patients,
    patients_for,
    schoenfeld_events,
    schoenfeld_power,
)
from riskset_server.design.power import assumed, powers, sizes
from riskset_server.design.proportions import proportions_patients, proportions_power

HERE = Path(__file__).with_name("power.json")
BESIDE = Path(__file__).parents[3].parent / "shared" / "reference" / "ref" / "power.json"
REFERENCES = [path for path in (HERE, BESIDE) if path.exists()]
PLAIN = Assumptions(0.41, 0.57, 3)


def near(expected: float):
    return pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.fixture(params=REFERENCES, ids=lambda path: path.parent.name)
def r(request: Any) -> Any:
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_events_and_patients_of_the_trial_are_rs(r):
    events = {"schoenfeld": schoenfeld_events(PLAIN), "freedman": freedman_events(PLAIN)}

    assert near(r["inputs"]["hr"]) == PLAIN.hazard_ratio
    assert r["inputs"]["hazard"] == [near(hazard) for hazard in PLAIN.hazards]
    for name, found in events.items():
        assert near(r["events"][name]) == found
        assert near(r["N_all_followed_3y"][name]) == patients_for(found, PLAIN)


def test_accrual_and_follow_up_are_rs(r):
    assert 24 == len(r["accrual_grid"])
    for row in r["accrual_grid"]:
        plan = Assumptions(0.41, 0.57, 3, accrual=row["R"], follow_up=row["F"])

        assert near(row["schoenfeld"]) == patients_for(schoenfeld_events(plan), plan)
        assert near(row["freedman"]) == patients_for(freedman_events(plan), plan)
        assert near(row["lachin_foulkes"]) == lachin_foulkes_patients(plan)


def test_loss_is_rs(r):
    def plan(loss: float) -> Assumptions:
        return Assumptions(0.41, 0.57, 3, loss=loss)

    found = r["with_loss"]

    assert near(found["freedman_5pct"]) == patients_for(freedman_events(PLAIN), plan(0.05))
    assert near(found["freedman_7pct"]) == patients_for(freedman_events(PLAIN), plan(0.07))
    assert near(found["schoenfeld_10pct"]) == patients_for(schoenfeld_events(PLAIN), plan(0.1))
    assert near(found["proportions_5pct"]) == proportions_patients(plan(0.05)).pooled


def test_two_proportions_are_rs(r):
    found, expected = proportions_patients(PLAIN), r["N_two_proportions_at_3y"]
    for name in ("pooled", "continuity", "unpooled", "arcsine"):
        assert near(expected[name]) == getattr(found, name)


@pytest.mark.parametrize("patients", [280, 300, 320])
def test_power_of_a_number_of_patients_is_rs(r, patients):
    expected = r[f"power_N{patients}"]
    events = events_among(patients, PLAIN)

    assert near(expected["events"]) == events
    assert near(expected["schoenfeld"]) == schoenfeld_power(events, PLAIN)
    assert near(expected["freedman"]) == freedman_power(events, PLAIN)
    assert near(expected["prop_test"]) == proportions_power(patients, PLAIN)


proportion = st.floats(0.05, 0.95)


@given(
    control=proportion,
    experimental=proportion,
    power=st.floats(0.5, 0.99),
    allocation=st.floats(0.2, 5),
    accrual=st.floats(0, 10),
)
def test_the_events_of_a_design_have_its_power(control, experimental, power, allocation, accrual):
    if abs(control - experimental) < 0.01:
        return
    plan = Assumptions(
        control,
        experimental,
        3,
        power=power,
        two_sided=False,
        allocation=allocation,
        accrual=accrual,
    )

    assert power == pytest.approx(schoenfeld_power(schoenfeld_events(plan), plan))
    assert power == pytest.approx(freedman_power(freedman_events(plan), plan))
    assert 5.0 == pytest.approx(events_among(patients_for(5.0, plan), plan))


@given(hazard=st.floats(0.001, 5), follow_up=st.floats(0, 10))
def test_a_short_accrual_is_none(hazard, follow_up):
    assert event_probability(hazard, 0, follow_up) == pytest.approx(
        event_probability(hazard, 1e-9, follow_up), abs=1e-8
    )


def test_an_accrual_too_short_for_a_product_is_none():
    assert event_probability(0.5, 0, 3) == event_probability(0.5, 5e-324, 3)


def test_half_the_patients_in_the_smaller_arm_cost_events():
    assert schoenfeld_events(Assumptions(0.4, 0.5, 1, allocation=2)) == pytest.approx(
        schoenfeld_events(Assumptions(0.4, 0.5, 1)) * 9 / 8
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"control": 1.2}, "control is a proportion between 0 and 1, but is 1.2"),
        ({"experimental": 0.0}, "experimental is a proportion"),
        ({"experimental": 0.41}, "a difference that is not there"),
        ({"at": 0.0}, "at must be above 0"),
        ({"follow_up": 0.0}, "follow-up must be above 0"),
        ({"accrual": -1.0}, "accrual must be 0 or more"),
        ({"loss": 1.0}, "loss is a proportion"),
        ({"allocation": float("inf")}, "allocation must be above 0"),
        ({"alpha": 0.0}, "alpha is a proportion"),
        ({"power": 1.0}, "power is a proportion"),
    ],
)
def test_assumptions_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        Assumptions(**{"control": 0.41, "experimental": 0.57, "at": 3.0, **changes})


def test_the_difference_is_given_one_way():
    assert assumed(0.41, None, 0.5, 3).hazard_ratio == pytest.approx(0.5)
    for gain, ratio in ((None, None), (0.1, 0.5)):
        with pytest.raises(InputError, match="either as --gain or as --hazard-ratio"):
            assumed(0.41, gain, ratio, 3)
    with pytest.raises(InputError, match="A hazard ratio must be above 0"):
        assumed(0.41, None, -1, 3)
    with pytest.raises(InputError, match="control is a proportion"):
        assumed(-1, None, 0.5, 3)


def test_proportions_are_compared_only_where_all_are_followed_to_that_time():
    later = Assumptions(0.41, 0.57, 3, accrual=2)

    assert sizes(PLAIN)["two_proportions"] is not None
    assert sizes(later)["two_proportions"] is None
    assert "two_proportions" in powers(PLAIN, 300)["power"]
    assert "two_proportions" not in powers(later, 300)["power"]
    with pytest.raises(InputError, match="patients in both arms"):
        powers(PLAIN, 1)


def run(*arguments: str):
    return CliRunner().invoke(
        app, ["power", "--control", "0.41", "--gain", "0.16", "--at", "3", *arguments]
    )


def test_the_command_says_the_events_of_the_trial():
    answer = run()

    assert 0 == answer.exit_code
    assert "148 (Schoenfeld), 153 (Freedman)" in answer.stdout
    assert "290 (Schoenfeld), 300 (Freedman)" in answer.stdout
    assert "two proportions" in answer.stdout


def test_the_command_says_it_unrounded_as_json():
    found = json.loads(run("--json").stdout)

    assert 147.535613068727 == pytest.approx(found["events"]["schoenfeld"])
    assert 3.0 == found["assumptions"]["follow_up"]


def test_accrual_loss_and_allocation_reach_the_answer():
    answer = run("--accrual", "5", "--follow-up", "0.5", "--loss", "0.05", "--allocation", "2")

    assert 0 == answer.exit_code
    assert "accrual over 5, then 0.5 of follow-up, 5% lost" in answer.stdout
    assert "2:1 experimental to control" in answer.stdout
    assert "two proportions" not in answer.stdout


def test_the_command_says_the_power_of_a_number_of_patients():
    answer = run("--patients", "320", "--one-sided")

    assert "320, with 163.2 events expected" in answer.stdout
    assert "power      90." in answer.stdout
    assert "one-sided" in answer.stdout


def test_a_wrong_assumption_ends_with_1_and_says_why():
    answer = run("--loss", "2")

    assert 1 == answer.exit_code
    assert "loss is a proportion" in answer.stderr
