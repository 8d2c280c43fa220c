"""Fit the parameters of the cohort to the published figures, and write them down.

    python -m deploy.studies.interfant06.synthetic.calibrate deploy/studies/interfant06

The sum of squares of (simulated - published) / published SE over all estimates is made small, together with the squares of the
parameters' distances from where they start, in units of `SPREAD`: figures that say nothing of a parameter leave it there. Simulated
estimates are those of many cohorts pooled; the same uniform numbers are drawn for all parameters, so that the sum of squares
changes with the parameters and not with chance. Nothing but published.json is read.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deploy.studies.interfant06.synthetic.cohort import draw_cohort
from deploy.studies.interfant06.synthetic.earlier import draw_earlier
from deploy.studies.interfant06.synthetic.figures import figures
from deploy.studies.interfant06.synthetic.parameters import Parameters, as_json
from deploy.studies.interfant06.synthetic.published import Figure, read_figures
from scipy.optimize import least_squares

from riskset_common.survival.arrays.shapes import FloatArray

SEEDS_FROM = 10_000
"""Seeds of the calibration begin here; the check of the cohort uses others."""
SPREAD = 1.5
STEP = 0.06
"""Step of the differences that stand for derivatives: large beside the jumps of a curve, small beside its bends."""
STAGES = ((12, 8), (60, 4))
"""Cohorts pooled, and steps taken with them."""


@dataclass(frozen=True)
class Objective:
    """What is made small: standardised differences of all figures, and distances of the parameters from their start."""

    published: Mapping[str, Figure]
    seeds: Sequence[int]
    start: FloatArray

    def residuals(self, values: FloatArray) -> FloatArray:
        """Differences in standard errors, then distances in units of `SPREAD`."""
        parameters = Parameters.of(values)
        estimates = figures(
            [draw_cohort(parameters, seed) for seed in self.seeds],
            [draw_earlier(parameters, seed) for seed in self.seeds],
        )
        differences = [
            (estimates[name] - figure.estimate) / figure.std_err
            for name, figure in self.published.items()
        ]
        return np.concatenate([differences, (values - self.start) / SPREAD])

    def jacobian(self, values: FloatArray) -> FloatArray:
        """Forward differences of the residuals, shape (n_residuals, n_parameters)."""
        here = self.residuals(values)
        steps = STEP * np.eye(values.size)
        return np.stack([(self.residuals(values + step) - here) / STEP for step in steps], axis=1)

    def value(self, values: FloatArray) -> float:
        """The sum of squares."""
        return float(np.sum(self.residuals(values) ** 2))


def calibrate(
    published: Mapping[str, Figure],
    stages: Sequence[tuple[int, int]] = STAGES,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Parameters, Objective]:
    """Fit in stages of growing precision (Gauss-Newton steps within a trust region); give the last stage's objective too."""
    start = np.array(list(as_json(Parameters()).values()))
    values = start
    for cohorts, steps in stages:
        seeds = range(SEEDS_FROM, SEEDS_FROM + cohorts)
        objective = Objective(published, seeds, start)
        began = time.monotonic()
        fit = least_squares(
            objective.residuals, values, objective.jacobian, method="trf", max_nfev=steps
        )
        values = fit.x
        say(
            f"{cohorts} cohorts: sum of squares {2 * fit.cost:.2f} after {fit.nfev} evaluations, "
            f"{time.monotonic() - began:.0f} s"
        )
    return Parameters(**as_json(Parameters.of(values))), objective


def record(parameters: Parameters, objective: Objective) -> dict[str, object]:
    """What parameters.json holds: the parameters, how they came about, and the sum of squares that they reach."""
    values = np.array(list(as_json(parameters).values()))
    return {
        "note": "Written by python -m deploy.studies.interfant06.synthetic.calibrate; docs/synthetic-cohort.md says what each parameter is.",
        "calibration": {
            "seeds": [objective.seeds[0], objective.seeds[-1]],
            "figures": len(objective.published),
            "sum_of_squares": round(objective.value(values), 6),
        },
        "parameters": as_json(parameters),
    }


def main() -> None:
    """Calibrate from published.json of a study folder, and write parameters.json beside it."""
    parser = argparse.ArgumentParser(description="Fit the synthetic cohort to published.json.")
    parser.add_argument("study", type=Path, help="folder with published.json")
    study: Path = parser.parse_args().study
    published = read_figures(study / "published.json")
    parameters, objective = calibrate(published, say=print)
    text = json.dumps(record(parameters, objective), indent=1) + "\n"
    (study / "parameters.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
