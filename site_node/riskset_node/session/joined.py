"""A session that this site takes part in: the study and the state of the protocol. Its records are elsewhere, in `own_records.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from riskset_common.planning.single_sites import require_parts
from riskset_common.rounds.questions import sites_of
from riskset_common.rounds.verified_sums import VerifiedSums, add_verified
from riskset_common.secure.sums.pooling import pooled_by
from riskset_common.secure.sums.site_session import SiteSession, accept_opening
from riskset_common.study.study import Study
from riskset_common.wire.messages import Opening
from riskset_common.wire.sections import Section


@dataclass(frozen=True)
class JoinedSession:
    """One session that this site takes part in.

    Attributes
    ----------
    run
        The centre's number of the run.
    offered
        The study with all sites of the roster, as it was offered.
    study
        The study with the sites that joined.
    salt
        Of the commitment to the records, 32 bytes.
    session
        The state of the protocol.
    asked
        By number of a round that was answered, what was asked.
    verified
        Sums that this site checked and on which later questions rest.
    """

    run: int
    offered: Study
    study: Study
    salt: bytes = field(repr=False)
    session: SiteSession
    asked: Mapping[int, tuple[Section, ...]] = field(default_factory=dict)
    verified: VerifiedSums = field(default_factory=dict)

    def checked(self, opening: Opening) -> JoinedSession:
        """This session after the opening of a round; refused unless its sum is that of the reports of this round, and of enough sites."""
        session = accept_opening(self.session, opening)
        require_parts(self.study, sites_of(session.roster, session.frozen))
        pooled = pooled_by(self.asked[opening.round], opening).by_analysis()
        return replace(
            self, session=session, verified=add_verified(self.verified, self.study, pooled)
        )
