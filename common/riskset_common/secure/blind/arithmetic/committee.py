"""The committee that holds shares: how many members, how many of them may put their shares together, and the constants that follow.

Member number i = 1..m holds the value at i of a polynomial of degree t whose value at 0 is the secret (Shamir 1979): any t shares are
uniformly random, any t + 1 give the secret. A product of two shares lies on a polynomial of degree 2t, so 2t + 1 members open it. With
more members than that the others' shares must lie on the same polynomial, which shows a wrong one.

For each set A of m - t members there is a key that its members alone hold (Cramer, Damgård and Ishai 2005). `f_A` is the polynomial of
degree t with f_A(0) = 1 that is 0 at every member outside of A.

References
----------
Shamir A (1979), Commun ACM 22:612. Cramer R, Damgård I, Ishai Y (2005), TCC, LNCS 3378:342, sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import lcm, prod

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.primitives.prime_field import P, lagrange

Subset = tuple[int, ...]

PRESETS = ((3, 1), (5, 2), (5, 1))
"""Members and threshold: the smallest; the one that withstands two members together; the one that notices a wrong share."""


@dataclass(frozen=True)
class Committee:
    """The sites that compute, in the order of their numbers, and the threshold t: so many of them together learn nothing.

    Members are counted 1..m in that order; `site_ids[i - 1]` is member i.
    """

    site_ids: tuple[int, ...]
    threshold: int

    def __post_init__(self) -> None:
        if (self.size, self.threshold) not in PRESETS:
            known = ", ".join(f"{size} with threshold {t}" for size, t in PRESETS)
            raise ProtocolRefusal(
                f"A committee of {self.size} with threshold {self.threshold} is not one that riskset computes with ({known})."
            )
        if list(self.site_ids) != sorted(set(self.site_ids)):
            raise ProtocolRefusal(
                "The committee must name each site once, in the order of the sites' numbers."
            )

    @property
    def size(self) -> int:
        """m, the number of members."""
        return len(self.site_ids)

    @property
    def members(self) -> range:
        """1..m."""
        return range(1, self.size + 1)

    def member(self, site_id: int) -> int:
        """The member's number of a site."""
        if site_id not in self.site_ids:
            raise ProtocolRefusal(f"Site number {site_id} is not in the committee.")
        return self.site_ids.index(site_id) + 1

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        """All sets A of m - t members, in lexicographic order."""
        return tuple(combinations(self.members, self.size - self.threshold))

    def subsets_of(self, member: int) -> tuple[Subset, ...]:
        """The sets that hold a member."""
        return tuple(subset for subset in self.subsets if member in subset)

    def indicator(self, subset: Subset, member: int) -> int:
        """f_A at a member of A: the product over j outside of A of (j - i)/j."""
        value = 1
        for j in self.members:
            if j not in subset:
                value = value * (j - member) * pow(j, -1, P) % P
        return value

    @cached_property
    def denominator(self) -> int:
        """The least whole number that makes every f_A at every member whole."""
        return lcm(*(prod(self._outside(subset)) for subset in self.subsets))

    def numerator(self, subset: Subset, member: int) -> int:
        """f_A at a member, times the denominator: a small whole number of either sign."""
        outside = self._outside(subset)
        return prod(j - member for j in outside) * (self.denominator // prod(outside))

    def _outside(self, subset: Subset) -> tuple[int, ...]:
        return tuple(member for member in self.members if member not in subset)

    @cached_property
    def opening(self) -> tuple[int, ...]:
        """Lagrange coefficients at 0 of members 1..2t+1: small whole numbers of either sign."""
        return tuple(map(_signed, lagrange(range(1, 2 * self.threshold + 2), 0)))

    @cached_property
    def checks(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """For each further member, the coefficients by which the first 2t + 1 shares foretell its share."""
        first = range(1, 2 * self.threshold + 2)
        return tuple(
            (j, tuple(map(_signed, lagrange(first, j)))) for j in self.members if j not in first
        )

    def to_bytes(self) -> bytes:
        """What is hashed of a committee."""
        return H(b"committee", u32(*self.site_ids), u32(self.threshold))


def _signed(value: int) -> int:
    """The whole number in (-p/2, p/2)."""
    return value - P if value > P // 2 else value


def subset_bytes(subset: Subset) -> bytes:
    """A set of members as bytes."""
    return u32(*subset)
