"""Counts of a day, and why an answer was flagged.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("on", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.rename_table("flag", "flag_before")
    op.create_table(
        "flag",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("on", sa.Date, primary_key=True),
        sa.Column("reason", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.execute('INSERT INTO flag (id, "on", reason, count) SELECT id, "on", 0, count FROM flag_before')
    op.drop_table("flag_before")


def downgrade() -> None:
    op.drop_table("counter")
    op.drop_table("flag")
    op.create_table(
        "flag",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("on", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
