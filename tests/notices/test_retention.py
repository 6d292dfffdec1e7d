"""Notices and messages are kept for as many days as the office has set, and no moment longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from bureau.notices import notices
from bureau.settings import settings
from panel.kinds import now
from panel.notify.records import DeliveryState, Notice, WebhookDelivery
from tests.factories import Stage

pytestmark = pytest.mark.database

DAYS = 30


@pytest.mark.parametrize("state", DeliveryState)
@pytest.mark.parametrize(("later", "kept"), [(timedelta(), True), (timedelta(microseconds=1), False)])
def test_what_is_older_goes(stage: Stage, state: DeliveryState, later: timedelta, *, kept: bool) -> None:
    at = now()
    with stage.session() as session:
        settings.put(session, "notice_days", DAYS)
        owner = stage.district.users["office"]
        session.add(Notice(at=at, kind="assigned", mark="m", owner_id=owner))
        session.add(WebhookDelivery(at=at, kind="assigned", mark="m", state=state, payload={}))
    with time_machine.travel(at + timedelta(days=DAYS) + later, tick=False), stage.session() as session:
        notices.forget(session)
        for model in (Notice, WebhookDelivery):
            found = session.scalar(sa.select(model.id).where(model.mark == "m"))
            assert (found is not None) is kept, model
