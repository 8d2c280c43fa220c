"""Who must be in a sum before the centre has it opened: enough sites of each part, and enough to compute the blind models.

A site asks the same before it gives a share. So the centre asks first, and waits: nothing is refused, and nothing is spent.
"""

from __future__ import annotations

from collections.abc import Sequence

from riskset_common.errors import PlanError
from riskset_common.planning.committees import blind_analyses, candidates, serving
from riskset_common.planning.single_sites import (
    SmallPart,
    analyses_to_leave_out,
    by_part,
    in_words,
    small_parts,
)
from riskset_common.study.study import Site, Study
from riskset_server.run.replies import SitesLost


def require_in_sum(round_number: int, study: Study, sites: Sequence[Site]) -> None:
    """Raise `SitesLost` where these of the study's sites may not be added up without others, and name these."""
    small = small_parts(study, sites)
    if small:
        raise _of_parts(round_number, study, sites, small)
    if not blind_analyses(study.plan, study.sites):
        return
    try:
        serving(study, sites)
    except PlanError as error:
        here = {site.name for site in sites}
        missing = [name for name in candidates(study) if name not in here]
        raise SitesLost(round_number, missing, str(error).rstrip(".")) from None


def _of_parts(
    round_number: int, study: Study, sites: Sequence[Site], small: Sequence[SmallPart]
) -> SitesLost:
    missing = dict.fromkeys(name for each in small for name in each.missing)
    needed = "; ".join(f"the sum would hold {in_words(study, each)}" for each in by_part(small))
    return SitesLost(round_number, sorted(missing), needed, _without(study, sites))


def _without(study: Study, sites: Sequence[Site]) -> str:
    """What can be done without the sites that are lost."""
    left_out = analyses_to_leave_out(study, sites)
    if len(left_out) == len(study.plan.analyses):
        return "Nothing of the plan can do without them: every analysis parts the sites so."
    return (
        "To do without, give this run up and run a plan that does not part the sites so: "
        f"`riskset plan without PLAN {' '.join(left_out)}` writes it."
    )
