"""Secrets of second factors are encrypted with the data key, not with one that follows from SECRET_KEY

So a rotation of the data key covers them. A secret that SECRET_KEY doesn't open never gave a right code: its row goes,
and its person sets up another one at the next log-in.

Revision: 0023, after 0022
"""

import base64
import hmac
import logging
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from cryptography.fernet import Fernet, InvalidToken
from flask import current_app

from panel.kinds.encrypted import ring_of

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

FACTOR = sa.table("secondfactor", sa.column("id", sa.Integer()), sa.column("secret", sa.Text()))


def upgrade() -> None:
    with op.batch_alter_table("secondfactor") as batch_op:
        batch_op.alter_column("secret", existing_type=sa.String(length=300), type_=sa.Text(), existing_nullable=False)
    former = _former()
    _rewrite(lambda token: ring_of(op.get_bind().dialect).encrypt(former.decrypt(token.encode()).decode()))


def downgrade() -> None:
    former = _former()
    _rewrite(lambda token: former.encrypt(ring_of(op.get_bind().dialect).decrypt(token).encode()).decode())
    with op.batch_alter_table("secondfactor") as batch_op:
        batch_op.alter_column("secret", existing_type=sa.Text(), type_=sa.String(length=300), existing_nullable=False)


def _former() -> Fernet:
    """As the secrets were encrypted before."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return Fernet(base64.urlsafe_b64encode(hmac.digest(key, b"second factor", "sha256")))


def _rewrite(anew: Callable[[str], str]) -> None:
    bind = op.get_bind()
    for row in bind.execute(sa.select(FACTOR)).all():
        try:
            values = {"secret": anew(row.secret)}
        except (InvalidToken, LookupError):
            logging.getLogger("alembic").warning("a second factor was encrypted with another SECRET_KEY: removed")
            bind.execute(sa.delete(FACTOR).where(FACTOR.c.id == row.id))
        else:
            bind.execute(sa.update(FACTOR).where(FACTOR.c.id == row.id).values(**values))
