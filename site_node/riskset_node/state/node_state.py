"""The memory of a site: one SQLite file with its sessions, the rounds that it answered and everything that left.

A step of the protocol is one transaction, written before a byte leaves: the new state of the session and the message itself. A node
that is killed at any point therefore either did not send or can send the same bytes again. `node_state.md` argues what this holds
against, and how a file that was set back to an older copy is noticed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.strict_fields import Profile
from riskset_common.secure.sums.site_session import SessionSecrets, SiteSession
from riskset_node.cuts.sessions import SessionCuts
from riskset_node.state.outbox import Outbox
from riskset_node.state.refusals import Refusals
from riskset_node.state.tables import bring_up_to_date
from riskset_node.state.told import OfferedPlan, SettingsInForce, plan_of, settings_in

_COUNTER_DIGITS = 20
_FREE_PAGES = 1000
"""So many free pages the file keeps for the next session; with more it is written anew, without them."""
_FLUSH = getattr(os, "fdatasync", os.fsync)
"""Through to the disk; where the system can, without the file's times, which would cost a second write each step."""


@dataclass(frozen=True)
class StoredSession:
    """One session as the file holds it: what was received and drawn. All keys follow from it; without `secrets` it is closed.

    Attributes
    ----------
    offer, keys
        The messages, byte for byte; keys None until they were accepted.
    salt
        Of the commitment to the records, 32 bytes.
    frozen
        The set of sites in every sum, once fixed.
    rounds
        Number, profile and label of each report.
    shares
        Number and contributors of each round of which shares were given away.
    """

    offer: bytes
    salt: bytes = field(repr=False)
    secrets: SessionSecrets | None
    keys: bytes | None
    frozen: tuple[int, ...] | None
    rounds: tuple[tuple[int, Profile, bytes], ...]
    shares: tuple[tuple[int, tuple[int, ...]], ...]


