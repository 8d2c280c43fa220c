"""A site's part in the blind models of a session: its inputs to each evaluation, and its shares where it is in the committee.

Each step is written down, as it was received and as it was answered, before the answer leaves. The machines behind it hold keys and
shares in memory only; a node that starts again makes them anew and feeds them the stored steps, and refuses to go on where that does
not give the bytes it sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from riskset_common.errors import (
    DataError,
    EstimationError,
    ProtocolRefusal,
    RecordsFailed,
    own_records,
)
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.blind_models import Blind, models_begun
from riskset_common.rounds.questions import sites_of
from riskset_common.secure.blind.parties.keys import accept_keys, make_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import BlindSite, answer
from riskset_common.secure.sums.site_session import SiteSession, blind_channels
from riskset_common.study.patients import Patients
from riskset_common.survival.regression.slot_sums import SlotDesign
from riskset_common.wire.blind_messages import BlindAsk, BlindInput, BlindKeys, BlindShare
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin, BlindStep
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import read_message
from riskset_node.policy import Policy, check_members
from riskset_node.session.joined import JoinedSession
from riskset_node.state.node_state import NodeState


@dataclass(frozen=True)
class _Own:
    """What a site brings to each of its blind models."""

    site_id: int
    identity: Identity
    secret: bytes = field(repr=False)
    channels: Mapping[int, bytes] = field(repr=False)


class BlindPart:
    """One model at one site: its inputs, and its share of the computation once the keys of all sites arrived."""

    def __init__(self, setup: BlindSetup, design: SlotDesign, own: _Own) -> None:
        self._setup, self._design, self._own = setup, design, own
        self._site = BlindSite(setup, own.site_id, own.secret)
        self._member: BlindMember | None = None

    def begin(self) -> list[Message]:
        """Keys, and the input to the first evaluation, which is at coefficients of 0."""
        own, setup = self._own, self._setup
        keys = make_keys(setup, own.identity, own.site_id, own.secret, own.channels)
        zeros = (0.0,) * setup.model.n_columns
        ask = BlindAsk(setup=setup.hash, evaluation=0, beta=zeros, consents=())
        return [keys, self._input(ask)]

    def answer(self, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings: a question, a proposal, the inputs of all sites, or the others' shares."""
        keys = [each for each in letters if isinstance(each, BlindKeys)]
        asks = [each for each in letters if isinstance(each, BlindAsk)]
        inputs = [each for each in letters if isinstance(each, BlindInput)]
        shares = [each for each in letters if isinstance(each, BlindShare)]
        if len(keys) + len(asks) + len(inputs) + len(shares) < len(letters):
            raise ProtocolRefusal("A step brings a message of a blind model that no site awaits.")
        if keys:
            self._accept(keys)
        if shares:
            replied = self._committee().receive(shares)
            return list(replied) if isinstance(replied, list) else [replied]
        if len(asks) != 1:
            raise ProtocolRefusal(
                f"A step of a blind model brings {len(asks)} questions; each has one, or shares."
            )
        if inputs:
            return list(self._committee().begin_evaluation(asks[0], inputs))
        if asks[0].evaluation and not asks[0].consents:
            return [self._committee().consent(asks[0])]
        return [self._input(asks[0])]

    def _input(self, ask: BlindAsk) -> BlindInput:
        self._site, sent = answer(self._site, ask, self._design, identity=self._own.identity)
        return sent

    def _accept(self, keys: Sequence[BlindKeys]) -> None:
        if self._member is not None:
            raise ProtocolRefusal("The keys of a blind model arrived a second time.")
        own, setup = self._own, self._setup
        accepted = accept_keys(setup, own.site_id, own.secret, own.channels, keys)
        self._member = BlindMember(setup, accepted, own.identity, own.site_id, own.channels)

    def _committee(self) -> BlindMember:
        if self._member is None:
            raise ProtocolRefusal(
                "This site was sent what is for the committee of a blind model before the keys of all sites, or is not in it."
            )
        return self._member


def _is_for_the_committee(letters: Sequence[Message]) -> bool:
    """Whether a step is about what the members opened, or about coefficients, so that the answer depends on no record of this site."""
    return any(isinstance(each, BlindInput | BlindShare) for each in letters)


