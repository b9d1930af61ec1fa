"""Staff accounts, their sessions, the audit log, proposed facts, tallies; the language to ask an interpreter for.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("conversation", sa.Column("interpreter", sa.String(32)))
    op.add_column("handoff", sa.Column("interpreter", sa.String(32)))
    op.create_table(
        "staff",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("totp", sa.String(64), nullable=False),
        sa.Column("totp_last", sa.BigInteger, nullable=False),
        sa.Column("sign_in_wrong", sa.Integer, nullable=False),
        sa.Column("sign_in_at", sa.DateTime, nullable=False),
        sa.Column("code_wrong", sa.Integer, nullable=False),
        sa.Column("code_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "staff_session",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("staff", sa.String(32), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("began", sa.DateTime, nullable=False),
        sa.Column("seen", sa.DateTime, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("staff", sa.String(32), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("object", sa.String(64), nullable=False),
    )
    op.create_index("audit_at", "audit", ["at"])
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("fact", sa.String(64), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("checked", sa.Date, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("by", sa.String(32), nullable=False),
        sa.Column("confirmed_by", sa.String(32)),
    )
    op.create_table(
        "tally",
        sa.Column("week", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("staff", "staff_session", "audit", "proposal", "tally"):
        op.drop_table(table)
    for table in ("conversation", "handoff"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("interpreter")
