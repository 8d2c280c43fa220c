"""One hash over session, committee, participants and model, to which a blind computation is bound, and the statements signed under it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import HASH_BYTES, PREFIX, H, u32
from riskset_common.primitives.signing import verify
from riskset_common.secure.blind.cox.bounds import CoxModel
from riskset_common.secure.blind.cox.model import BlindModel, HiddenDeaths
from riskset_common.secure.blind.parties.bound import BoundSetup
from riskset_common.wire.blind_messages import BlindAsk, Consent


@dataclass(frozen=True)
class BlindSetup(BoundSetup):
    """One blind model within a session. Every party makes it for itself from what it knows.

    Attributes
    ----------
    model
        The public half of the model.
    counts
        Of a model whose deaths are hidden, the label under which the computation of counts has ended that gave them, 32 bytes; else
        empty.
    """

    model: CoxModel
    counts: bytes = b""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.has_hidden_deaths and len(self.counts) != HASH_BYTES:
            raise ProtocolRefusal(
                "A model whose deaths are hidden is bound to the computation of counts that gave them; its label is missing."
            )

    @property
    def has_hidden_deaths(self) -> bool:
        """Whether members bring shares of the deaths."""
        return isinstance(self.model, BlindModel) and isinstance(self.model.deaths, HiddenDeaths)

    @cached_property
    def hash(self) -> bytes:
        """32 bytes over all of it."""
        return H(
            b"blind",
            self.session,
            self.roster.hash,
            u32(*self.participants),
            self.committee.to_bytes(),
            self.model.hash,
            *((self.counts,) if self.counts else ()),
        )

    def input_label(self, evaluation: int, beta: Sequence[float]) -> bytes:
        """What the masks of all inputs to one evaluation are bound to."""
        return H(b"blind-input", self.hash, u32(evaluation), beta_bytes(beta))

    def opened_statement(self, site_id: int, evaluation: int, body: bytes) -> bytes:
        """What a member signs under what was opened."""
        return PREFIX + b"blind-opened" + H(self.hash, u32(site_id, evaluation), body)

    def consent_statement(self, evaluation: int, beta: Sequence[float]) -> bytes:
        """What a member signs to consent to the coefficients of an evaluation."""
        return PREFIX + b"blind-consent" + H(self.hash, u32(evaluation), beta_bytes(beta))

    def check_consent(self, evaluation: int, beta: Sequence[float], consent: Consent) -> None:
        """Raise unless a member consented to exactly these coefficients."""
        self.committee.member(consent.site_id)
        verify(
            self.roster.member(consent.site_id).public,
            consent.signature,
            self.consent_statement(evaluation, beta),
            f"the consent of {self.roster.name(consent.site_id)!r} to evaluation {evaluation}",
        )

    def check_ask(self, ask: BlindAsk, awaited: int) -> None:
        """Raise unless the question is the one that is awaited, and more members consented to it than may be corrupt.

        Run by every site and member. Without it the centre could read score and information at coefficients of its choice.
        """
        if ask.setup != self.hash or ask.evaluation != awaited:
            raise ProtocolRefusal(
                f"Evaluation {awaited} of model {self.model.analysis!r} is awaited; another evaluation or another set-up was asked."
            )
        if len(ask.beta) != self.model.n_columns:
            raise ProtocolRefusal(
                f"Model {self.model.analysis!r} has {self.model.n_columns} columns; {len(ask.beta)} coefficients were sent."
            )
        if awaited == 0:
            if any(ask.beta):
                raise ProtocolRefusal(
                    "The first evaluation of a blind model is at coefficients of 0."
                )
            return
        signers = {consent.site_id for consent in ask.consents}
        if len(signers) != len(ask.consents) or len(signers) <= self.committee.threshold:
            raise ProtocolRefusal(
                f"Evaluation {awaited} of model {self.model.analysis!r} bears the consent of {len(signers)} members; "
                f"more than {self.committee.threshold} are needed."
            )
        for consent in ask.consents:
            self.check_consent(ask.evaluation, ask.beta, consent)


def beta_bytes(beta: Sequence[float]) -> bytes:
    """Coefficients as doubles, little endian."""
    return struct.pack(f"<{len(beta)}d", *beta)
