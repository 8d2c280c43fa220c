"""A committee member: adds up the sites' masked inputs, runs the arithmetic on its shares, and exchanges sealed shares with the others.

It is a machine that is fed messages and gives messages; whoever carries them sees ciphertext. All it sends follows from its keys and
from what it was sent: a member that stopped is brought back by feeding it the stored messages again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.primitives.signing import Identity, verify
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    constant,
    dot,
    from_bytes,
    subtract,
    sum_of_bytes,
    to_bytes,
)
from riskset_common.secure.blind.arithmetic.random_shares import sum_of_streams
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Masked, Opening, open_shares
from riskset_common.secure.blind.cox.beside_the_fit import n_further, open_further
from riskset_common.secure.blind.cox.bounds import PublicPath, next_path
from riskset_common.secure.blind.cox.digits import Digits, digits_of
from riskset_common.secure.blind.cox.evaluation import Evaluated, Kept, evaluate
from riskset_common.secure.blind.cox.newton import adopt, begin, go_on
from riskset_common.secure.blind.cox.opened import cox_sums_of
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel, open_own_sums
from riskset_common.secure.blind.parties.keys import MemberKeys, seal, unseal
from riskset_common.secure.blind.parties.setup import BlindSetup, beta_bytes
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState
from riskset_common.wire.blind_messages import (
    BlindAsk,
    BlindConsent,
    BlindInput,
    BlindOpened,
    BlindShare,
    Consent,
)


class _Reached(NamedTuple):
    """Where an evaluation ends: all that it opened, what to keep of it, and Newton's next state or the fit."""

    opened: Elements
    kept: Kept | None
    sums: CoxSums
    newton: NewtonState | CoxFit


@dataclass
class _Evaluation:
    """An evaluation under way: what is opened next."""

    path: PublicPath
    arithmetic: Arithmetic
    computation: Opening[_Reached]
    waiting: Masked


