"""The parties that a site trusts: the centre whose plans it runs, and the consortium's roster with its own entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from riskset_common.consortium.governance import Governance, SignedRoster, check_roster
from riskset_common.consortium.roster import Member, Roster
from riskset_common.consortium.roster_file import read_roster
from riskset_common.errors import NodeConfigError
from riskset_common.primitives.signing import public_from_text
from riskset_common.rounds.questions import sites_of
from riskset_common.study.study import Site
from riskset_node.config import NodeConfig, PinnedRoster
from riskset_node.records.own_site import own_site


@dataclass(frozen=True)
class Trust:
    """Whom this site believes: the centre whose plans it runs (its public key), and the roster of the consortium."""

    centre: bytes
    roster: Roster

    @classmethod
    def in_signed(cls, centre: bytes, signed: SignedRoster, governance: Governance) -> Self:
        """Trust in a roster that enough of the pinned governance keys signed; else a refusal."""
        return cls(centre, check_roster(signed, governance))


def trust_of(config: NodeConfig) -> Trust:
    """Whom node.yaml says to believe.

    Raises
    ------
    NodeConfigError, SignatureRefusal
        Where it does not say, or too few of the pinned keys signed the roster.
    """
    pinned = config.roster
    if pinned is None or config.centre_key is None:
        raise NodeConfigError(
            f"site {config.site}: node.yaml needs centre.key and roster (path, governance, needed) before the site can take part in a run."
        )
    return Trust.in_signed(config.centre_key, read_roster(pinned.path), _governance(pinned))


def _governance(pinned: PinnedRoster) -> Governance:
    keys = tuple(public_from_text(key) for key in pinned.governance)
    return Governance(keys, pinned.needed)


def known_sites(config: NodeConfig) -> tuple[Site, ...]:
    """The sites of the pinned roster; none if node.yaml pins no roster.

    Raises
    ------
    NodeConfigError
        If the roster does not hold this site, or holds another study group.
    SignatureRefusal
        If too few of the pinned keys signed the roster.
    """
    if config.roster is None:
        return ()
    roster = check_roster(read_roster(config.roster.path), _governance(config.roster))
    own_site(config, roster.members, f"the roster (version {roster.version})")
    return sites_of(roster)


def own_entry(config: NodeConfig, roster: Roster, public: bytes) -> Member:
    """The site's entry in the roster: with the study group of its node.yaml, and with its own public key (Ed25519, 32 bytes).

    Raises
    ------
    NodeConfigError
        If the roster does not hold the site, or holds another study group or key.
    """
    member = own_site(config, roster.members, f"the roster (version {roster.version})")
    if member.public != public:
        raise NodeConfigError(
            f"identity.key: the roster (version {roster.version}) holds another public key for site {config.site!r}. "
            "Use the key whose fingerprint was read out, or have the roster renewed."
        )
    return member
