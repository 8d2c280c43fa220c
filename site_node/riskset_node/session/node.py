"""The site node: a function from message bytes to reply bytes, beside the patients.

It knows nothing of networks. An engine hands it what the centre sent and carries back what it answers. Whatever it is asked, it
checks for itself, in this order: who sent it; whether people here agreed to the plan; whether the message follows on the session as
this site knows it; whether the policy allows it, and whether the numbers asked for are the ones the plan and the checked sums imply.
Only then it looks at its records, so that no refusal depends on them. What fails on the records ends the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from riskset_common.errors import (
    ProtocolRefusal,
    RecordsFailed,
    RisksetError,
    SignatureRefusal,
    own_records,
)
from riskset_common.planning.check import check_joined, check_plan
from riskset_common.planning.single_sites import require_parts
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import sites_of, study_offered
from riskset_common.secure.sums.reporting import check_round, report
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    advertise,
    open_offer,
    refuse,
    session_of,
)
from riskset_common.secure.sums.statements import snapshot_commitment
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.blind_steps import BlindBegin, BlindStep
from riskset_common.wire.frame import Message
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import (
    Close,
    Keys,
    Offer,
    Opening,
    RoundRequest,
    UnmaskRequest,
    read_message,
)
from riskset_node.config import NodeConfig
from riskset_node.session.approval import Approval
from riskset_node.session.joined import JoinedSession
from riskset_node.session.on_shares import OnShares
from riskset_node.session.own_records import OwnRecords
from riskset_node.session.questions import answer_to
from riskset_node.session.sessions import Sessions
from riskset_node.session.settings import Settings
from riskset_node.session.telling import Tell, refused_with, tell_kind
from riskset_node.session.trust import Trust, own_entry
from riskset_node.state.node_state import NodeState
from riskset_node.state.outbox import Summary

MOST_REFUSALS = 8
"""Messages of one session, signed by the centre, that a site refuses before it ends the session."""

ON_RECORDS = (
    "This site's own records do not answer what was asked; `riskset-node status` has the reason."
)

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


class SiteNode:
    """One site. `now` is its clock, `random` its operating system's random source; `file` is the node.yaml that may change while it runs.

    All it must remember is in `state`: a node that is started again with the same file goes on in the middle of a session.
    """

    def __init__(
        self,
        config: NodeConfig,
        identity: Identity,
        trust: Trust,
        state: NodeState,
        approval: Approval,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        tell: Tell = tell_kind,
        file: Path | None = None,
    ) -> None:
        self._tell = tell
        self._settings = Settings(config, file, state, now)
        self._identity = identity
        self._trust = trust
        self._state = state
        self._approval = approval
        self._now = now
        self._random = random
        self._member = own_entry(config, trust.roster, identity.public)
        state.cuts.keep_only(state.open_sessions())
        self._records = OwnRecords(config, now, state.cuts)
        self._sessions = Sessions(
            identity, self._member.site_id, state, lambda: self._config.policy
        )
        self._on_shares = OnShares(
            identity, lambda: self._config.policy, state, now=now, random=random
        )
        self.refusal: RisksetError | None = None
        """Why this site last said no, in full: for the people of this site. The centre gets a code."""

    @property
    def _config(self) -> NodeConfig:
        return self._settings.config

    @property
    def name(self) -> str:
        """The site's name in the roster."""
        return self._config.site

    @property
    def site_id(self) -> int:
        """The site's number in the roster."""
        return self._member.site_id

    @property
    def is_idle(self) -> bool:
        """Whether no session is open here."""
        return self._sessions.none_open

    def answer(self, message: bytes) -> bytes:
        """Answer one message; empty where the protocol wants no reply. A refusal is a reply too.

        Raises
        ------
        ProtocolRefusal, SignatureRefusal
            Where the bytes are no message of the centre that this site joined, so that there is nobody to answer.
        """
        read = self.read(message)
        self.renew()
        try:
            match read:
                case Offer():
                    return self._join(read)
                case Keys():
                    return self._accept(read)
                case RoundRequest():
                    return self._report(read)
                case UnmaskRequest():
                    return self._unmask(read)
                case Opening():
                    return self._check(read)
                case BlindBegin() | BlindStep():
                    joined = self._session(read.sid)
                    return self._on_shares.answer(read, joined, lambda: self._records.of(joined))
                case Close():
                    return self._close(read)
                case _:
                    raise ProtocolRefusal(f"No site awaits a {type(read).__name__}.")
        except RisksetError as error:
            return self.refuse(read, error)

    def read(self, message: bytes) -> FromCentre:
        """A message of the centre that this site joined; raises what `answer` raises for any other."""
        return from_centre(message, self._trust.centre)

    def renew(self) -> None:
        """Take up the policy and the pinned plans of node.yaml if the file was changed."""
        self._settings.renew()

    def refuse(self, message: Message, error: RisksetError) -> bytes:
        """Say no to a message of the centre, and end its session where that is due.

        It is due where this site's own records fail, whatever the cause, and after more than `MOST_REFUSALS` messages of one session:
        the centre of a run that goes well sends none that must be refused.
        """
        self.say_no(message, error)
        sid, round_number = place_of(message)
        refused = refuse(self._identity, self._member.site_id, sid, round_number, error)
        with self._state.step():
            times = self._state.count_refusal(sid)
            ended = self._why_over(error, times) if self._state.is_open(sid) else None
            if ended is not None:
                self._state.forget(sid, self._now(), ended)
            sent = self._send(refused, sid, round_number)
        if not self._state.is_open(sid):
            self._records.forget(sid)
        if ended is not None:
            self._drop(sid)
            plan = self._state.plan(sid).fields()
            _LOG.error("session_ended", site=self.name, **plan, because=ended)
        return sent

    @staticmethod
    def _why_over(error: RisksetError, times: int) -> str | None:
        """Why a session ends with a refusal, in words for the people of this site; None where it goes on."""
        if isinstance(error, RecordsFailed):
            return ON_RECORDS
        if times > MOST_REFUSALS:
            return (
                f"{times} messages that bear the centre's signature had to be refused, the last because: {error} Ask the centre what it "
                "runs; this site's keys of the session are deleted."
            )
        return None

    def _drop(self, sid: bytes) -> None:
        """Let go of what is in memory of a session that is over, and overwrite what was deleted in the file."""
        self._state.overwrite()
        self._sessions.drop(sid)
        self._records.forget(sid)
        self._on_shares.forget(sid)
        self._settings.forget(sid)

    def say_no(self, message: Message | None, error: RisksetError) -> None:
        """Write down why a message is refused, and tell this site's people; None stands for what the centre did not say."""
        self.refusal = error.for_people if isinstance(error, RecordsFailed) else error
        place = (None, 0) if message is None else place_of(message)
        refused = refused_with(message, place, self._state)
        self._tell(self.name, self._state.refusals.write(refused, error, self._now()))

    def _send(
        self, message: Message, sid: bytes, round_number: int, summary: Summary | None = None
    ) -> bytes:
        return self._state.outbox.send(message, sid, round_number, self._now(), summary)

    def _join(self, offer: Offer) -> bytes:
        sid = open_offer(offer, centre=self._trust.centre, roster=self._trust.roster)
        if self._state.session(sid) is not None:
            return self._send(self._session(sid).session.advertisement, sid, 0)
        with self._state.step():
            self._state.require_roster(offer.roster.version)
        self._approval.require(self._config, offer.plan_json, offer.codebook_json)
        study = study_offered(offer)
        check_plan(study)
        self._settings.check(study)
        secrets = SessionSecrets(self._random(32), self._random(32))
        salt = self._random(32)
        patients = self._records.joining(sid, study)
        snapshot = snapshot_commitment(salt, patients.digest())
        session, _ = advertise(
            self._identity, self._member.site_id, sid, secrets, snapshot, offer.roster
        )
        with self._state.step():
            self._state.join(session, offer.to_bytes(), salt, self._now())
            sent = self._send(session.advertisement, sid, 0)
        self._sessions.put(JoinedSession(offer.run, study, study, salt, session))
        _LOG.info("session_joined", site=self.name, **self._state.plan(sid).fields())
        return sent

    def _accept(self, keys: Keys) -> bytes:
        before = self._session(keys.sid)
        joined = self._sessions.with_keys(before, keys)
        if joined.study.sites != joined.offered.sites and before.session.setup is None:
            # Fewer sites may leave one alone in a group of sites, and policy may ask for more.
            check_joined(joined.study)
            self._settings.check(joined.study)
        with self._state.step():
            self._state.accept(joined.session, keys.to_bytes())
        self._sessions.put(joined)
        return b""

    def _report(self, request: RoundRequest) -> bytes:
        joined = self._session(request.sid)
        earlier = check_round(joined.session, request, identity=self._identity)
        if earlier is not None:
            return self._send(earlier, request.sid, request.round)
        answer = answer_to(request, joined, self._config.policy)
        with own_records():
            summary = answer(self._records.of(joined))
            session, message = report(
                joined.session, request, summary.counts, summary.reals, identity=self._identity
            )
        with self._state.step():
            self._state.answer(session)
            sent = self._send(message, request.sid, request.round, summary)
        asked = {**joined.asked, request.round: summary.sections}
        self._sessions.put(replace(joined, session=session, asked=asked))
        _LOG.info(
            "summary_sent",
            site=self.name,
            run=joined.run,
            round=request.round,
            numbers=len(summary.counts) + len(summary.reals),
        )
        return sent

    def _unmask(self, request: UnmaskRequest) -> bytes:
        joined = self._session(request.sid)
        session, message = answer_unmask(joined.session, request, identity=self._identity)
        require_parts(joined.study, sites_of(session.roster, session.frozen))
        with self._state.step():
            self._state.give_shares(session)
            sent = self._send(message, request.sid, request.round)
        self._sessions.put(replace(joined, session=session))
        _LOG.info("shares_sent", site=self.name, run=joined.run, round=request.round)
        return sent

    def _check(self, opening: Opening) -> bytes:
        joined = self._session(opening.sid)
        checked = joined.checked(opening)
        freezes = checked.session.frozen != joined.session.frozen
        adds_sums = checked.verified is not joined.verified
        if freezes or adds_sums:
            with self._state.step():
                self._state.freeze(checked.session)
                if adds_sums:
                    self._state.keep_opening(opening.sid, opening.round, opening.to_bytes())
        self._sessions.put(checked)
        _LOG.info("opening_checked", site=self.name, run=joined.run, round=opening.round)
        return b""

    def _close(self, message: Close) -> bytes:
        """Whether or not its records are still what they were: the keys go."""
        under_way = self._state.under_way(message.sid)
        with self._state.step():
            self._state.forget(message.sid, self._now())
        self._drop(message.sid)
        if under_way:
            _LOG.info("session_closed", site=self.name, **self._state.plan(message.sid).fields())
        return b""

    def _session(self, sid: bytes) -> JoinedSession:
        """A session under way whose plan the policy of now allows."""
        joined = self._settings.still_allow(self._sessions.of(sid))
        self._sessions.put(joined)
        return joined


def from_centre(message: bytes, centre: bytes) -> FromCentre:
    """Read a message of this centre; raises `ProtocolRefusal` or `SignatureRefusal` for any other, so that it is dropped."""
    read = read_message(message)
    if not isinstance(read, FromCentre):
        raise ProtocolRefusal(
            f"A {type(read).__name__} is no message for a site; only what a centre sends is."
        )
    if isinstance(read, Offer) and read.centre != centre:
        raise SignatureRefusal(
            "The offer is signed with another key than that of the centre this site joined. Compare the fingerprint of the centre's key by "
            "telephone; if the centre has a new key, join it anew."
        )
    read.require_signed_by(centre)
    return read


def place_of(message: Message) -> tuple[bytes, int]:
    """Session and round that a message belongs to; a refusal of it does too."""
    if isinstance(message, Offer):
        return session_of(message), 0
    place = getattr(message, "round", getattr(message, "step", 0))
    return getattr(message, "sid", bytes(32)), place
