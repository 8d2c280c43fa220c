"""Who drives a run and until when, when sites were last seen, and the evaluations of blind models."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the table."""
    moment = sa.DateTime(timezone=True)
    op.add_column("sites", sa.Column("seen_at", moment))
    op.add_column("runs", sa.Column("since", moment))
    op.add_column("runs", sa.Column("driver", sa.String(32)))
    op.add_column("runs", sa.Column("driven_until", moment))
    op.add_column("runs", sa.Column("lost", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "evaluations",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("run", sa.Integer(), sa.ForeignKey("runs.number"), nullable=False),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.UniqueConstraint("run", "step", "model"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("evaluations")
    for column in ("lost", "driven_until", "driver", "since"):
        op.drop_column("runs", column)
    op.drop_column("sites", "seen_at")
