"""The tables of the store. Their history is in migrations/; a change here needs a migration there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {
        datetime: DateTime(timezone=True),
        bytes: LargeBinary(),
        str: Text(),
    }


class SiteRow(Table):
    """A site that was invited. `admitted_at` is empty until its keys were compared by telephone."""

    __tablename__ = "sites"

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    study_group: Mapped[str]
    contact: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(String(64))
    invited_at: Mapped[datetime]
    signing_key: Mapped[bytes | None]
    connection_key: Mapped[bytes | None]
    node_id: Mapped[str | None] = mapped_column(String(24))
    admitted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    release: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[datetime | None]


class RunRow(Table):
    """A run. With its nonce and the replies it received, it can be played again up to the round it was in.

    `driver` names the program that drives it, which must renew `driven_until`; `lost` counts drivers lost since something arrived.
    """

    __tablename__ = "runs"

    number: Mapped[int] = mapped_column(primary_key=True)
    plan: Mapped[str]
    version: Mapped[str] = mapped_column(String(64))
    plan_json: Mapped[bytes]
    codebook_json: Mapped[bytes]
    roster_json: Mapped[bytes]
    nonce: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]
    flower_run: Mapped[str | None] = mapped_column(String(24))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    results: Mapped[str | None]
    since: Mapped[datetime | None]
    driver: Mapped[str | None] = mapped_column(String(32))
    driven_until: Mapped[datetime | None]
    lost: Mapped[int] = mapped_column(server_default="0")


class MessageRow(Table):
    """A message of a run, byte for byte: what was asked of a site in one step, and what the site answered.

    Where several sites were asked the same in one step, the bytes are in the row of the first; the others have their hash.
    """

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("run", "step", "site", "direction"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("runs.number"))
    step: Mapped[str] = mapped_column(String(64))
    site: Mapped[str] = mapped_column(String(64))
    direction: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes]


class EvaluationRow(Table):
    """That in a step of a run the likelihood of a blind model was opened once more."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("run", "step", "model"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("runs.number"))
    step: Mapped[str] = mapped_column(String(64))
    model: Mapped[str]
