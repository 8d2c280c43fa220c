"""One hash over session, roster, participants, committee and what is counted, to which a computation of counts is bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import PREFIX, H, u32
from riskset_common.primitives.signing import Identity, verify
from riskset_common.secure.blind.parties.bound import BoundSetup
from riskset_common.secure.blind.parties.majority import agreed
from riskset_common.wire.blind_messages import BlindStrike, BlindWave


@dataclass(frozen=True)
class CountSetup(BoundSetup):
    """The computation of counts of a session. Every party makes it for itself from what it knows.

    Attributes
    ----------
    checked
        Whether every opening must show a wrong share: then the run ends where a lost member leaves nothing to check by.
    work
        32 bytes over what is counted: hashes of plan and codebook, and lengths of grids.
    """

    checked: bool
    work: bytes

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.checked and not self.committee.checks:
            raise ProtocolRefusal(
                f"The plan requires that wrong shares are noticed, but {self.committee.size} members with threshold "
                f"{self.committee.threshold} have none to spare. Take five members with threshold 1."
            )

    @cached_property
    def hash(self) -> bytes:
        """32 bytes over all of it."""
        return H(
            b"counts",
            self.session,
            self.roster.hash,
            u32(*self.participants),
            self.committee.to_bytes(),
            u32(self.checked),
            self.work,
        )

    def upload_label(self, upload: int, opened: Sequence[bytes]) -> bytes:
        """What the masks of one upload of all sites are bound to: its number, 1..3, and the bodies of all waves before it."""
        return H(b"counts-upload", self.hash, u32(upload), *opened)

    def wave_statement(self, wave: int, label: bytes, body: bytes) -> bytes:
        """What a member signs under what a wave opened."""
        return PREFIX + b"counts-wave" + H(self.hash, u32(wave), label, body)

    def strike_statement(self, place: int, lost: int) -> bytes:
        """What a site signs to agree that the computation goes on without a member."""
        return PREFIX + b"counts-strike" + H(self.hash, u32(place, lost))

    def check_waves(self, waves: Sequence[BlindWave], number: int) -> BlindWave:
        """One of several words of members about the same wave, once more of them say the same than may be corrupt.

        Raises
        ------
        ProtocolRefusal, SignatureRefusal
            If they are of another wave or computation, differ, are too few, or one is not signed by the member whom it names.
        """
        signers = {wave.site_id for wave in waves}
        if len(signers) != len(waves) or len(signers) <= self.committee.threshold:
            raise ProtocolRefusal(
                f"What wave {number} of the counts opened bears the signatures of {len(signers)} members; more than "
                f"{self.committee.threshold} are needed. Nothing of it is taken."
            )
        if len({(wave.label, wave.body) for wave in waves}) != 1:
            raise ProtocolRefusal(
                f"The members do not all say that wave {number} of the counts opened the same. No result; find out why in their stored "
                "messages."
            )
        for wave in waves:
            self._check_wave(wave, number)
        return waves[0]

    def _check_wave(self, wave: BlindWave, number: int) -> None:
        self.committee.member(wave.site_id)
        name = self.roster.name(wave.site_id)
        if (wave.setup, wave.wave) != (self.hash, number):
            raise ProtocolRefusal(
                f"Member {name!r} speaks of another wave than wave {number} of the counts."
            )
        verify(
            self.roster.member(wave.site_id).public,
            wave.signature,
            self.wave_statement(number, wave.label, wave.body),
            f"what member {name!r} opened",
        )

    def strike(self, identity: Identity, site_id: int, place: int, lost: int) -> BlindStrike:
        """A site's word that the computation may go on without a member."""
        signature = identity.sign(self.strike_statement(place, lost))
        return BlindStrike(
            setup=self.hash, site_id=site_id, place=place, lost=lost, signature=signature
        )

    def check_strikes(self, strikes: Sequence[BlindStrike], serving: Sequence[int]) -> int:
        """The member that is lost, once more than half of all sites signed for it.

        Parameters
        ----------
        serving
            Sites of the members that serve so far.

        Raises
        ------
        ProtocolRefusal, SignatureRefusal
            If too few sites signed, or if the computation cannot go on without this member.
        """
        about = (self.hash, self.committee.size - len(serving))
        lost = agreed(strikes, self.roster, self.participants, about, self.strike_statement)
        self.require_enough(serving, lost)
        return lost

    def require_enough(self, serving: Sequence[int], lost: int) -> None:
        """Raise unless the members that are left can open what is shared, and can check it if that is required."""
        name = self.roster.name(lost)
        if lost not in serving:
            raise ProtocolRefusal(f"Site {name!r} does not serve, so it cannot be lost.")
        needed = 2 * self.committee.threshold + 1 + self.checked
        if len(serving) <= needed:
            kind = "nobody would notice a wrong share" if self.checked else "nothing can be opened"
            raise ProtocolRefusal(
                f"Member {name!r} of the committee no longer answers, and without it {kind}. The run ends here. Start it again when the "
                "site answers, or with other candidates."
            )
