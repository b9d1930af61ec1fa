"""One proposal for each fact: of several the last stays.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("DELETE FROM proposal WHERE id NOT IN (SELECT max(id) FROM proposal GROUP BY fact)")
    op.create_index("proposal_fact", "proposal", ["fact"], unique=True)


def downgrade() -> None:
    op.drop_index("proposal_fact", "proposal")