class NodeState:
    """The file `node.sqlite` of one site; made, readable by its owner alone, when it is not there. Its directory must exist.

    The cuts of its sessions are files of their own: in the folder `cuts`, or, where several sites share a directory, in `SITE.cuts`.

    Raises
    ------
    ProtocolRefusal
        Where the file is older than the counter beside it says: it was restored from a copy. Or where a newer release wrote it.
    """

    def __init__(self, path: Path, cuts: Path | None = None) -> None:
        self.path = path
        self.cuts = SessionCuts(cuts or path.with_suffix(".cuts"))
        """Records that are kept for the sessions under way."""
        self.outbox = Outbox(path)
        """Everything that left this site."""
        self._database = self.outbox.database
        self._database.execute("PRAGMA secure_delete = ON")
        try:
            bring_up_to_date(self._database)
        except ProtocolRefusal:
            self.close()
            raise
        self.refusals = Refusals(self._database)
        """Why this site said no, for its own people."""
        self._counter = _Counter(path.with_name(path.name + ".counter"))
        try:
            self._counter.check(self._steps(), path)
        except ProtocolRefusal:
            self.close()
            raise

    @contextmanager
    def step(self) -> Iterator[None]:
        """One step of the protocol: all that is stored within is stored together, or not at all, before the block ends."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("UPDATE counter SET steps = steps + 1")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        self._counter.set(self._steps())

    def require_roster(self, version: int) -> None:
        """Refuse a roster older than one seen before; a revoked key must not come back. Remembers the version otherwise."""
        (seen,) = self._database.execute("SELECT version FROM roster_seen").fetchone()
        if version < seen:
            raise ProtocolRefusal(
                f"The offer brings roster version {version}; this site has already seen version {seen}. Keys may have been revoked since: "
                "the centre must use the newest roster."
            )
        self._database.execute("UPDATE roster_seen SET version = ?", (version,))

    def session(self, sid: bytes) -> StoredSession | None:
        """A session of this site; None where the SID was never used here."""
        row = self._database.execute(
            "SELECT offer, salt, ephemeral_private, self_root, keys, frozen FROM sessions WHERE sid = ?",
            (sid,),
        ).fetchone()
        if row is None:
            return None
        offer, salt, ephemeral, root, keys, frozen = row
        rounds = self._database.execute(
            "SELECT round, profile, label FROM rounds WHERE sid = ? ORDER BY round", (sid,)
        )
        shares = self._database.execute(
            "SELECT round, contributors FROM shares WHERE sid = ? ORDER BY round", (sid,)
        )
        return StoredSession(
            offer=offer,
            salt=salt,
            secrets=None if ephemeral is None else SessionSecrets(ephemeral, root),
            keys=keys,
            frozen=_numbers(frozen),
            rounds=tuple(rounds.fetchall()),
            shares=tuple((number, _numbers(text) or ()) for number, text in shares.fetchall()),
        )

    def join(self, session: SiteSession, offer: bytes, salt: bytes, now: datetime) -> None:
        """Store a new session. The SID stays used for ever."""
        if session.secrets is None:
            raise ProtocolRefusal("A closed session cannot be joined.")
        secrets = session.secrets.ephemeral_private, session.secrets.self_root
        self._database.execute(
            "INSERT INTO sessions (sid, joined_at, offer, salt, ephemeral_private, self_root) VALUES (?, ?, ?, ?, ?, ?)",
            (session.sid, now.isoformat(), offer, salt, *secrets),
        )

    def accept(self, session: SiteSession, keys: bytes) -> None:
        """Store the accepted keys."""
        self._database.execute(
            "UPDATE sessions SET keys = ? WHERE sid = ? AND keys IS NULL", (keys, session.sid)
        )
        self.freeze(session)

    def freeze(self, session: SiteSession) -> None:
        """Store the set of sites, if it is fixed."""
        self._database.execute(
            "UPDATE sessions SET frozen = ? WHERE sid = ?", (_text(session.frozen), session.sid)
        )

    def answer(self, session: SiteSession) -> None:
        """Store the round that was answered last, unless it is stored already."""
        last = session.answered[-1]
        self._database.execute(
            "INSERT OR IGNORE INTO rounds (sid, round, profile, label) VALUES (?, ?, ?, ?)",
            (session.sid, last.round, last.profile, last.label),
        )

    def give_shares(self, session: SiteSession) -> None:
        """Store for which sites shares were given away, and the set that this fixes."""
        last = session.unmasked[-1]
        self._database.execute(
            "INSERT OR IGNORE INTO shares (sid, round, contributors) VALUES (?, ?, ?)",
            (session.sid, last.round, _text(last.contributors)),
        )
        self.freeze(session)

    def keep_opening(self, sid: bytes, round_number: int, message: bytes) -> None:
        """Store an opening on whose sums later questions rest, unless it is stored already."""
        self._database.execute(
            "INSERT OR IGNORE INTO openings (sid, round, message) VALUES (?, ?, ?)",
            (sid, round_number, message),
        )

    def openings(self, sid: bytes) -> Iterator[bytes]:
        """The openings of a session that are kept, in order."""
        for (message,) in self._database.execute(
            "SELECT message FROM openings WHERE sid = ? ORDER BY round", (sid,)
        ):
            yield bytes(message)

    def begin_blind(self, sid: bytes, secret: bytes) -> None:
        """Store the 32 bytes that were drawn for the blind models of a session."""
        self._database.execute(
            "INSERT INTO blind_secrets (sid, secret) VALUES (?, ?)", (sid, secret)
        )

    def blind_secret(self, sid: bytes) -> bytes | None:
        """What was drawn for the blind models of a session; None before they began, and after the session was closed."""
        row = self._database.execute(
            "SELECT secret FROM blind_secrets WHERE sid = ?", (sid,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def take_blind_step(self, sid: bytes, step: int, message: bytes) -> None:
        """Store what was received in a step of the blind models: all that this site computes follows from it."""
        self._database.execute(
            "INSERT INTO blind_steps (sid, step, message) VALUES (?, ?, ?)", (sid, step, message)
        )

    def blind_steps(self, sid: bytes) -> Iterator[bytes]:
        """What was received of the blind models of a session, in order."""
        for (message,) in self._database.execute(
            "SELECT message FROM blind_steps WHERE sid = ? ORDER BY step", (sid,)
        ):
            yield bytes(message)

    def last_blind_step(self, sid: bytes) -> int:
        """Number of the last step of the blind models that this site answered; 0 before the first."""
        (last,) = self._database.execute(
            "SELECT coalesce(max(step), 0) FROM blind_steps WHERE sid = ?", (sid,)
        ).fetchone()
        return int(last)

    def was_blind_step(self, sid: bytes, step: int, message: bytes) -> bool:
        """Whether a step that was answered was this message."""
        row = self._database.execute(
            "SELECT message FROM blind_steps WHERE sid = ? AND step = ?", (sid, step)
        ).fetchone()
        return row is not None and bytes(row[0]) == message

    def is_open(self, sid: bytes) -> bool:
        """Whether this site is in a session and has its keys."""
        return (
            self._database.execute(
                "SELECT 1 FROM sessions WHERE sid = ? AND ephemeral_private IS NOT NULL", (sid,)
            ).fetchone()
            is not None
        )

    def open_sessions(self) -> frozenset[bytes]:
        """The sessions that this site is in and has the keys of."""
        rows = self._database.execute(
            "SELECT sid FROM sessions WHERE ephemeral_private IS NOT NULL"
        )
        return frozenset(bytes(sid) for (sid,) in rows)

    def count_refusal(self, sid: bytes) -> int:
        """Count one more message of a session that this site refuses; gives how many they are, 0 where it is in no such session."""
        row = self._database.execute(
            "UPDATE sessions SET refused = refused + 1 WHERE sid = ? RETURNING refused", (sid,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def plan(self, sid: bytes) -> OfferedPlan:
        """What the offer of a session says of its run and plan; nothing where the session was never joined here."""
        row = self._database.execute("SELECT offer FROM sessions WHERE sid = ?", (sid,)).fetchone()
        return OfferedPlan() if row is None else plan_of(row[0])

    def under_way(self, sid: bytes) -> bool:
        """Whether this site joined a session that has not ended here: one that it refused, or that is over, ends only once."""
        row = self._database.execute(
            "SELECT closed_at FROM sessions WHERE sid = ?", (sid,)
        ).fetchone()
        return row is not None and row[0] is None

    def tell_settings(self, settings: SettingsInForce) -> None:
        """Store for the site's people by which settings the node answers."""
        self._database.execute(
            "INSERT OR REPLACE INTO settings (only_row, policy_at, trouble, waiting) VALUES (1, ?, ?, ?)",
            (settings.policy_at.isoformat(), settings.trouble or None, " ".join(settings.waiting)),
        )

    def settings(self) -> SettingsInForce | None:
        """What was stored of the settings; None before the first start."""
        return settings_in(self._database)

    def forget(self, sid: bytes, now: datetime, because: str = "") -> None:
        """Delete what could open the reports of a session, and shrink what nobody can read without it. The SID stays, so that it is never
        used again.

        `because` says, for the site's own people, why the session ends here; empty where the centre closed it.
        """
        for table in ("openings", "blind_secrets"):
            self._database.execute(f"DELETE FROM {table} WHERE sid = ?", (sid,))  # noqa: S608  # names written here
        self._database.execute(
            "UPDATE sessions SET ephemeral_private = NULL, self_root = NULL, closed_at = coalesce(closed_at, ?), "
            "ended_because = coalesce(ended_because, ?) WHERE sid = ?",
            (now.isoformat(), because, sid),
        )
        with self._without_zeros():
            self._database.execute("DELETE FROM blind_steps WHERE sid = ?", (sid,))
            self.outbox.shrink(sid)

    @contextmanager
    def _without_zeros(self) -> Iterator[None]:
        """Delete what nobody can read without the secrets: zeros over hundreds of megabytes would protect nothing."""
        self._database.execute("PRAGMA secure_delete = OFF")
        try:
            yield
        finally:
            self._database.execute("PRAGMA secure_delete = ON")

    def overwrite(self) -> None:
        """Write zeros over what was deleted, in the file and in its log, and give its room back. Run after the step that deleted it."""
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        if free > _FREE_PAGES:
            self._database.execute("VACUUM")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.execute("PRAGMA shrink_memory")

    def close(self) -> None:
        """Close the file."""
        self.outbox.close()

    def _steps(self) -> int:
        (steps,) = self._database.execute("SELECT steps FROM counter").fetchone()
        return int(steps)


class _Counter:
    """The number of steps, in a small file beside the state: written after the state, and before the message leaves."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, steps: int, state: Path) -> None:
        """Raise where the state has made fewer steps than were counted."""
        try:
            counted = int(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            counted = 0 if steps == 0 else steps + 1
        except ValueError:
            counted = steps + 1
        if steps < counted:
            raise ProtocolRefusal(
                f"{state} is older than what this site has sent, or {self._path.name} beside it was lost or changed. A restored copy would "
                "answer rounds a second time. Let its sessions end: put both files away, and join new sessions with a new file."
            )
        self.set(steps)

    def set(self, steps: int) -> None:
        """Write the number down, through to the disk. Always the same length: one sector, overwritten in place."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, f"{steps:0{_COUNTER_DIGITS}d}\n".encode("ascii"), 0)
            _FLUSH(descriptor)
        finally:
            os.close(descriptor)


def _text(numbers: tuple[int, ...] | None) -> str | None:
    return None if numbers is None else " ".join(map(str, numbers))


def _numbers(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(map(int, text.split()))
