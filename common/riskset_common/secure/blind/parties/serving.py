"""The serving committee: the first candidates among the participants, but for those whom more than half of all sites agreed to pass over.

It is fixed before any key is made, with the set of participants, and hashed into every set-up. So no centre chooses who computes: it can
ask that a candidate who does not answer is passed over, and each site signs that once for each place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import PREFIX, H, u32
from riskset_common.primitives.signing import Identity
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.parties.majority import agreed
from riskset_common.wire.blind_messages import BlindStrike


@dataclass(frozen=True)
class Candidates:
    """Who may serve, before the committee is fixed.

    Attributes
    ----------
    session
        SETUP_HASH of the session, 32 bytes.
    roster
        The sites' signing keys.
    participants
        The frozen set of sites, in order.
    order
        Site numbers of the candidates, in the order in which they are asked to serve.
    size, threshold
        Of the committee.
    """

    session: bytes
    roster: Roster
    participants: tuple[int, ...]
    order: tuple[int, ...]
    size: int
    threshold: int

    @cached_property
    def hash(self) -> bytes:
        """32 bytes over all of it."""
        return H(
            b"blind-candidates",
            self.session,
            self.roster.hash,
            u32(*self.participants),
            u32(*self.order),
            u32(self.size, self.threshold),
        )

    def statement(self, place: int, lost: int) -> bytes:
        """What a site signs to agree that a candidate is passed over."""
        return PREFIX + b"blind-passed-over" + H(self.hash, u32(place, lost))

    def pass_over(
        self, identity: Identity, site_id: int, before: Sequence[int], lost: int
    ) -> BlindStrike:
        """A site's word that one more candidate is passed over; `before` are those whom it agreed to already, in order.

        Raises
        ------
        ProtocolRefusal
            If it is the site itself, or is no candidate who would serve.
        """
        if lost == site_id or lost not in self.committee_without(before).site_ids:
            raise ProtocolRefusal(
                f"This site does not agree that {self.roster.name(lost)!r} is passed over in the committee: it is this site itself, or "
                "would not serve."
            )
        place = len(before)
        return BlindStrike(
            setup=self.hash,
            site_id=site_id,
            place=place,
            lost=lost,
            signature=identity.sign(self.statement(place, lost)),
        )

    def committee(self, strikes: Iterable[BlindStrike]) -> Committee:
        """Who serves, from the words of all sites on each candidate that is passed over, in their order.

        Raises
        ------
        ProtocolRefusal, SignatureRefusal
            If a candidate is passed over by too few sites, or too few candidates are left.
        """
        passed: list[int] = []
        for _, words in groupby(strikes, key=lambda strike: strike.place):
            about = (self.hash, len(passed))
            lost = agreed(list(words), self.roster, self.participants, about, self.statement)
            if lost not in self.committee_without(passed).site_ids:
                raise ProtocolRefusal(
                    f"Site {self.roster.name(lost)!r} is passed over in the committee, but would not serve."
                )
            passed.append(lost)
        return self.committee_without(passed)

    def committee_without(self, passed: Sequence[int]) -> Committee:
        """Who serves if these are passed over. Raises `ProtocolRefusal` where too few candidates are left."""
        left = [
            each for each in self.order if each in self.participants and each not in set(passed)
        ]
        if len(left) < self.size:
            raise ProtocolRefusal(
                f"{len(left)} candidates are left for the committee, and {self.size} serve. Name more candidates in secure.blind, or start "
                "again when those that were passed over answer."
            )
        return Committee(tuple(sorted(left[: self.size])), self.threshold)
