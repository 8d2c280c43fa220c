"""The committed parameters reach what is recorded of them, and the procedure that made them makes the same again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from deploy.studies.interfant06.synthetic.calibrate import (
    SEEDS_FROM,
    Objective,
    calibrate,
    record,
)
from deploy.studies.interfant06.synthetic.parameters import Parameters, as_json


def start_values():
    return np.array(list(as_json(Parameters()).values()))


def test_the_committed_parameters_reach_the_recorded_sum_of_squares(study, parameters, published):
    recorded = json.loads((study / "parameters.json").read_text(encoding="utf-8"))["calibration"]
    first, last = recorded["seeds"]
    objective = Objective(published, range(first, last + 1), start_values())
    reached = objective.value(np.array(list(as_json(parameters).values())))

    assert recorded["figures"] == len(published)
    assert recorded["sum_of_squares"] == pytest.approx(reached, rel=1e-3)
    assert reached < len(published)


def test_a_short_calibration_comes_nearer_and_says_how_near(published):
    before = Objective(published, (SEEDS_FROM,), start_values()).value(start_values())
    said: list[str] = []
    parameters, objective = calibrate(published, stages=((1, 4),), say=said.append)
    reached = objective.value(np.array(list(as_json(parameters).values())))
    written = record(parameters, objective)

    assert reached < 0.8 * before
    assert {
        "seeds": [SEEDS_FROM, SEEDS_FROM],
        "figures": len(published),
        "sum_of_squares": round(reached, 6),
    } == written["calibration"]
    assert as_json(parameters) == written["parameters"]
    assert said[0].startswith("1 cohorts: sum of squares ")
