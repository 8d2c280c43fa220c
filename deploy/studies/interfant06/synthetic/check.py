"""Check the cohort against the published figures: the mean over seeds, in published standard errors.

python -m deploy.studies.interfant06.synthetic.check deploy/studies/interfant06 --seeds 20
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from deploy.studies.interfant06.synthetic.cohort import draw_cohort
from deploy.studies.interfant06.synthetic.earlier import draw_earlier
from deploy.studies.interfant06.synthetic.figures import figures
from deploy.studies.interfant06.synthetic.parameters import Parameters, read_parameters
from deploy.studies.interfant06.synthetic.published import Figure, read_figures

from riskset_common.errors import EstimationError

NEAR, FAR = 2.0, 3.0
"""Standard errors: 90 % of the figures must be this near, and none may be as far."""
SHARE_NEAR = 0.9


@dataclass(frozen=True)
class Checked:
    """One published figure, the mean over the seeds, and the standard deviation between them."""

    published: Figure
    mean: float
    between: float

    @property
    def difference(self) -> float:
        """Mean minus published, in published standard errors."""
        return (self.mean - self.published.estimate) / self.published.std_err


def check_seeds(
    parameters: Parameters, published: Mapping[str, Figure], seeds: Iterable[int]
) -> list[Checked]:
    """Draw a cohort for each seed, compute every figure from it alone, and set their mean beside the published figure."""
    runs = [
        figures([draw_cohort(parameters, seed)], [draw_earlier(parameters, seed)]) for seed in seeds
    ]
    checked = []
    for name, figure in published.items():
        values = np.array([run[name] for run in runs])
        checked.append(Checked(figure, float(values.mean()), float(values.std(ddof=1))))
    return checked


def require_near(checked: Sequence[Checked]) -> None:
    """Raise `EstimationError` where the cohort is not the published one: too few figures near, or one far."""
    far = [each for each in checked if abs(each.difference) > FAR]
    near = sum(abs(each.difference) <= NEAR for each in checked) / len(checked)
    if far or near < SHARE_NEAR:
        lines = [f"{each.published.name}: {each.difference:+.2f} SE" for each in far]
        lines.append(
            f"{near:.0%} of the figures lie within {NEAR:g} SE; {SHARE_NEAR:.0%} must, and none beyond {FAR:g}. "
            "Calibrate again: python -m deploy.studies.interfant06.synthetic.calibrate"
        )
        raise EstimationError("\n".join(lines))


def table(checked: Sequence[Checked]) -> str:
    """The comparison as a Markdown table, hazard ratios as such; the figures that are fixed counts in one line at the end."""
    lines = [
        "| figure | published | SE | mean | SD between seeds | difference in SE |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    fixed = [each.published.name for each in checked if each.between < 1e-9]
    for each in checked:
        figure = each.published
        if each.between < 1e-9:
            continue
        ratio = figure.name.startswith("cox_") or figure.name.endswith("_cox")
        estimate, mean = (
            (math.exp(figure.estimate), math.exp(each.mean))
            if ratio
            else (figure.estimate, each.mean)
        )
        name = f"{figure.name} (HR; SE and SD of its logarithm)" if ratio else figure.name
        digits = 2 if ratio else 1
        lines.append(
            f"| {name} | {estimate:.{digits}f} | {figure.std_err:.{digits}f} | {mean:.{digits}f} | "
            f"{each.between:.{digits}f} | {each.difference:+.1f} |"
        )
    return "\n".join([*lines, "", f"The same in every seed: {', '.join(fixed)}."])


def main() -> None:
    """Print the comparison for the parameters of a study folder; fail where the cohort is not the published one."""
    parser = argparse.ArgumentParser(
        description="Compare the synthetic cohort with published.json."
    )
    parser.add_argument("study", type=Path, help="folder with published.json and parameters.json")
    parser.add_argument("--seeds", type=int, default=20, help="how many cohorts; 20 when not said")
    given = parser.parse_args()
    checked = check_seeds(
        read_parameters(given.study / "parameters.json"),
        read_figures(given.study / "published.json"),
        range(1, given.seeds + 1),
    )
    print(table(checked))
    require_near(checked)


if __name__ == "__main__":
    main()
