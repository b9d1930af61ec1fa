"""The first tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("channel", sa.String(8), nullable=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.Column("locale", sa.String(16)),
        sa.Column("last_id", sa.String(64)),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("offered", sa.String(400), nullable=False),
        sa.Column("flow", sa.String(64)),
        sa.Column("node", sa.String(64)),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("welcomed", sa.Boolean, nullable=False),
    )
    op.create_index("conversation_seen", "conversation", ["seen"])
    op.create_table(
        "answered",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
    )
    op.create_index("answered_at", "answered", ["at"])
    op.create_table(
        "optout",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("on", sa.Date, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
    )
    op.create_table(
        "twilio_cleanup",
        sa.Column("sid", sa.String(34), primary_key=True),
        sa.Column("due", sa.DateTime, nullable=False),
    )
    op.create_index("twilio_cleanup_due", "twilio_cleanup", ["due"])
    op.create_table(
        "flag",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("on", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("flag", "twilio_cleanup", "optout", "answered", "conversation"):
        op.drop_table(table)
