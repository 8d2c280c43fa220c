"""The last look before results are written: whether all that is released, together, tells a number that must not be told.

The programs of a plan are made so that it never does; this is the test of it, on what was really opened.
"""

from __future__ import annotations

from collections.abc import Mapping

from riskset_common.errors import EstimationError
from riskset_common.release.facts import Facts
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.study import Study
from riskset_server.disclosure.told_by_curves import Events, told_by_curves


def require_nothing_told(study: Study, facts: Facts, results: Mapping[str, ReleasedResult]) -> None:
    """Raise `EstimationError` where the released curves of a plan, together, tell fewer than `minimum_cell` events of a group in a time.

    Numbers need not be whole for it: a run does not wait for the search through whole ones, which tests make.
    """
    found = [
        each.name
        for each in told_by_curves(study, facts.days, results, facts.patients, whole=False)
    ]
    if not found:
        return
    analyses = sorted({each.analysis for each in found if isinstance(each, Events)})
    raise EstimationError(
        f"The released curves together would tell {len(found)} numbers of events below minimum_cell "
        f"{study.plan.disclosure.minimum_cell}, in {', '.join(analyses)}. Nothing is published. "
        "Report this to the maintainers of riskset; leave one of these analyses out of the plan, and run it again."
    )
