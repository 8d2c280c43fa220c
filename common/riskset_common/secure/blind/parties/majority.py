"""Agreement of more than half of all sites that a member of the committee, or a candidate for it, is passed over.

Two such majorities have a site in common, and no honest site signs for two names in one place. So everybody passes over the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.signing import verify
from riskset_common.wire.blind_messages import BlindStrike


def agreed(
    strikes: Sequence[BlindStrike],
    roster: Roster,
    participants: Sequence[int],
    about: tuple[bytes, int],
    statement: Callable[[int, int], bytes],
) -> int:
    """The one who is passed over.

    Parameters
    ----------
    about
        Hash of what the sites signed for, and how many were passed over before.
    statement
        What a site signs, of place and number of the one who is passed over.

    Raises
    ------
    ProtocolRefusal, SignatureRefusal
        If too few sites signed, for different ones, for something else, or not with their own keys.
    """
    signers = {strike.site_id for strike in strikes} & set(participants)
    said = {(strike.setup, strike.place, strike.lost) for strike in strikes}
    if len(said) != 1 or len(signers) != len(strikes) or 2 * len(signers) <= len(participants):
        raise ProtocolRefusal(
            f"{len(signers)} of {len(participants)} sites agree that one site is passed over in the committee; more than half are needed."
        )
    ((setup, place, lost),) = said
    if (setup, place) != about:
        raise ProtocolRefusal(
            "The sites agreed to pass over a member of another committee, or at another time."
        )
    for strike in strikes:
        verify(
            roster.member(strike.site_id).public,
            strike.signature,
            statement(place, lost),
            f"the word of site {roster.name(strike.site_id)!r} that a site is passed over in the committee",
        )
    return lost
