"""The consortium's governance keys: g of them must sign a roster before a site accepts it.

The public halves are pinned at every site by hand. The coordinating centre is no authority on keys: it carries rosters, and may not
make one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from riskset_common.consortium.roster import Roster
from riskset_common.errors import InputError, SignatureRefusal
from riskset_common.primitives.hashing import PREFIX
from riskset_common.primitives.signing import Identity, verify
from riskset_common.primitives.strict_fields import PublicKey, Signature, StrictValue


@dataclass(frozen=True, slots=True)
class Governance:
    """The pinned public keys, and how many of them must have signed."""

    keys: tuple[bytes, ...]
    needed: int

    def __post_init__(self) -> None:
        if len(set(self.keys)) != len(self.keys) or not 1 <= self.needed <= len(self.keys):
            raise InputError(
                f"{self.needed} of {len(self.keys)} governance keys cannot be: each key stands once, and at least one must sign."
            )


class RosterSignature(StrictValue):
    """One governance key's word on a roster."""

    public: PublicKey
    signature: Signature


class SignedRoster(StrictValue):
    """A roster with the signatures that it has gathered so far."""

    roster: Roster
    signatures: tuple[RosterSignature, ...]


def sign_roster(signed: SignedRoster, identity: Identity) -> SignedRoster:
    """Add a signature, in the order of the keys; one that is there already stays as it is. Run by a holder of a governance key."""
    own = RosterSignature(
        public=identity.public, signature=identity.sign(roster_statement(signed.roster))
    )
    others = [each for each in signed.signatures if each.public != own.public]
    ordered = sorted([*others, own], key=lambda each: each.public)
    return SignedRoster(roster=signed.roster, signatures=tuple(ordered))


def check_roster(signed: SignedRoster, governance: Governance) -> Roster:
    """The roster, or a refusal unless enough of the pinned keys signed exactly this one. Run by a site."""
    what = f"roster version {signed.roster.version}"
    good: set[bytes] = set()
    for each in signed.signatures:
        if each.public in governance.keys:
            verify(each.public, each.signature, roster_statement(signed.roster), what)
            good.add(each.public)
    if len(good) < governance.needed:
        raise SignatureRefusal(
            f"{what.capitalize()} is signed by {len(good)} of the {len(governance.keys)} governance keys that this site has pinned; "
            f"{governance.needed} must sign it. Ask the other holders for their signatures."
        )
    return signed.roster


def unsigned(roster: Roster, signatures: Iterable[RosterSignature] = ()) -> SignedRoster:
    """A roster that gathers signatures."""
    return SignedRoster(roster=roster, signatures=tuple(signatures))


def roster_statement(roster: Roster) -> bytes:
    """What a governance key signs; the hash covers version, numbers, names, study groups and keys."""
    return PREFIX + b"roster" + roster.hash
