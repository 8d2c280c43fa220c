"""The study that comes with riskset, its parameters, and one drawn cohort."""

from __future__ import annotations

import pytest
from deploy.studies.interfant06.synthetic.cohort import draw_cohort
from deploy.studies.interfant06.synthetic.parameters import read_parameters
from deploy.studies.interfant06.synthetic.published import read_figures

from riskset_embedded.demos.lung import study_folder


@pytest.fixture(scope="session")
def study():
    return study_folder("interfant06")


@pytest.fixture(scope="session")
def parameters(study):
    return read_parameters(study / "parameters.json")


@pytest.fixture(scope="session")
def published(study):
    return read_figures(study / "published.json")


@pytest.fixture(scope="session")
def cohort(parameters):
    return draw_cohort(parameters, 1)
