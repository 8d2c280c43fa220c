"""A site's part in what is computed on shares in its sessions.

Each step is written down, as it was received and as it was answered, before the answer leaves. The machines behind it hold keys and
shares in memory only; a node that starts again makes them anew and feeds them the stored steps, and refuses to go on where that does
not give the bytes it sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from riskset_common.errors import DataError, ProtocolRefusal, RecordsFailed
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.blind_models import blind_session, models_begun
from riskset_common.rounds.questions import sites_of
from riskset_common.rounds.survey import is_surveyed
from riskset_common.secure.blind.parties.counts.count_site import SiteBelongings
from riskset_common.secure.sums.site_session import SiteSession, accepted, blind_channels
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin, BlindStep
from riskset_common.wire.messages import read_message
from riskset_node.policy import Policy, check_members
from riskset_node.session.blind_models import ModelParts
from riskset_node.session.counting import counting_parts
from riskset_node.session.joined import JoinedSession
from riskset_node.session.parts import Parts, Records
from riskset_node.state.letters import left_of
from riskset_node.state.node_state import NodeState


class OnShares:
    """What is computed on shares in all sessions of one node."""

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
        self._parts: dict[bytes, Parts] = {}

    def answer(
        self, message: BlindBegin | BlindStep, joined: JoinedSession, records: Records
    ) -> bytes:
        """Answer one step, and write it down; the same step again gets the same bytes."""
        sid, content = message.sid, message.to_bytes()
        if message.step <= self._state.last_blind_step(sid):
            sent = self._state.outbox.sent(BlindAnswer.__name__, sid, message.step)
            if sent is None or not self._state.was_blind_step(sid, message.step, content):
                raise ProtocolRefusal(
                    f"Step {message.step} of the computation on shares is over, and was another than this. A step is answered once."
                )
            return sent
        fresh = self._random(32) if self._state.blind_secret(sid) is None else None
        try:
            replied = self._replied(message, joined, records, fresh)
            parts = self._parts[sid]
        except BaseException:
            self.forget(sid)  # a machine that stopped halfway is made anew
            raise
        sites = {member.site_id: member.name for member in joined.session.roster.members}
        left = left_of(replied, replied.to_bytes(), parts.named, sites)
        with self._state.step():
            if fresh is not None:
                self._state.begin_blind(sid, fresh)
            self._state.take_blind_step(sid, message.step, content)
            return self._state.outbox.send(
                replied, sid, message.step, self._now(), parts.own_numbers, left
            )

    def forget(self, sid: bytes) -> None:
        """Drop what is in memory of a session."""
        self._parts.pop(sid, None)

    def _replied(
        self,
        message: BlindBegin | BlindStep,
        joined: JoinedSession,
        records: Records,
        fresh: bytes | None,
    ) -> BlindAnswer:
        if isinstance(message, BlindStep):
            return self._stepped(message, joined, records)
        if fresh is None:
            raise ProtocolRefusal("The computation on shares of this session began already.")
        return self._begun(message, joined, records, fresh)

    def _begun(
        self, message: BlindBegin, joined: JoinedSession, records: Records, secret: bytes
    ) -> BlindAnswer:
        session = joined.session
        own = SiteBelongings(session.site_id, self._identity, secret, blind_channels(session))
        parts = self._made(message, joined, records, own)
        self._parts[message.sid] = parts
        return BlindAnswer.of(message.sid, message.step, parts.begin())

    def _made(
        self, message: BlindBegin, joined: JoinedSession, records: Records, own: SiteBelongings
    ) -> Parts:
        """The machines of what begins; refused under a committee that this site does not accept."""
        session, study = joined.session, joined.study
        if is_surveyed(study):
            setup, _ = accepted(session)
            of_run = blind_session(study, setup, session.roster, session.frozen)
            self._check_committee(of_run.committee.site_ids, session, study.plan.analyses[0].id)
            return counting_parts(message, joined, of_run, own, records)
        models = models_begun(session, study, message)
        for blind in models:
            self._check_committee(blind.setup.committee.site_ids, session, blind.name)
        return ModelParts(models, own, records)

    def _check_committee(self, members: Sequence[int], session: SiteSession, analysis: str) -> None:
        own = session.roster.name(session.site_id)
        check_members(self._policy(), sites_of(session.roster, members), own, analysis)

    def _stepped(self, message: BlindStep, joined: JoinedSession, records: Records) -> BlindAnswer:
        if message.sid not in self._parts:
            self._restore(message.sid, joined, records)
        parts = self._parts[message.sid]
        letters = {
            setup: parts.answer(setup, received) for setup, received in message.letters().items()
        }
        return BlindAnswer.of(message.sid, message.step, letters)

    def _restore(self, sid: bytes, joined: JoinedSession, records: Records) -> None:
        """Make the machines of a session anew from its stored steps."""
        secret = self._state.blind_secret(sid)
        if secret is None:
            raise ProtocolRefusal(
                "A step arrived of a computation on shares that did not begin here."
            )
        for content in self._state.blind_steps(sid):
            stored = read_message(content)
            if isinstance(stored, BlindBegin):
                replied = self._begun(stored, joined, records, secret)
            elif isinstance(stored, BlindStep):
                replied = self._stepped(stored, joined, records)
            else:
                raise ProtocolRefusal("The state of this site holds a step that is none.")
            sent = self._state.outbox.sent(BlindAnswer.__name__, sid, replied.step)
            if replied.to_bytes() != sent:
                raise RecordsFailed(
                    DataError(
                        "The stored steps of the computation on shares no longer give what this site sent: its records or its file were "
                        "changed. The session is over; join a new one."
                    )
                )
