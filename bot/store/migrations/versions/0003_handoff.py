"""Codes between here and 311, which answers a conversation was given, and room for a long list of choices.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "handoff",
        sa.Column("code", sa.String(8), primary_key=True),
        sa.Column("made", sa.DateTime, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("given", sa.String(400), nullable=False),
    )
    with op.batch_alter_table("conversation") as conversation:
        conversation.alter_column("offered", type_=sa.Text, existing_type=sa.String(400), existing_nullable=False)
        conversation.add_column(sa.Column("given", sa.String(400), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_table("handoff")
    with op.batch_alter_table("conversation") as conversation:
        conversation.drop_column("given")
