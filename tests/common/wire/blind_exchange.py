"""One blind model of three sites: a step that asks a site, and the answer that brings a site's keys, with the checks of their receivers."""

from __future__ import annotations

import numpy as np
from tests.common.secure.blind.blind_parties import (
    a_cohort,
    channels_of,
    identity_of,
    model_of,
    parties_of,
    secret,
    setup_of,
)

from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.blind.parties.keys import accept_keys, make_keys
from riskset_common.secure.blind.parties.site import BlindSite, answer
from riskset_common.wire.blind_messages import BlindAsk
from riskset_common.wire.blind_steps import BlindAnswer, BlindStep

SID, STEP = secret("sid"), 2
COHORT = a_cohort(3, n=12, p=1, n_times=3)
SETUP = setup_of(model_of(COHORT), 3)
PARTIES = parties_of(SETUP.model, COHORT, np.arange(12) % 3, 3)
KEYS = [
    make_keys(SETUP, identity_of(i), i, secret("site", i), channels_of(i, 3))
    for i in SETUP.participants
]
ASK = BlindAsk(setup=SETUP.hash, evaluation=0, beta=(0.0,), consents=())

STEP_TO_A_SITE = BlindStep.of(SID, STEP, {SETUP.hash: [ASK]})
ANSWER_OF_A_SITE = BlindAnswer.of(SID, STEP, {SETUP.hash: [KEYS[0]]})


def receive_step(message: bytes) -> object:
    """A site answers, and the centre looks whether it is the step that was asked."""
    read = BlindStep.from_bytes(message)
    (ask,) = _of_the_model(read)
    _, sent = answer(
        BlindSite(SETUP, 0, secret("site", 0)), ask, PARTIES[0].design, identity=identity_of(0)
    )
    BlindAnswer.of(read.sid, read.step, {SETUP.hash: [sent]}).require_step(SID, STEP)
    return sent


def receive_answer(message: bytes) -> object:
    """The centre looks whose answer to what it is, and a member opens the keys."""
    read = BlindAnswer.from_bytes(message)
    read.require_step(SID, STEP)
    keys = [*_of_the_model(read), *KEYS[1:]]
    return accept_keys(SETUP, 1, secret("site", 1), channels_of(1, 3), keys)


def _of_the_model(read):
    letters = read.letters()
    if set(letters) != {SETUP.hash}:
        raise ProtocolRefusal("Another model.")
    return letters[SETUP.hash]
