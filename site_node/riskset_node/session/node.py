"""The site node: a function from message bytes to reply bytes, beside the patients.

It knows nothing of networks. An engine hands it what the centre sent and carries back what it answers. Whatever it is asked, it
checks for itself: who sent it, whether the plan may run here, whether the numbers asked for are the ones the approved plan implies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import structlog

from riskset_common.errors import ProtocolRefusal, RisksetError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.planning.check import check_plan, variables_read
from riskset_common.primitives.signing import Identity, verify
from riskset_common.rounds.questions import read_round, rule_of, sites_of, study_offered
from riskset_common.rounds.verified_sums import check_repeated
from riskset_common.secure.sums.reporting import report
from riskset_common.secure.sums.site_session import (
    AnsweredRound,
    SessionSecrets,
    UnmaskedRound,
    accept_keys,
    advertise,
    open_offer,
    refuse,
    session_of,
)
from riskset_common.secure.sums.statements import closing_statement, snapshot_commitment
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.wire.blind_steps import BlindBegin, BlindStep
from riskset_common.wire.frame import Message
from riskset_common.wire.messages import (
    Close,
    Keys,
    Offer,
    Opening,
    Report,
    RoundRequest,
    UnmaskAnswer,
    UnmaskRequest,
    read_message,
)
from riskset_common.wire.sections import Numbers, Section, join
from riskset_node.config import NodeConfig
from riskset_node.policy import check_request, effective
from riskset_node.records.preparing import build_patients
from riskset_node.records.reading import SiteRecords, read_records
from riskset_node.session.blind_models import BlindParts
from riskset_node.session.joined import JoinedSession
from riskset_node.session.settings import Settings
from riskset_node.session.telling import Tell, refused_with, tell_kind
from riskset_node.session.trust import Trust, own_entry
from riskset_node.state.node_state import NodeState, StoredSession
from riskset_node.state.outbox import Summary

_Sent = TypeVar("_Sent", bound=Message)
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
        self._now = now
        self._random = random
        self._member = own_entry(config, trust.roster, identity.public)
        self._joined: dict[bytes, JoinedSession] = {}
        self._blind = BlindParts(
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
        return not self._joined

    def answer(self, message: bytes) -> bytes:
        """Answer one message; empty where the protocol wants no reply. A refusal is a reply too.

        Raises
        ------
        ProtocolRefusal
            Where the bytes are no message at all, so that there is nobody to answer.
        """
        read = read_message(message)
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
                    return self._blind.answer(read, self._session(read.sid))
                case Close():
                    return self._close(read)
                case _:
                    raise ProtocolRefusal(
                        f"A {type(read).__name__} is no message for a site; only what a centre sends is."
                    )
        except RisksetError as error:
            return self._refuse(read, error)

    def renew(self) -> None:
        """Take up the policy of node.yaml if the file was changed."""
        self._settings.renew()

    def _refuse(self, message: Message, error: RisksetError) -> bytes:
        self.say_no(message, error)
        sid, round_number = place_of(message)
        refused = refuse(self._identity, self._member.site_id, sid, round_number, error)
        return self._send(refused, sid, round_number)

    def say_no(self, message: Message | None, error: RisksetError) -> None:
        """Write down why a message is refused, and tell this site's people; None stands for bytes that are no message."""
        self.refusal = error
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
        study, records, patients = self._prepare(offer)
        secrets = SessionSecrets(self._random(32), self._random(32))
        salt = self._random(32)
        joined = self._joined_with(offer, sid, secrets, salt, study, records, patients)
        with self._state.step():
            self._state.require_roster(offer.roster.version)
            self._state.join(joined.session, offer.to_bytes(), salt, self._now())
            sent = self._send(joined.session.advertisement, sid, 0)
        self._joined[sid] = joined
        _LOG.info("session_joined", site=self.name, **self._state.plan(sid).fields())
        return sent

    def _prepare(self, offer: Offer) -> tuple[Study, SiteRecords, Patients]:
        """The study that is offered, and this site's records and patients for it; or a refusal."""
        study = study_offered(offer)
        check_plan(study)
        self._settings.check(study)
        records = read_records(
            self._config, study.codebook, self._now().date(), variables_read(study)
        )
        return study, records, build_patients(records, self._config, study)

    def _joined_with(
        self,
        offer: Offer,
        sid: bytes,
        secrets: SessionSecrets,
        salt: bytes,
        study: Study,
        records: SiteRecords,
        patients: Patients,
    ) -> JoinedSession:
        snapshot = snapshot_commitment(salt, patients.digest())
        session, _ = advertise(
            self._identity, self._member.site_id, sid, secrets, snapshot, offer.roster
        )
        return JoinedSession(study, records, patients, session)

    def _accept(self, keys: Keys) -> bytes:
        joined = self._with_keys(self._session(keys.sid), keys)
        with self._state.step():
            self._state.accept(joined.session, keys.to_bytes())
        self._joined[keys.sid] = joined
        return b""

    def _with_keys(self, joined: JoinedSession, keys: Keys) -> JoinedSession:
        plan, roster = joined.study.plan, joined.session.roster
        minimum = effective(self._config.policy, plan).minimum_sites
        rule = rule_of(plan, roster)
        session = accept_keys(joined.session, keys, rule=rule, minimum_sites=minimum)
        taking_part = {advertised.site_id for advertised in keys.advertisements}
        study = replace(joined.study, sites=sites_of(roster, taking_part))
        if study.sites != joined.study.sites:
            # Fewer sites may leave one alone in a group of sites, and policy may ask for more.
            check_plan(study)
            self._settings.check(study)
            # The codes of `site` and `study_group` count only those who take part.
            joined = replace(
                joined, study=study, patients=build_patients(joined.records, self._config, study)
            )
        return replace(joined, session=session)

    def _report(self, request: RoundRequest) -> bytes:
        joined = self._session(request.sid)
        summary = self._summarise(joined, request)
        session, message = report(
            joined.session, request, summary.counts, summary.reals, identity=self._identity
        )
        with self._state.step():
            self._state.answer(session)
            sent = self._send(message, request.sid, request.round, summary)
        asked = {**joined.asked, request.round: summary.sections}
        self._joined[request.sid] = replace(joined, session=session, asked=asked)
        _LOG.info(
            "summary_sent",
            site=self.name,
            round=request.round,
            numbers=len(summary.counts) + len(summary.reals),
        )
        return sent

    def _unmask(self, request: UnmaskRequest) -> bytes:
        joined = self._session(request.sid)
        session, message = answer_unmask(joined.session, request, identity=self._identity)
        with self._state.step():
            self._state.give_shares(session)
            sent = self._send(message, request.sid, request.round)
        self._joined[request.sid] = replace(joined, session=session)
        _LOG.info("shares_sent", site=self.name, round=request.round)
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
        self._joined[opening.sid] = checked
        _LOG.info("opening_checked", site=self.name, round=opening.round)
        return b""

    def _close(self, message: Close) -> bytes:
        """Whether or not its records are still what they were: the keys go."""
        verify(
            self._trust.centre,
            message.signature,
            closing_statement(message.sid),
            "the centre's close",
        )
        with self._state.step():
            self._state.forget(message.sid, self._now())
        self._state.overwrite()
        self._joined.pop(message.sid, None)
        self._blind.forget(message.sid)
        self._settings.forget(message.sid)
        _LOG.info("session_closed", site=self.name, **self._state.plan(message.sid).fields())
        return b""

    def _session(self, sid: bytes) -> JoinedSession:
        if sid not in self._joined:
            stored = self._state.session(sid)
            if stored is None:
                raise ProtocolRefusal(
                    "This site did not join the session of the message. The centre must offer its plan first."
                )
            self._joined[sid] = self._restored(sid, stored)
        self._joined[sid] = self._settings.still_allow(self._joined[sid])
        return self._joined[sid]

    def _restored(self, sid: bytes, stored: StoredSession) -> JoinedSession:
        """The session as the state file holds it, worked out again from what was received and drawn."""
        if stored.secrets is None:
            raise ProtocolRefusal(
                "The session is closed and its keys are deleted. Whatever is to be asked now needs a new one."
            )
        offer = Offer.from_bytes(stored.offer)
        joined = self._joined_with(offer, sid, stored.secrets, stored.salt, *self._prepare(offer))
        sent = self._state.outbox.sent("Advertisement", sid, 0)
        if joined.session.advertisement.to_bytes() != sent:
            raise ProtocolRefusal(
                "The records of this site, or its key, are not those with which it joined the session. Restore them as they were, or let "
                "the run start anew."
            )
        if stored.keys is not None:
            joined = self._with_keys(joined, Keys.from_bytes(stored.keys))
        session = replace(
            joined.session,
            frozen=stored.frozen,
            answered=tuple(
                AnsweredRound(number, profile, label, content, self._sent(Report, sid, number))
                for number, profile, label, content in stored.rounds
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
        plan = self._state.plan(sid).fields()
        _LOG.info("session_resumed", site=self.name, **plan, rounds=len(session.answered))
        return joined

    def _asked(self, sid: bytes, round_number: int) -> tuple[Section, ...]:
        found = self._state.outbox.sections(sid, round_number)
        if found is None:
            raise self._lacks("Report", round_number)
        return found

    def _sent(self, kind: type[_Sent], sid: bytes, round_number: int) -> _Sent:
        sent = self._state.outbox.sent(kind.__name__, sid, round_number)
        if sent is None:
            raise self._lacks(kind.__name__, round_number)
        return kind.from_bytes(sent)

    @staticmethod
    def _lacks(kind: str, round_number: int) -> ProtocolRefusal:
        return ProtocolRefusal(
            f"The state of this site lacks the {kind} of round {round_number}. Its file was changed by something else; "
            "let the session end, and join a new one with a new file."
        )

    def _summarise(self, joined: JoinedSession, request: RoundRequest) -> Summary:
        """Answer every question of a round; the schema asked for must be the one that the approved plan implies."""
        requests, sections = read_round(joined.study, request.questions, joined.verified)
        if sections != request.sections:
            raise ProtocolRefusal(
                "The round asks for other numbers than its questions imply. The centre must run this release."
            )
        earlier = [each for number, each in joined.asked.items() if number < request.round]
        check_repeated(requests, sections, earlier)
        arrays: dict[tuple[str, str], Numbers] = {}
        for name, asked in requests.items():
            check_request(self._config.policy, asked)
            summary = estimator_of(asked.spec.kind).summarise(joined.patients, asked)
            arrays |= {(name, array): np.asarray(values) for array, values in summary.items()}
        counts, reals = join(sections, arrays)
        return Summary(sections, counts, reals)


def place_of(message: Message) -> tuple[bytes, int]:
    """Session and round that a message belongs to; a refusal of it does too."""
    if isinstance(message, Offer):
        return session_of(message), 0
    place = getattr(message, "round", getattr(message, "step", 0))
    return getattr(message, "sid", bytes(32)), place
