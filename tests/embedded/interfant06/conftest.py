"""The study that comes with riskset, its parameters, and one drawn cohort."""

from __future__ import annotations

import pytest

from riskset_embedded.demo import study_folder
from riskset_embedded.interfant06.cohort import draw_cohort
from riskset_embedded.interfant06.parameters import read_parameters
from riskset_embedded.interfant06.published import read_figures


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
