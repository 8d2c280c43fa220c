"""Write the site files of the synthetic cohort: python -m deploy.studies.interfant06.synthetic FOLDER."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.studies.interfant06.synthetic.parameters import read_parameters
from deploy.studies.interfant06.synthetic.study import SEED, STUDY, write_study

from riskset_embedded.demos.lung import study_folder


def main() -> None:
    """Write data/, nodes/ and pooled.csv into a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.studies.interfant06.synthetic",
        description="Write the files of the 18 study groups of the synthetic Interfant-06 cohort.",
    )
    parser.add_argument("folder", type=Path, help="folder for data/, nodes/ and pooled.csv")
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"which cohort; {SEED} when not said"
    )
    parser.add_argument(
        "--with-errors",
        action="store_true",
        help="plant errors for riskset-node data check to find",
    )
    given = parser.parse_args()
    parameters = read_parameters(study_folder(STUDY) / "parameters.json")
    write_study(given.folder, parameters, given.seed, errors=given.with_errors)


if __name__ == "__main__":
    main()
