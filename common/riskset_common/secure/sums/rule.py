"""The rule of recovery: who may open what, as plan and roster fix it before anybody joins, worked out by every party for itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.strict_fields import Profile
from riskset_common.secure.sums.neighbours import degree_for

ALL_ON_THE_COMMITTEE_UP_TO = 50
"""Sites up to which all of them are the committee. Above that the plan names one; where it does not, the session is strict."""

SMALLEST_COMMITTEE = 3
SMALLEST_RECOVERABLE_SUM = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rule comes to for the sites that joined. A strict session has no committee and the threshold 0.

    Attributes
    ----------
    committee
        C, the members in order.
    threshold
        t, the members that must answer before a round can be opened.
    degree
        k, the peers with which each site masks.
    """

    committee: tuple[int, ...]
    threshold: int
    degree: int

    @property
    def profile(self) -> Profile:
        """Whether the round that fixes the set of sites can do without some of them."""
        return "recoverable" if self.committee else "strict"


@dataclass(frozen=True, slots=True)
class Rule:
    """What plan and roster say.

    Attributes
    ----------
    profile
        `strict` where no round may ever be opened without all sites that joined.
    committee
        The sites that may be on the committee, in order, whether or not they join.
    minimum_sites
        n_min: sites in a session, and in every sum.
    """

    profile: Profile
    committee: tuple[int, ...]
    minimum_sites: int

    @property
    def threshold(self) -> int:
        """``t = floor(2 m / 3) + 1`` of the m that may be members.

        Two openings of one round would need ``(t - c) + (t - c) <= m - c`` honest answers, c of the members conspiring. With
        ``2 t > m + c`` there are not so many, and members need not ask each other what they were asked.
        """
        return 2 * len(self.committee) // 3 + 1

    def terms(self, joined: Collection[int]) -> Terms:
        """Committee, threshold and degree for the sites that joined.

        A session is strict, whatever the plan prefers, where recovery could not come about: no site to spare above n_min, or too
        few of the committee. So are all sessions of up to five sites, unless their plan sets a lower minimum, and those of more than 50
        whose plan names no committee.
        """
        degree = degree_for(len(joined))
        members = tuple(site_id for site_id in self.committee if site_id in joined)
        to_spare = len(joined) > self.minimum_sites and len(members) >= self.threshold
        if self.profile == "strict" or not to_spare:
            return Terms((), 0, degree)
        return Terms(members, self.threshold, degree)


def rule_for(
    roster: Roster,
    *,
    profile: Profile = "recoverable",
    committee: Sequence[int] | None = None,
    minimum_sites: int | None = None,
) -> Rule:
    """The rule for the sites of a roster.

    Parameters
    ----------
    committee
        Site numbers that the plan names. When None, all of the roster, or nobody where that would be more than 50.
    minimum_sites
        n_min that the plan names; when None ``max(5, ceil(0.7 n))`` of the n sites of the roster, and all of them below five.
    """
    n_sites = len(roster.members)
    if minimum_sites is None:
        minimum_sites = min(n_sites, max(SMALLEST_RECOVERABLE_SUM, -(-7 * n_sites // 10)))
    if committee is None:
        everybody = [member.site_id for member in roster.members]
        committee = everybody if n_sites <= ALL_ON_THE_COMMITTEE_UP_TO else []
    elif len(set(committee)) < SMALLEST_COMMITTEE:
        raise ProtocolRefusal(
            f"A committee of {len(set(committee))} could open single reports. Name {SMALLEST_COMMITTEE} sites or more."
        )
    return Rule(
        profile,
        tuple(sorted(roster.member(site_id).site_id for site_id in set(committee))),
        minimum_sites,
    )
