"""All that is opened in a run of a whole plan can be written down from its results and public facts: nobody sees more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.common.release.rounded import Computed, computed
from tests.study_folders import study_in_folder

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.release.blank import Blank, Unseen
from riskset_common.release.counted import Data
from riskset_common.release.curves.plan_times import implied_by_times, times_program
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Opened, in_the_open, run
from riskset_common.release.tables.verdicts import implied_by_verdicts
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.survival.arrays.calculator import InTheOpen
from riskset_embedded.demos.lung import study_folder


def simulated(of: Computed) -> dict[str, Opened]:
    """What must have been opened, by the name of each ask: from verdicts, released times and results, without a number of anybody."""
    work, facts, cells = of.work, of.facts, of.outcome.verdicts.cells
    blank: Data = {
        counted: {name: Blank(*each.shape) for name, each in counted.arrays(work.study).items()}
        for counted in of.data
    }
    open_given = Given(work.study, facts, of.data, InTheOpen(), cells)
    accepted = in_the_open(times_program(work.curves(facts), open_given))
    given = Given(work.study, facts, blank, Unseen(), cells, accepted)
    told = dict(implied_by_verdicts(work.cells, work.study, of.outcome.verdicts))
    told |= implied_by_times(work.curves(facts), replace(given, accepted={}), accepted)
    for spec in work.study.plan.analyses:
        result = of.outcome.analyses[spec.id]
        if isinstance(result, (ModelsWait, WithheldAnalysis)):
            continue
        implied = estimator_of(spec.kind).implied(spec, given, result)
        told |= {f"{spec.id}: {name}": values for name, values in implied.items()}
    return told


def without_models(name: str, smallest: int, fewest: int) -> Computed:
    """The analyses of a study that are no models: models open at their iterations what results of theirs hold."""
    study, sites = study_in_folder(
        study_folder(name), release="rounded", minimum_cell=smallest, minimum_at_risk=fewest
    )
    kinds = {"cox", "fine_gray", "heterogeneity"}
    kept = tuple(each for each in study.plan.analyses if each.kind not in kinds)
    plan = study.plan.model_copy(update={"analyses": kept, "displays": ()})
    return computed(replace(study, plan=plan), sites)


@pytest.mark.parametrize(
    ("name", "smallest", "fewest"),
    [("lung", 5, 10), pytest.param("interfant06", 5, 5, marks=pytest.mark.slow)],
)
def test_what_was_opened_follows_from_the_results(name: str, smallest: int, fewest: int) -> None:
    of = without_models(name, smallest, fewest)
    told = simulated(of)

    assert list(of.opened)
    assert set() == of.opened.keys() - told.keys()
    for ask, opened in of.opened.items():
        assert np.array_equal(opened, told[ask]), ask
    blank: Data = {
        counted: {each: Blank(*numbers.shape) for each, numbers in arrays.items()}
        for counted, arrays in of.data.items()
    }
    again = run(of.work.program(of.facts, blank, Unseen()), lambda ask: told[ask.name])
    assert repr(of.outcome.analyses) == repr(again.analyses)
