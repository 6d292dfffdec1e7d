"""One more record of any table, and the values that its fields take."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

import models
from bureau.cases import events, intake
from panel.base import Base
from panel.fields import Field, fields
from panel.kinds import Amount, Choice, Day, Flag, FullName, Mobile, Moment, Text, Whole, now
from panel.security import creation
from tests.factories.tables import MODELS

numbers = itertools.count(1)


def another(session: Session, table: str, side: dict[str, int], **given: Any) -> Any:
    """One more record of a table, beside those of a side of the district."""
    model = MODELS[table]
    if table == "caseevent":
        about = session.get_one(models.Case, side["case"])
        return events.append(session, about, "note", about.status, about.status, None, f"测试 {next(numbers)}")
    if table == "userrole":
        given.setdefault("user_id", another(session, "user", side).id)
    if table == "mediation" and "case_id" not in given:
        # A case has one running mediation at most.
        given["case_id"] = another(session, "case", side).id
    made = model(**{**demanded(table, side), **given})
    if table == "case":
        intake.register(session, made, None, "测试")
    session.add(made)
    session.flush()
    return made


@contextmanager
def without_rule(model: type[Base]) -> Iterator[None]:
    """Rows of a table are added without the rule that new ones keep, as if that had been long ago."""
    rule = creation._RULES.pop(model)
    try:
        yield
    finally:
        creation.declare(model, rule)


def demanded(table: str, side: dict[str, int]) -> dict[str, Any]:
    """What a record can't do without, by attribute, another one each time: filled in by kind, and for the tables named
    here what their rules want besides."""
    n = next(numbers)
    more: dict[str, dict[str, Any]] = {
        "liaison": {"start_on": date(2020, 1, 1), "end_on": date(2020, 1, 2)},
        "assignment": {"start_on": date(1990, 1, 1) + timedelta(n), "end_on": date(1990, 1, 1) + timedelta(n)},
        "deputy": {
            "officer_id": side.get("second_officer"),
            "start_on": date(1990, 1, 1) + timedelta(n),
            "end_on": date(1990, 1, 1) + timedelta(n),
        },
        "case": {"place": f"某路 {n} 号"},
        "caseparty": {"role": models.PartyRole.RESPONDENT, "name": f"王小{n}", "phone": f"137{n:08}"},
        "referral": {"status": models.ReferralStatus.RETURNED, "return_reason": "不属本部门职责"},
        "measurement": {"second_officer_id": side.get("second_officer")},
        "mediationsession": {"session_no": None},
        "deadlinechange": {"status": models.ChangeStatus.REFUSED},
        "visit": {"planned_on": date(2100, 1, 4) + timedelta(7 * n)},
        "userrole": {"role": "viewer"},
        "auditentry": {"table_name": "street"},
        "exportlog": {"table_name": "street"},
        "importbatch": {"table_name": "street"},
        "importrow": {"outcome": "new"},
    }
    plain = {f.attr: value_of(f, n, side) for f in fields(MODELS[table]) if f.required and f.default is None}
    return {**plain, **more.get(table, {})}


def typed(table: str, side: dict[str, int], **given: str) -> dict[str, str]:
    """What one would type into the form of a new record, by field."""
    values = demanded(table, side)
    filled = {
        f.name: str(values[f.attr].value if isinstance(f.kind, Choice) else f.kind.format(values[f.attr]))
        for f in fields(MODELS[table])
        if f.attr in values and not f.readonly
    }
    return {**filled, **given}


def value_of(declared: Field, n: int, side: dict[str, int]) -> Any:
    """A value that a field takes, another one for each `n`."""
    kind = declared.kind
    if declared.reference:
        return side[declared.reference.table]
    if isinstance(kind, Choice):
        return next(iter(kind.choices))
    if isinstance(kind, Mobile):
        return f"138{n:08}"
    if isinstance(kind, FullName):
        return person(n)
    if isinstance(kind, Text):
        return f"某{n}"
    if isinstance(kind, Day):
        return date(2100, 1, 1) + timedelta(n)
    if isinstance(kind, Moment):
        return now()
    if isinstance(kind, Flag):
        return True
    return kind.low + n % 3 if isinstance(kind, Whole) else 1 if isinstance(kind, Amount) else {}


def person(number: int) -> str:
    """A name for each of many people; names have no digits."""
    return f"李{chr(0x4E00 + number % 20_000)}{chr(0x4E00 + number // 20_000)}"


def another_value(table: str, opened: dict[str, str]) -> dict[str, str]:
    """A field of an open form with another value that may be saved."""
    special = {
        "userrole": {"role": "officer"},
        "assignment": {"end_on": opened.get("start_on", "")[:4] + "-12-31"},
        # What was asked stays once the department has answered.
        "referral": {"joint_members": "某某"},
    }
    values = ((Mobile, "13655556666"), (Text, "某某"), (Flag, {"1": "0"}.get(opened.get("is_pilot", ""), "1")))
    for kind, value in values:
        for declared in fields(MODELS[table]):
            if table not in special and isinstance(declared.kind, kind) and not declared.readonly | declared.key:
                return {declared.name: value}
    return special[table]
