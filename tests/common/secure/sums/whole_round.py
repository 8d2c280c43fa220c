"""A round from its reports to its opening, in one step."""

from __future__ import annotations

from collections.abc import Iterable

from riskset_common.consortium.roster import Roster
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import checked_by_site, open_checked
from riskset_common.secure.sums.setup import Setup
from riskset_common.wire.messages import Opening, Report, RoundRequest, UnmaskAnswer


def open_round(
    centre: Identity,
    setup: Setup,
    frozen: tuple[int, ...] | None,
    roster: Roster,
    request: RoundRequest,
    reports: Iterable[Report],
    answers: Iterable[UnmaskAnswer] = (),
) -> Opening:
    """Check the reports of a round, and add them up."""
    checked = checked_by_site(setup, frozen, roster, request, reports)
    return open_checked(centre, setup, frozen, roster, request, checked, answers)
