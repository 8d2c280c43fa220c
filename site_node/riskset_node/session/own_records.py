"""This site's own records, as the open sessions use them: looked at only after the protocol and the policy had their say.

Records that may change while a run lasts are kept in a cut (`cuts/sessions.py`) from joining to the end of the session.
Whatever fails here fails in the same way for others, see `riskset_common.errors.own_records`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from riskset_common.errors import DataError, own_records
from riskset_common.planning.check import variables_read
from riskset_common.rounds.counting import rehearse
from riskset_common.rounds.survey import is_surveyed
from riskset_common.secure.sums.statements import snapshot_commitment
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_node.config import NodeConfig
from riskset_node.cuts.sessions import SessionCuts
from riskset_node.records.findings import check_usable
from riskset_node.records.preparing import build_patients
from riskset_node.records.reading import read_records
from riskset_node.records.site_records import SiteRecords, cut_of, records_in
from riskset_node.session.joined import JoinedSession
from riskset_node.sources import source_of


@dataclass(frozen=True)
class _Read:
    """What was read for a session, and its patients for the sites of `study`."""

    records: SiteRecords
    study: Study
    patients: Patients


class OwnRecords:
    """The records of one site by session. They are read once, and again by a node that was started again: from the cut if there is one."""

    def __init__(self, config: NodeConfig, now: Callable[[], datetime], cuts: SessionCuts) -> None:
        self._config, self._now, self._cuts = config, now, cuts
        self._by_session: dict[bytes, _Read] = {}

    def joining(self, sid: bytes, study: Study) -> Patients:
        """Read the patients for a study that is offered.

        Raises
        ------
        RecordsFailed
            Where the file cannot be read as it is described, or holds what a person must mend; or where a plan with rounded results
            cannot be counted on these records.
        """
        with own_records():
            patients = self._take(sid, study, self._read(sid, study)).patients
            if is_surveyed(study):
                rehearse(patients, study)
            return patients

    def of(self, joined: JoinedSession) -> Patients:
        """The patients for the sites that take part in a session: the codes of `site` and `study_group` count these only.

        Raises
        ------
        RecordsFailed
            Where they cannot be read again, or are not those with which the site joined.
        """
        sid = joined.session.sid
        with own_records():
            read = self._by_session.get(sid)
            if read is None:
                records = self._kept(sid, joined.offered) or self._read(sid, joined.offered)
                read = self._take(sid, joined.offered, records)
                _require_unchanged(joined, read.patients)
            if read.study.sites != joined.study.sites:
                patients = build_patients(read.records, self._config, joined.study)
                read = replace(read, study=joined.study, patients=patients)
                self._by_session[sid] = read
            return read.patients

    def forget(self, sid: bytes) -> None:
        """Drop what is in memory and in the cut of a session."""
        self._by_session.pop(sid, None)
        self._cuts.forget(sid)

    def _read(self, sid: bytes, study: Study) -> SiteRecords:
        """Read the source, and keep a cut of what is live."""
        records = read_records(
            self._config, study.codebook, self._now().date(), variables_read(study)
        )
        settings = self._config.data.source
        if source_of(settings.kind).is_live(settings):
            check_usable(records.findings, self._config.site)
            cut = cut_of(records, self._config, study.codebook, self._now(), name="")
            self._cuts.keep(sid, cut)
        return records

    def _kept(self, sid: bytes, study: Study) -> SiteRecords | None:
        """The records in the cut of a session; None where there is none."""
        cut = self._cuts.of(sid)
        if cut is None:
            return None
        return records_in(cut, study.codebook, "the cut of this session")

    def _take(self, sid: bytes, study: Study, records: SiteRecords) -> _Read:
        read = _Read(records, study, build_patients(records, self._config, study))
        self._by_session[sid] = read
        return read


def _require_unchanged(joined: JoinedSession, patients: Patients) -> None:
    committed = joined.session.advertisement.snapshot
    if snapshot_commitment(joined.salt, patients.digest()) != committed:
        raise DataError(
            "The records of this site are not those with which it joined the session. Restore them as they were and let the run "
            "start anew."
        )
