"""The site node: a function from message bytes to reply bytes, beside the patients.

It knows nothing of networks. An engine hands it what the centre sent and carries back what it answers. Whatever it is asked, it
checks for itself: who sent it, whether the plan may run here, whether the numbers asked for are the ones the approved plan implies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from riskset_common.errors import NodeConfigError, ProtocolRefusal, RisksetError
from riskset_common.estimators import estimator_of
from riskset_common.patients import Patients
from riskset_common.plan_check import check_plan, variables_read
from riskset_common.rounds import read_questions, sections_of, sites_of, study_offered
from riskset_common.secure.binding import snapshot_commitment
from riskset_common.secure.roster import Member, Roster
from riskset_common.secure.sections import join
from riskset_common.secure.session import (
    SiteSession,
    accept_keys,
    advertise,
    open_offer,
    refuse,
    report,
)
from riskset_common.signing import Identity
from riskset_common.study import Study
from riskset_common.wire import Keys, Message, Offer, RoundRequest, read_message
from riskset_node.config import NodeConfig
from riskset_node.outbox import Outbox, Summary
from riskset_node.patients import build_patients
from riskset_node.policy import check_plan as check_policy
from riskset_node.policy import check_request, effective
from riskset_node.records import SiteRecords, read_records

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Trust:
    """Whom this site believes: the centre whose plans it runs (its public key), and the roster of the consortium."""

    centre: bytes
    roster: Roster


@dataclass(frozen=True)
class _Joined:
    """One session that this site takes part in."""

    study: Study
    records: SiteRecords
    patients: Patients
    session: SiteSession


class SiteNode:
    """One site. `now` is its clock, `random` its operating system's random source."""

    def __init__(
        self,
        config: NodeConfig,
        identity: Identity,
        trust: Trust,
        outbox: Outbox,
        *,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._config = config
        self._identity = identity
        self._trust = trust
        self._outbox = outbox
        self._now = now
        self._random = random
        self._member = _own_entry(config, trust.roster)
        self._joined: dict[bytes, _Joined] = {}
        self.refusal: RisksetError | None = None
        """Why this site last said no, in full: for the people of this site. The centre gets a code."""

    @property
    def name(self) -> str:
        """The site's name in the roster."""
        return self._config.site

    def answer(self, message: bytes) -> bytes:
        """Answer one message; empty where the protocol wants no reply. A refusal is a reply too.

        Raises
        ------
        ProtocolRefusal
            Where the bytes are no message at all, so that there is nobody to answer.
        """
        read = read_message(message)
        try:
            if isinstance(read, Offer):
                return self._join(read)
            if isinstance(read, Keys):
                return self._accept(read)
            if isinstance(read, RoundRequest):
                return self._report(read)
            raise ProtocolRefusal(
                f"A {type(read).__name__} is no message for a site; offers, keys and requests are."
            )
        except RisksetError as error:
            return self._refuse(read, error)

    def _refuse(self, message: Message, error: RisksetError) -> bytes:
        self.refusal = error
        sid = getattr(message, "sid", bytes(32))
        round_number = getattr(message, "round", 0)
        _LOG.warning(
            "message_refused", site=self.name, message=type(message).__name__, kind=error.wire_code
        )
        refused = refuse(self._identity, self._member.site_id, sid, round_number, error)
        return self._outbox.send(refused, sid, round_number, self._now())

    def _join(self, offer: Offer) -> bytes:
        sid = open_offer(offer, centre=self._trust.centre, roster=self._trust.roster)
        if sid in self._joined:
            return self._outbox.send(self._joined[sid].session.advertisement, sid, 0, self._now())
        study = study_offered(offer)
        check_plan(study)
        check_policy(self._config.policy, study, self._now().date())
        records = read_records(
            self._config, study.codebook, self._now().date(), variables_read(study)
        )
        patients = build_patients(records, self._config, study)
        snapshot = snapshot_commitment(self._random(32), patients.digest())
        session, advertisement = advertise(
            self._identity,
            self._member.site_id,
            sid,
            self._random(32),
            snapshot,
            self._trust.roster,
        )
        self._joined[sid] = _Joined(study, records, patients, session)
        _LOG.info(
            "session_joined", site=self.name, plan=study.plan.plan, version=study.plan.version
        )
        return self._outbox.send(advertisement, sid, 0, self._now())

    def _accept(self, keys: Keys) -> bytes:
        joined = self._session(keys.sid)
        minimum = effective(self._config.policy, joined.study.plan).minimum_sites
        session = accept_keys(joined.session, keys, minimum_sites=minimum)
        taking_part = {advertised.site_id for advertised in keys.advertisements}
        study = replace(joined.study, sites=sites_of(self._trust.roster, taking_part))
        if study.sites != joined.study.sites:
            # The codes of `site` and `study_group` count only those who take part.
            joined = replace(
                joined, study=study, patients=build_patients(joined.records, self._config, study)
            )
        self._joined[keys.sid] = replace(joined, session=session)
        return b""

    def _report(self, request: RoundRequest) -> bytes:
        joined = self._session(request.sid)
        summary = self._summarise(joined, request)
        session, message = report(
            joined.session, request, summary.counts, summary.reals, identity=self._identity
        )
        self._joined[request.sid] = replace(joined, session=session)
        _LOG.info(
            "summary_sent",
            site=self.name,
            round=request.round,
            numbers=len(summary.counts) + len(summary.reals),
        )
        return self._outbox.send(message, request.sid, request.round, self._now(), summary)

    def _session(self, sid: bytes) -> _Joined:
        if sid not in self._joined:
            raise ProtocolRefusal(
                "This site did not join the session of the message. The centre must offer its plan first."
            )
        return self._joined[sid]

    def _summarise(self, joined: _Joined, request: RoundRequest) -> Summary:
        """Answer every question of a round; the schema asked for must be the one that the approved plan implies."""
        requests = read_questions(joined.study, request.questions)
        sections = sections_of(requests)
        if sections != request.sections:
            raise ProtocolRefusal(
                "The round asks for other numbers than its questions imply. The centre must run this release."
            )
        arrays: dict[tuple[str, str], NDArray[Any]] = {}
        for name, asked in requests.items():
            check_request(self._config.policy, asked)
            summary = estimator_of(asked.spec.kind).summarise(joined.patients, asked)
            arrays |= {(name, array): np.asarray(values) for array, values in summary.items()}
        counts, reals = join(sections, arrays)
        return Summary(sections, counts, reals)


def _own_entry(config: NodeConfig, roster: Roster) -> Member:
    """The site's entry in the roster; its study group must be the one that its node.yaml names."""
    member = next((member for member in roster.members if member.name == config.site), None)
    if member is None:
        raise NodeConfigError(
            f"site: {config.site!r} is not in the roster (version {roster.version}). "
            "Write the name that the roster holds, or have this site entered."
        )
    if member.study_group != config.study_group:
        raise NodeConfigError(
            f"study_group: node.yaml of site {config.site!r} says {config.study_group!r}, the roster says "
            f"{member.study_group!r}. They must agree, because tables and strata are made of them."
        )
    return member
