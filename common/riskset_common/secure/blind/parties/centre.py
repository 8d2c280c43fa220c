"""The centre's part in a blind model: propose coefficients, carry messages, and take what all members say was opened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.signing import verify
from riskset_common.secure.blind.arithmetic.field import from_bytes
from riskset_common.secure.blind.cox.beside_the_fit import BlindFurther, further_of, n_further
from riskset_common.secure.blind.cox.bounds import PublicPath, next_path
from riskset_common.secure.blind.cox.digits import digits_of
from riskset_common.secure.blind.cox.newton import begin, go_on
from riskset_common.secure.blind.cox.opened import cox_sums_of, n_opened
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.survival.regression.cox import CoxSums
from riskset_common.survival.regression.newton import CoxFit, NewtonState
from riskset_common.wire.blind_messages import BlindAsk, BlindConsent, BlindOpened


class BlindCentre:
    """The centre through all evaluations of one model. It holds no key, and nothing that is not published with the result.

    Attributes
    ----------
    further
        What the model gave besides the fit, once `conclude` has given that; None where nothing was wanted, or the fit has not converged.
    """

    def __init__(self, setup: BlindSetup) -> None:
        self.setup = setup
        self.further: BlindFurther | None = None
        self._newton: NewtonState = begin(setup.model)
        self._path: PublicPath | None = None
        self._sums: CoxSums | None = None
        self._evaluation = 0

    def propose(self) -> BlindAsk:
        """The next coefficients, for the members' consent; refused where the bounds of the hidden numbers do not fit."""
        next_path(self.setup.model, np.array(self._newton.beta), self._path)
        return self._ask(())

    def ask(self, consents: Sequence[BlindConsent]) -> BlindAsk:
        """The question to sites and members, with the consents."""
        for message in consents:
            self.setup.check_consent(message.evaluation, self._newton.beta, message.consent)
        ask = self._ask(consents)
        self.setup.check_ask(ask, self._evaluation)
        return ask

    def conclude(self, messages: Sequence[BlindOpened]) -> CoxFit | None:
        """Take what every member says was opened; the fit, in standardised covariates, or None where another evaluation follows."""
        opened = {message.body for message in messages}
        if (
            tuple(message.site_id for message in messages) != self.setup.committee.site_ids
            or len(opened) != 1
        ):
            raise ProtocolRefusal(
                "The members do not all say that the same was opened. No result; find out why in their stored messages."
            )
        for message in messages:
            self._check(message)
        model, beta = self.setup.model, self._newton.beta
        path = next_path(model, np.array(beta), self._path)
        first, further = np.split(from_bytes(opened.pop()), [n_opened(model)], axis=1)
        digits = digits_of(model, self._newton, self._sums)
        sums = cox_sums_of(model, digits, first, path.known(model))
        reached = go_on(model, self._newton, sums)
        if further.shape[1] != n_further(model, reached):
            raise ProtocolRefusal(
                "The members opened more or less than the fit gives at this evaluation. No result; compare the releases of riskset at "
                "the members and at the centre."
            )
        if isinstance(reached, CoxFit):
            self.further = further_of(model, beta, sums, reached, further)
            return reached
        self._newton, self._path, self._sums = reached, path, sums
        self._evaluation += 1
        return None

    def _ask(self, consents: Sequence[BlindConsent]) -> BlindAsk:
        return BlindAsk(
            setup=self.setup.hash,
            evaluation=self._evaluation,
            beta=self._newton.beta,
            consents=tuple(message.consent for message in consents),
        )

    def _check(self, message: BlindOpened) -> None:
        name = self.setup.roster.name(message.site_id)
        asked = (self.setup.hash, self._evaluation)
        if (message.setup, message.evaluation) != asked or message.length < n_opened(
            self.setup.model
        ):
            raise ProtocolRefusal(f"Member {name!r} opened something else than was asked.")
        statement = self.setup.opened_statement(message.site_id, message.evaluation, message.body)
        public = self.setup.roster.member(message.site_id).public
        verify(public, message.signature, statement, f"what member {name!r} opened")
