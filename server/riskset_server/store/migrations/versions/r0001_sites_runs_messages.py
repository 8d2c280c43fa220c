"""Sites, runs and their messages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first three tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "sites",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("study_group", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("invited_at", moment, nullable=False),
        sa.Column("signing_key", sa.LargeBinary()),
        sa.Column("connection_key", sa.LargeBinary()),
        sa.Column("node_id", sa.String(24)),
        sa.Column("admitted_at", moment),
        sa.Column("revoked_at", moment),
        sa.Column("release", sa.String(64)),
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("plan_json", sa.LargeBinary(), nullable=False),
        sa.Column("codebook_json", sa.LargeBinary(), nullable=False),
        sa.Column("roster_json", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("flower_run", sa.String(24)),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("results", sa.Text()),
    )
    op.create_table(
        "messages",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("run", sa.Integer(), sa.ForeignKey("runs.number"), nullable=False),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(8), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("run", "step", "site", "direction"),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("messages", "runs", "sites"):
        op.drop_table(table)