class BlindParts:
    """The blind models of all sessions of one node."""

    def __init__(
        self,
        identity: Identity,
        policy: Callable[[], Policy],
        state: NodeState,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._identity, self._policy, self._state = identity, policy, state
        self._now, self._random = now, random
        self._parts: dict[bytes, dict[bytes, BlindPart]] = {}

    def answer(
        self,
        message: BlindBegin | BlindStep,
        joined: JoinedSession,
        patients: Callable[[], Patients],
    ) -> bytes:
        """Answer one step, and write it down; the same step again gets the same bytes.

        `patients` gives this site's records; it is called when all else is checked.
        """
        sid, content = message.sid, message.to_bytes()
        if message.step <= self._state.last_blind_step(sid):
            sent = self._state.outbox.sent(BlindAnswer.__name__, sid, message.step)
            if sent is None or not self._state.was_blind_step(sid, message.step, content):
                raise ProtocolRefusal(
                    f"Step {message.step} of the blind models is over, and was another than this. A step is answered once."
                )
            return sent
        fresh = self._random(32) if self._state.blind_secret(sid) is None else None
        try:
            replied = self._replied(message, joined, patients, fresh)
        except BaseException:
            self.forget(sid)  # a machine that stopped halfway is made anew
            raise
        with self._state.step():
            if fresh is not None:
                self._state.begin_blind(sid, fresh)
            self._state.take_blind_step(sid, message.step, content)
            return self._state.outbox.send(replied, sid, message.step, self._now())

    def forget(self, sid: bytes) -> None:
        """Drop what is in memory of a session."""
        self._parts.pop(sid, None)

    def _replied(
        self,
        message: BlindBegin | BlindStep,
        joined: JoinedSession,
        patients: Callable[[], Patients],
        fresh: bytes | None,
    ) -> BlindAnswer:
        if isinstance(message, BlindStep):
            return self._stepped(message, joined, patients)
        if fresh is None:
            raise ProtocolRefusal("The blind models of this session began already.")
        return self._begun(message, joined, patients, fresh)

    def _begun(
        self,
        message: BlindBegin,
        joined: JoinedSession,
        patients: Callable[[], Patients],
        secret: bytes,
    ) -> BlindAnswer:
        session = joined.session
        own = _Own(session.site_id, self._identity, secret, blind_channels(session))
        parts: dict[bytes, BlindPart] = {}
        models = models_begun(session, joined.study, message)
        for blind in models:
            self._check_committee(blind, session)
        with own_records():
            for blind in models:
                parts[blind.setup.hash] = BlindPart(blind.setup, blind.design(patients()), own)
        self._parts[message.sid] = parts
        letters = {setup: part.begin() for setup, part in parts.items()}
        return BlindAnswer.of(message.sid, message.step, letters)

    def _check_committee(self, blind: Blind, session: SiteSession) -> None:
        members = sites_of(session.roster, blind.setup.committee.site_ids)
        own = session.roster.name(session.site_id)
        check_members(self._policy(), members, own, blind.name)

    def _stepped(
        self, message: BlindStep, joined: JoinedSession, patients: Callable[[], Patients]
    ) -> BlindAnswer:
        if message.sid not in self._parts:
            self._restore(message.sid, joined, patients)
        parts = self._parts[message.sid]
        letters: dict[bytes, list[Message]] = {}
        for setup, received in message.letters().items():
            if setup not in parts:
                raise ProtocolRefusal(
                    "A step brings messages of a blind model that did not begin here."
                )
            try:
                letters[setup] = parts[setup].answer(received)
            except EstimationError:
                if not _is_for_the_committee(received):
                    raise
                # What the members opened to one another does not fit the bounds: the model ends alone.
                letters[setup] = []
                del parts[setup]
        return BlindAnswer.of(message.sid, message.step, letters)

    def _restore(self, sid: bytes, joined: JoinedSession, patients: Callable[[], Patients]) -> None:
        """Make the machines of a session anew from its stored steps."""
        secret = self._state.blind_secret(sid)
        if secret is None:
            raise ProtocolRefusal("A step arrived of blind models that did not begin here.")
        for content in self._state.blind_steps(sid):
            stored = read_message(content)
            if isinstance(stored, BlindBegin):
                replied = self._begun(stored, joined, patients, secret)
            elif isinstance(stored, BlindStep):
                replied = self._stepped(stored, joined, patients)
            else:
                raise ProtocolRefusal("The state of this site holds a step that is none.")
            sent = self._state.outbox.sent(BlindAnswer.__name__, sid, replied.step)
            if replied.to_bytes() != sent:
                raise RecordsFailed(
                    DataError(
                        "The stored steps of the blind models no longer give what this site sent: its records or its file were changed. "
                        "The session is over; join a new one."
                    )
                )