class BlindMember:
    """One member of the committee through all evaluations of one model.

    Parameters
    ----------
    setup, keys
        As it made and accepted them.
    identity, site_id
        Who it is.
    channels
        For each other site a key that these two sites alone have.
    deaths
        Its shares of the deaths at the slots, shape (9, n_slots), where the model has them hidden.
    """

    def __init__(
        self,
        setup: BlindSetup,
        keys: MemberKeys,
        identity: Identity,
        site_id: int,
        channels: Mapping[int, bytes],
        deaths: Elements | None = None,
    ) -> None:
        if (deaths is not None) != setup.has_hidden_deaths:
            raise ProtocolRefusal(
                "A member brings shares of the deaths to a model that has them hidden, and to no other."
            )
        self.setup, self.site_id = setup, site_id
        self._keys, self._identity, self._channels = keys, identity, channels
        self._member = setup.committee.member(site_id)
        self._chain = H(b"blind-begin", setup.hash, keys.commitments)
        self._newton: NewtonState | CoxFit = begin(setup.model)
        self._evaluation = 0
        self._path: PublicPath | None = None
        self._kept: Kept | None = None
        self._sums: CoxSums | None = None
        self._deaths = deaths
        self._under_way: _Evaluation | None = None

    def consent(self, ask: BlindAsk) -> BlindConsent:
        """Consent to the coefficients that the centre proposes for the next evaluation, or refuse."""
        if ask.setup != self.setup.hash or ask.evaluation != self._evaluation or not ask.evaluation:
            raise ProtocolRefusal(
                f"Consent is asked for another evaluation than the next one ({self._evaluation})."
            )
        self._newton = adopt(self._newton, ask.beta)
        statement = self.setup.consent_statement(ask.evaluation, ask.beta)
        consent = Consent(site_id=self.site_id, signature=self._identity.sign(statement))
        return BlindConsent(setup=self.setup.hash, evaluation=ask.evaluation, consent=consent)

    def begin_evaluation(self, ask: BlindAsk, inputs: Sequence[BlindInput]) -> list[BlindShare]:
        """Take the inputs of all participants, in the order of the sites, and give the first shares to be opened."""
        if self._under_way is not None:
            raise ProtocolRefusal(f"Evaluation {self._evaluation} is still under way.")
        self.setup.check_ask(ask, self._evaluation)
        newton = adopt(self._newton, ask.beta)
        label = self.setup.input_label(ask.evaluation, ask.beta)
        sums = self._shares_of_sums(label, inputs)
        model = self.setup.model
        path = next_path(model, np.array(ask.beta), self._path)
        digits = digits_of(model, newton, self._sums)
        public = (*path.numbers(model), *(digits.numbers() if model.has_few_digits else ()))
        arithmetic = Arithmetic(
            self.setup.committee,
            self._member,
            self._keys.committee,
            self._label(ask, path, public, inputs),
        )
        computation = self._computation(arithmetic, newton, path, digits, sums)
        waiting = next(computation)
        self._under_way = _Evaluation(path, arithmetic, computation, waiting)
        return self._sealed(waiting)

    def receive(self, shares: Sequence[BlindShare]) -> list[BlindShare] | BlindOpened:
        """Take the other members' shares of an opening, in their order; give the next ones, or what the evaluation opened."""
        evaluation = self._under_way
        if evaluation is None:
            raise ProtocolRefusal("Shares arrived, but no opening is under way.")
        gathered = self._gathered(evaluation.waiting, shares)
        opened = open_shares(self.setup.committee, gathered)
        try:
            evaluation.waiting = evaluation.computation.send(opened)
        except StopIteration as end:
            return self._finished(evaluation, end.value)
        return self._sealed(evaluation.waiting)

    def _label(
        self,
        ask: BlindAsk,
        path: PublicPath,
        public: Sequence[int],
        inputs: Sequence[BlindInput],
    ) -> bytes:
        """What the first opening is bound to. Machines that round otherwise, or members that were sent other inputs, part here."""
        start = path.start
        steps = () if start is None else (start.squarings, start.fine)
        return H(
            b"blind-evaluation",
            self._chain,
            u32(ask.evaluation, *steps),
            beta_bytes(ask.beta),
            *(number.to_bytes(16, "little", signed=True) for number in public),
            *(H(message.signature, message.body) for message in inputs),
        )

    def _shares_of_sums(self, label: bytes, inputs: Sequence[BlindInput]) -> Elements:
        """This member's shares of the pooled sums: all inputs, less its shares of their masks."""
        setup, length = self.setup, self.setup.model.length
        if tuple(message.site_id for message in inputs) != setup.participants:
            raise ProtocolRefusal(
                "An evaluation needs one input of each participant, in the order of the sites. A sum over fewer would, "
                "compared with another, show single sites."
            )
        for message in inputs:
            name = setup.roster.name(message.site_id)
            if message.label != label or message.length != length:
                raise ProtocolRefusal(
                    f"The input of site {name!r} answers another question than this evaluation."
                )
            statement = setup.input_statement(label, message.site_id, message.body)
            public = setup.roster.member(message.site_id).public
            verify(public, message.signature, statement, f"the input of site {name!r}")
        pooled = sum_of_bytes((message.body for message in inputs), length)
        masks = []
        for subset in setup.committee.subsets_of(self._member):
            keys = [self._keys.inputs[sender][subset] for sender in setup.participants]
            weight = constant(setup.committee.indicator(subset, self._member))
            masks.append((weight, sum_of_streams(keys, b"input", label, length)))
        return subtract(pooled, dot(masks))

    def _sealed(self, masked: Masked) -> list[BlindShare]:
        content, sender = to_bytes(masked.share), self.site_id
        return [
            BlindShare(
                label=masked.label,
                sender=sender,
                receiver=receiver,
                length=masked.share.shape[1],
                body=seal(
                    self._channels[receiver], b"share", masked.label, sender, receiver, content
                ),
            )
            for receiver in self.setup.committee.site_ids
            if receiver != sender
        ]

    def _gathered(self, waiting: Masked, messages: Sequence[BlindShare]) -> list[Elements]:
        """All members' shares in order, the own one among them."""
        others = [each for each in self.setup.committee.site_ids if each != self.site_id]
        if [message.sender for message in messages] != others:
            raise ProtocolRefusal("One share of each other member is needed, in their order.")
        shares = {self.site_id: waiting.share}
        for message in messages:
            if (message.label, message.receiver) != (waiting.label, self.site_id):
                raise ProtocolRefusal(
                    f"The share of {self.setup.roster.name(message.sender)!r} is for another opening than the one under way: the "
                    "members were sent different inputs, or their machines round differently. Nothing was opened."
                )
            channel = self._channels[message.sender]
            content = unseal(
                channel, b"share", message.label, message.sender, self.site_id, message.body
            )
            shares[message.sender] = from_bytes(content)
        if any(share.shape != waiting.share.shape for share in shares.values()):
            raise ProtocolRefusal("The shares of an opening differ in length.")
        return [shares[site_id] for site_id in self.setup.committee.site_ids]

    def _computation(
        self,
        arithmetic: Arithmetic,
        newton: NewtonState,
        path: PublicPath,
        digits: Digits,
        sums: Elements,
    ) -> Opening[_Reached]:
        """Evaluate, go one step on with what was opened, and open the rest where that was the last step."""
        model = self.setup.model
        if isinstance(model, SiteStratifiedModel):
            opened = yield from open_own_sums(arithmetic, model, digits, sums)
            return self._reached(newton, path, digits, opened)
        evaluated = yield from evaluate(
            arithmetic, model, path, digits, sums, self._kept, self._deaths
        )
        reached = self._reached(newton, path, digits, evaluated.opened, evaluated)
        if isinstance(reached.newton, CoxFit) and n_further(model, reached.newton):
            further = yield from open_further(
                arithmetic, model, evaluated.hidden, evaluated.opened, reached.newton
            )
            return reached._replace(opened=np.concatenate([reached.opened, further], axis=1))
        return reached

    def _reached(
        self,
        newton: NewtonState,
        path: PublicPath,
        digits: Digits,
        opened: Elements,
        evaluated: Evaluated | None = None,
    ) -> _Reached:
        model = self.setup.model
        sums = cox_sums_of(model, digits, opened, path.known(model))
        kept = None if evaluated is None else evaluated.kept
        return _Reached(opened, kept, sums, go_on(model, newton, sums))

    def _finished(self, evaluation: _Evaluation, reached: _Reached) -> BlindOpened:
        """Keep where the evaluation ended, and tell the centre what was opened."""
        self._newton, self._kept, self._sums = reached.newton, reached.kept, reached.sums
        self._chain, self._path = evaluation.arithmetic.label, evaluation.path
        self._under_way = None
        body = to_bytes(reached.opened)
        statement = self.setup.opened_statement(self.site_id, self._evaluation, body)
        message = BlindOpened(
            setup=self.setup.hash,
            site_id=self.site_id,
            evaluation=self._evaluation,
            length=reached.opened.shape[1],
            signature=self._identity.sign(statement),
            body=body,
        )
        self._evaluation += 1
        return message
