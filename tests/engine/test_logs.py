"""What the log holds, and what it does not."""

from __future__ import annotations

import json
import logging

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

import models
from panel.logs import JsonLines
from tests import factories


def test_a_log_line_is_one_json_object_with_its_extra_values() -> None:
    record = logging.makeLogRecord(
        {"name": "panel", "levelname": "INFO", "msg": "done %s", "args": ("it",), "batch": 7}
    )
    line = JsonLines().format(record)
    entry = json.loads(line)
    assert "\n" not in line
    assert (entry["message"], entry["logger"], entry["batch"]) == ("done it", "panel", 7)


def test_a_database_error_tells_no_values(panel: object, district: factories.District) -> None:
    session = panel.session  # type: ignore[attr-defined]
    statement = sa.insert(models.Street.__table__).values(name="城东街道")
    with pytest.raises(IntegrityError) as told:
        session.connection().execute(statement)
    assert "城东街道" not in str(told.value).replace(str(told.value.orig), "")
