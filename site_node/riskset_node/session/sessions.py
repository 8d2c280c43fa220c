"""The sessions that a node is in, in memory and, after it was started again, from its state file. No record is touched for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import structlog

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import rule_of, sites_of, study_offered
from riskset_common.secure.sums.site_session import (
    AnsweredRound,
    SiteSession,
    UnmaskedRound,
    accept_keys,
    require_own,
)
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import (
    Advertisement,
    Keys,
    Offer,
    Opening,
    Report,
    UnmaskAnswer,
)
from riskset_common.wire.sections import Section
from riskset_node.policy import Policy, effective
from riskset_node.session.joined import JoinedSession
from riskset_node.state.node_state import NodeState, StoredSession

_Sent = TypeVar("_Sent", bound=Message)
_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


class Sessions:
    """The sessions of one node by their number (SID)."""

    def __init__(
        self, identity: Identity, site_id: int, state: NodeState, policy: Callable[[], Policy]
    ) -> None:
        self._identity, self._site_id, self._state, self._policy = identity, site_id, state, policy
        self._joined: dict[bytes, JoinedSession] = {}

    @property
    def none_open(self) -> bool:
        """Whether no session is in memory."""
        return not self._joined

    def put(self, joined: JoinedSession) -> None:
        """Keep how far a session has come, once it is stored."""
        self._joined[joined.session.sid] = joined

    def drop(self, sid: bytes) -> None:
        """Let go of a session that is over."""
        self._joined.pop(sid, None)

    def of(self, sid: bytes) -> JoinedSession:
        """A session that this site joined.

        Raises
        ------
        ProtocolRefusal
            Where it did not, or the session is over.
        """
        if sid not in self._joined:
            stored = self._state.session(sid)
            if stored is None:
                raise ProtocolRefusal(
                    "This site did not join the session of the message. The centre must offer its plan first."
                )
            self._joined[sid] = self._restored(sid, stored)
        return self._joined[sid]

    def with_keys(self, joined: JoinedSession, keys: Keys) -> JoinedSession:
        """The session with the keys of all sites; its study is that of the sites that joined."""
        plan, roster = joined.study.plan, joined.session.roster
        minimum = effective(self._policy(), plan).minimum_sites
        rule = rule_of(plan, roster)
        session = accept_keys(joined.session, keys, rule=rule, minimum_sites=minimum)
        taking_part = {advertised.site_id for advertised in keys.advertisements}
        study = replace(joined.offered, sites=sites_of(roster, taking_part))
        return replace(joined, session=session, study=study)

    def _restored(self, sid: bytes, stored: StoredSession) -> JoinedSession:
        """The session as the state file holds it, worked out again from what was received, drawn and sent."""
        if stored.secrets is None:
            raise ProtocolRefusal(
                "The session is over and its keys are deleted. Whatever is to be asked now needs a new one."
            )
        offer = Offer.from_bytes(stored.offer)
        require_own(self._identity, offer.roster, self._site_id)
        advertisement = self._sent(Advertisement, sid, 0)
        session = SiteSession(self._site_id, sid, offer.roster, advertisement, stored.secrets)
        offered = study_offered(offer)
        joined = JoinedSession(offer.run, offered, offered, stored.salt, session)
        if stored.keys is not None:
            joined = self.with_keys(joined, Keys.from_bytes(stored.keys))
        session = replace(
            joined.session,
            frozen=stored.frozen,
            answered=tuple(
                AnsweredRound(number, profile, label, self._sent(Report, sid, number))
                for number, profile, label in stored.rounds
            ),
            unmasked=tuple(
                UnmaskedRound(number, contributors, self._sent(UnmaskAnswer, sid, number))
                for number, contributors in stored.shares
            ),
        )
        asked = {each.round: self._asked(sid, each.round) for each in session.answered}
        joined = replace(joined, session=session, asked=asked)
        for opening in self._state.openings(sid):
            joined = joined.checked(Opening.from_bytes(opening))
        site, plan = offer.roster.name(self._site_id), self._state.plan(sid).fields()
        _LOG.info("session_resumed", site=site, **plan, rounds=len(session.answered))
        return joined

    def _asked(self, sid: bytes, round_number: int) -> tuple[Section, ...]:
        found = self._state.outbox.sections(sid, round_number)
        if found is None:
            raise _lacks("Report", round_number)
        return found

    def _sent(self, kind: type[_Sent], sid: bytes, round_number: int) -> _Sent:
        sent = self._state.outbox.sent(kind.__name__, sid, round_number)
        if sent is None:
            raise _lacks(kind.__name__, round_number)
        return kind.from_bytes(sent)


def _lacks(kind: str, round_number: int) -> ProtocolRefusal:
    return ProtocolRefusal(
        f"The state of this site lacks the {kind} of round {round_number}. Its file was changed by something else; "
        "let the session end, and join a new one with a new file."
    )
