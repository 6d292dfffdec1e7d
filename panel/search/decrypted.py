"""Search in encrypted texts, which the database can't search: the values that the reader may see are decrypted and
compared here. Decrypted values are remembered (panel/kinds/encrypted.py), so that the next search costs little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from panel.base import Base
from panel.fields import Field
from panel.kinds import key_of


def holding(session: Session, model: type[Base], field: Field, word: str, *where: Any) -> ColumnElement[bool]:
    """The condition that an encrypted text holds a word, whatever its case, width and white space. `where` are
    conditions of the records to look through."""
    key = key_of(word)
    statement = select(model.id, getattr(model, field.attr)).where(getattr(model, field.attr).is_not(None), *where)
    return among(model, [id_ for id_, text in session.execute(statement) if key in key_of(text)])


def among(model: type[Base], ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a record is one of these. The ids stand in the statement itself, so that they can be many."""
    condition: ColumnElement[bool] = model.id.in_(bindparam(None, ids, expanding=True, literal_execute=True))
    return condition
