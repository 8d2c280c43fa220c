"""The pairs of sites that share masks: all pairs or, in large sessions, each site with its neighbours on a ring ordered by hash.

On the ring (a circulant graph) a site has the k/2 sites before and the k/2 behind it as neighbours. Its place follows from
``H(SETUP_HASH, id)``, which nobody chooses. A site is hidden as long as one honest neighbour is in the sum with it, and a centre may
say which neighbours dropped out; `require_company` is why it cannot say so of all that are honest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32

COMPLETE_UP_TO = 200
"""Sites up to which everybody masks with everybody."""

SPARSE_DEGREE = 120
"""k above that: at 1,000 sites of which a third conspire, some site has fewer than 40 honest neighbours with P <= 1.5e-13."""


def degree_for(n_sites: int) -> int:
    """k, the number of peers with which each of `n_sites` sites masks."""
    return n_sites - 1 if n_sites <= COMPLETE_UP_TO else SPARSE_DEGREE


def company_for(degree: int) -> int:
    """k_min, the neighbours of a site that must be in a sum with it: a third of k."""
    return degree // 3


class Graph:
    """The pairs of a session that share a mask.

    Parameters
    ----------
    site_ids
        The sites of the session, in order.
    degree
        k: one less than there are sites, or an even number below that.
    setup
        SETUP_HASH, 32 bytes: orders the ring.
    """

    def __init__(self, site_ids: Sequence[int], degree: int, setup: bytes) -> None:
        self._site_ids = tuple(site_ids)
        self._degree = degree
        self._setup = setup
        self.is_complete = degree == len(self._site_ids) - 1

    def neighbours(self, site_id: int) -> tuple[int, ...]:
        """The peers of a site, in the order of their numbers."""
        if self.is_complete:
            return tuple(other for other in self._site_ids if other != site_id)
        place, half = self._places[site_id], self._degree // 2
        steps = (*range(-half, 0), *range(1, half + 1))
        return tuple(sorted(self._ring[(place + step) % len(self._ring)] for step in steps))

    def require_company(self, contributors: Collection[int]) -> None:
        """Raise unless every site in a sum over `contributors` has k_min of its neighbours in it.

        In a complete graph every other contributor is a neighbour, and the minimum of sites says how many that must be.
        """
        if self.is_complete:
            return
        present, needed = frozenset(contributors), company_for(self._degree)
        for site_id in contributors:
            company = len(present.intersection(self.neighbours(site_id)))
            if company < needed:
                raise ProtocolRefusal(
                    f"Only {company} of the {self._degree} peers of site number {site_id} would be in the sum with it, and {needed} must. "
                    "Wait for more sites; with fewer, those that are left could be conspiring."
                )

    @cached_property
    def _ring(self) -> tuple[int, ...]:
        return tuple(sorted(self._site_ids, key=lambda site_id: H(self._setup, u32(site_id))))

    @cached_property
    def _places(self) -> dict[int, int]:
        return {site_id: place for place, site_id in enumerate(self._ring)}
