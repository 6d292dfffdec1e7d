"""The export log, which 0002 makes since then; some databases stand at this version

Revision: 0003, after 0002
"""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: 0004 adds whatever is missing."""


def downgrade() -> None:
    """Nothing was added."""
