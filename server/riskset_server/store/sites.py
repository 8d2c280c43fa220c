"""The registry of sites: invited, admitted when their keys were compared by telephone, revoked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import InputError, Refusal
from riskset_server.store.database import Database
from riskset_server.store.run_state import in_utc
from riskset_server.store.tables import SiteRow


@dataclass(frozen=True)
class SiteRecord:
    """One site. `signing_key` is Ed25519, 32 bytes; `connection_key` EC, PEM; both empty until it enrolled."""

    number: int
    name: str
    study_group: str
    contact: str
    signing_key: bytes | None
    connection_key: bytes | None
    node_id: int | None
    admitted_at: datetime | None
    revoked_at: datetime | None
    release: str | None
    seen_at: datetime | None
    """When its node was last heard of."""

    @property
    def is_admitted(self) -> bool:
        """Whether it may connect and take part."""
        return self.admitted_at is not None and self.revoked_at is None


class Sites:
    """The sites in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def invite(self, name: str, study_group: str, contact: str, token: str, now: datetime) -> None:
        """Enter a site, or invite it again with a new token while it is not admitted; only the token's hash is kept."""
        with self._database.session() as session:
            row = session.scalars(select(SiteRow).filter_by(name=name)).one_or_none()
            if row is None:
                row = SiteRow(name=name)
                session.add(row)
            elif row.admitted_at is not None and row.revoked_at is None:
                raise InputError(
                    f"site {name}: is admitted already. Revoke it first (`riskset site revoke {name}`) if its keys were lost."
                )
            row.study_group, row.contact, row.invited_at = study_group, contact, now
            row.token_sha256 = hashlib.sha256(token.encode()).hexdigest()
            row.signing_key = row.connection_key = row.node_id = None
            row.admitted_at = row.revoked_at = None

    def check_token(self, name: str, token: str) -> None:
        """Raise `Refusal` unless the token is the one of the site's last invitation, and was not used."""
        with self._database.session() as session:
            if _row(session, name).token_sha256 != hashlib.sha256(token.encode()).hexdigest():
                raise Refusal(
                    f"site {name}: the enrolment does not answer the invitation last sent, or was used before. Invite the site again."
                )

    def admit(self, name: str, signing_key: bytes, connection_key: bytes, now: datetime) -> None:
        """Take a site's public keys; its token is used up."""
        with self._database.session() as session:
            row = _row(session, name)
            row.token_sha256 = ""
            row.signing_key, row.connection_key, row.admitted_at = signing_key, connection_key, now

    def revoke(self, name: str, now: datetime) -> None:
        """Note that a site may no longer connect."""
        with self._database.session() as session:
            _row(session, name).revoked_at = now

    def connected(self, name: str, node_id: int) -> None:
        """Note the number by which Flower knows the site."""
        self._change(name, node_id=str(node_id))

    def release_seen(self, name: str, release: str) -> None:
        """Note the release that the site says it runs, without what would steer a terminal."""
        self._change(name, release="".join(filter(str.isprintable, release))[:64])

    def seen(self, name: str, moment: datetime) -> None:
        """Note when the site's node was last heard of, unless it was heard of later."""
        later = or_(SiteRow.seen_at.is_(None), SiteRow.seen_at < moment)
        with self._database.session() as session:
            session.execute(
                update(SiteRow).where(SiteRow.name == name, later).values(seen_at=moment)
            )

    def _change(self, name: str, **changes: object) -> None:
        # One statement: what reads first and writes then would have to begin anew whenever another program wrote in between.
        with self._database.session() as session:
            session.execute(update(SiteRow).where(SiteRow.name == name).values(changes))

    def get(self, name: str) -> SiteRecord:
        """One site."""
        with self._database.session() as session:
            return _record(_row(session, name))

    def all(self) -> list[SiteRecord]:
        """All sites in the order of their numbers."""
        with self._database.session() as session:
            rows = session.scalars(select(SiteRow).order_by(SiteRow.number)).all()
            return [_record(row) for row in rows]

    def roster(self) -> Roster:
        """The roster of all admitted sites. Its version counts the changes: admissions and revocations.

        Raises
        ------
        InputError
            Where no site is admitted.
        """
        sites = self.all()
        members = tuple(
            Member(
                site_id=site.number,
                name=site.name,
                study_group=site.study_group,
                public=site.signing_key,
            )
            for site in sites
            if site.is_admitted and site.signing_key is not None
        )
        if not members:
            raise InputError(
                "No site is admitted. Invite sites (`riskset site invite`) and admit them (`riskset site admit`)."
            )
        changes = sum(
            (site.admitted_at is not None) + (site.revoked_at is not None) for site in sites
        )
        return Roster(version=changes, members=members)


def _row(session: Session, name: str) -> SiteRow:
    row = session.scalars(select(SiteRow).filter_by(name=name)).one_or_none()
    if row is None:
        raise InputError(
            f"site {name}: is not known here. `riskset site list` shows all, `riskset site invite {name}` invites it."
        )
    return row


def _record(row: SiteRow) -> SiteRecord:
    return SiteRecord(
        number=row.number,
        name=row.name,
        study_group=row.study_group,
        contact=row.contact,
        signing_key=row.signing_key,
        connection_key=row.connection_key,
        node_id=None if row.node_id is None else int(row.node_id),
        admitted_at=row.admitted_at,
        revoked_at=row.revoked_at,
        release=row.release,
        seen_at=None if row.seen_at is None else in_utc(row.seen_at),
    )
