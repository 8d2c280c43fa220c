"""A site's part in a blind model: its sums at coefficients that enough members consented to, masked so that one upload says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from riskset_common.errors import ProtocolRefusal, own_records
from riskset_common.primitives.signing import Identity
from riskset_common.secure.blind.arithmetic.field import add, to_bytes
from riskset_common.secure.blind.arithmetic.fixed_point import encode
from riskset_common.secure.blind.arithmetic.random_shares import sum_of_streams
from riskset_common.secure.blind.cox.bounds import CoxModel, require_in_range
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel, own_sums
from riskset_common.secure.blind.parties.keys import input_keys
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.regression.cox import CoxDesign
from riskset_common.survival.regression.slot_sums import SlotDesign, event_covariates, slot_sums
from riskset_common.wire.blind_messages import BlindAsk, BlindInput


@dataclass(frozen=True)
class AnsweredEvaluation:
    """What a site remembers of an input it sent: enough to send it again, and never another under the same mask."""

    ask: BlindAsk
    sent: BlindInput


@dataclass(frozen=True)
class BlindSite:
    """All that a site keeps of one blind model, as a value to be stored before anything is sent.

    Attributes
    ----------
    setup
        As the site made it itself.
    site_id
        Its number.
    secret
        The 32 bytes its keys follow from.
    answered
        The evaluations answered so far, in order from 0.
    """

    setup: BlindSetup
    site_id: int
    secret: bytes = field(repr=False)
    answered: tuple[AnsweredEvaluation, ...] = ()


SiteDesign = SlotDesign | CoxDesign
"""A site's patients, arranged for a pooled model or for one within sites."""


def site_sums(model: CoxModel, design: SiteDesign, beta: Sequence[float]) -> FloatArray:
    """A site's numbers at some coefficients, shape (model.length,): S of all slots, D of the tied ones, sums of x, x g over its deaths.

    Of a model within sites they are its log-likelihood, score and information. They are sums over patients and must not leave the site
    but masked.
    """
    if isinstance(model, SiteStratifiedModel) and isinstance(design, CoxDesign):
        return own_sums(design, np.asarray(beta, dtype=np.float64))
    if not isinstance(model, BlindModel) or not isinstance(design, SlotDesign):
        raise ValueError("A site's patients are arranged for the other kind of model.")
    at_risk, died = slot_sums(design, np.asarray(beta, dtype=np.float64))
    events = [event_covariates(design)]
    if model.ph_test is not None:
        events.append(event_covariates(design, model.ph_test.scaled))
    return np.concatenate([at_risk.ravel(), died[:, model.terms.tied].ravel(), *events])


def answer(
    state: BlindSite, ask: BlindAsk, design: SiteDesign, *, identity: Identity
) -> tuple[BlindSite, BlindInput]:
    """Mask and sign this site's sums for one evaluation. Run by every participant.

    Asked again the same, it gives the same bytes again, without a look at the patients. It refuses other coefficients for an evaluation
    that it has answered: two vectors under one mask show their difference. Raises `ProtocolRefusal` and `PolicyRefusal` for a question
    that is not awaited, and then `RecordsFailed` where the sums of these patients have no place in the computation.
    """
    setup = state.setup
    earlier = {each.ask.evaluation: each for each in state.answered}.get(ask.evaluation)
    setup.check_ask(ask, ask.evaluation if earlier else len(state.answered))
    require_in_range(setup.model, np.array(ask.beta))
    label = setup.input_label(ask.evaluation, ask.beta)
    if earlier is not None:
        if earlier.sent.label != label:
            raise ProtocolRefusal(
                f"Evaluation {ask.evaluation} of model {setup.model.analysis!r} was already answered, at other coefficients. "
                "An evaluation is answered once; start a new session."
            )
        return state, earlier.sent
    with own_records():
        numbers = encode(site_sums(setup.model, design, ask.beta))
    n_numbers = setup.model.length
    masks = sum_of_streams(input_keys(setup, state.secret), b"input", label, n_numbers)
    body = to_bytes(add(numbers, masks))
    sent = BlindInput(
        label=label,
        site_id=state.site_id,
        length=n_numbers,
        signature=identity.sign(setup.input_statement(label, state.site_id, body)),
        body=body,
    )
    kept = AnsweredEvaluation(ask, sent)
    return replace(state, answered=(*state.answered, kept)), sent
