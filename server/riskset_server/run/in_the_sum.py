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
    needed = "; ".join(f"the sum would hold {text}" for text in _by_part(study, small))
    without = " ".join(analyses_to_leave_out(study, sites))
    return SitesLost(
        round_number,
        sorted(missing),
        needed,
        f"To do without, give this run up and run a plan that does not part the sites so: `riskset plan without PLAN {without}` writes it.",
    )


def _by_part(study: Study, small: Sequence[SmallPart]) -> list[str]:
    """One text a part, with all analyses that part it off."""
    joined: dict[tuple[str, ...], SmallPart] = {}
    for each in small:
        before = joined.get(each.part.names)
        analyses = each.analyses if before is None else (*before.analyses, *each.analyses)
        joined[each.part.names] = SmallPart(each.part, each.in_sum, each.variables, analyses)
    return [in_words(study, each) for each in joined.values()]
