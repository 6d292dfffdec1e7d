"""Rows of a roster of liaisons that may not be meant so: a word in place of a name, a remark of a leaving, a person or
a mobile number of another community, a year that is misspelt. Each is asked about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Liaison
from panel.base import UNSCOPED
from panel.chunks import chunks
from panel.i18n import _
from panel.imports.matching import Key, key_of
from panel.imports.plans import Plan, PlanRow
from panel.kinds import narrow, tidy, today

#: Words of a remark that tells that somebody left.
LEAVING = re.compile(
    "离职|离任|离岗|调离|调走|调出|调往|已调|退休(?!返聘)|辞职|辞去|不再(担任|任)|卸任|停职|病故|去世|换人|已换|由.{2,8}(接任|接替|担任|负责)"
)
#: Words that stand in place of a name, or tell that somebody isn't in office any more or yet.
NO_NAME = re.compile(
    "附件|详见|自行|安排|代管|代办|负责|担任|兼任|未定|^[未尚暂无同由]|招聘|新招|待[定岗补聘配]|到位|聘|值班|办公室|居委|社区|街道|物业|网格|某"
    r"|[x×]{2}|改[为成]|换成|更换|变更|调整|空[岗编置]|缺|撤|合并|另行|人员|已|[(\[【〔](原|前|曾|拟|候|待|代|离|退|调|辞)",
    re.IGNORECASE,
)
#: A term that begins later is asked about.
SOON = timedelta(days=366)


def doubt(session: Session, plan: Plan, rows: Sequence[PlanRow], listed: Collection[Key]) -> None:
    """Doubt such rows. `listed` are the people, by name and mobile number, whom the file itself gives several
    communities."""
    rows = [row for row in rows if not row.failed and row.effective("end_on") is None]
    for row in rows:
        _doubt_name(plan, row)
        _doubt_remark(row)
        _doubt_start(row)
    _doubt_people(
        session, [row for row in rows if (key_of(row.effective("name")), row.effective("mobile")) not in listed]
    )


def _doubt_name(plan: Plan, row: PlanRow) -> None:
    index = plan.part_of(row).index_of("name") if row.id is None and not row.has("doubts") else None
    if index is not None and NO_NAME.search(narrow(text := tidy(row.cells[index]))):
        row.doubt(_("“{value}” may not be the name of whoever is in office.", value=text))


def _doubt_remark(row: PlanRow) -> None:
    """Doubt a row that keeps a liaison in office with a remark that tells of a leaving."""
    note, name = row.values.get("note"), row.effective("name")
    if row.id is not None and note and LEAVING.search(note):
        row.doubt(_("The remark “{note}” may say that {name} has left.", note=note, name=name))
        row.as_it_stands = _("{name} stays in office", name=name)


def _doubt_start(row: PlanRow) -> None:
    start = row.values.get("start_on")
    if start is not None and start > today() + (SOON if row.id is None else timedelta()):
        row.doubt(_("The term begins on {day} only. Is the year right?", day=start))


def _doubt_people(session: Session, rows: Sequence[PlanRow]) -> None:
    """Doubt the rows that name the liaison of another community, or give somebody else's mobile number: the column of
    communities may have been sorted alone."""
    by_mobile: dict[str, list[PlanRow]] = defaultdict(list)
    by_name: dict[str, list[PlanRow]] = defaultdict(list)
    for row in rows:
        if (
            mobile := row.values.get("mobile") or (row.effective("mobile") if row.id is not None else None)
        ) is not None:
            by_mobile[mobile].append(row)
        elif row.succeeds:
            by_name[row.values["name"]].append(row)
    for other in _in_office(session, "mobile", by_mobile):
        for row in by_mobile[other.mobile]:
            if other.community_id == row.effective("community_id"):
                continue
            if key_of(other.name) == key_of(row.effective("name")):
                _tell_elsewhere(row)
            elif "mobile" in row.values:
                row.doubt(_("The liaison of another community has the mobile number {mobile}.", mobile=other.mobile))
    for other in _in_office(session, "name", by_name):
        for row in by_name[other.name]:
            if other.community_id != row.effective("community_id"):
                _tell_elsewhere(row)


def _tell_elsewhere(row: PlanRow) -> None:
    """Doubt a succession by somebody who is in office elsewhere; another row gets a note."""
    message = _("{name} is in office in another community as well.", name=row.effective("name"))
    if row.succeeds:
        row.doubt(message)
    elif message not in row.notes:
        row.notes.append(message)


def _in_office(session: Session, attr: str, values: Collection[str]) -> Iterator[Any]:
    liaison = Liaison.__table__.c
    for batch in chunks(sorted(values)):
        statement = select(liaison.name, liaison.mobile, liaison.community_id).where(
            liaison[attr].in_(batch), liaison.end_on.is_(None)
        )
        yield from session.execute(statement, execution_options=UNSCOPED)
