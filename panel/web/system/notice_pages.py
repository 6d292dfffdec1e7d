"""The page of the actor's notices, latest first. Opening a notice marks it as read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import func, select

from panel import ids
from panel.fields import field_named
from panel.i18n import _
from panel.jobs.records import Job
from panel.kinds import to_minute
from panel.notify import notices
from panel.notify.notices import KINDS, Kind
from panel.notify.records import Notice
from panel.search import listing
from panel.search.names import name_of
from panel.security.policy import Permission, model_of
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, Chip, Page, Pager, Words
from panel.web.system import job_pages

blueprint = Blueprint("notices", __name__, url_prefix="/notices")
SIZE = 50


@dataclass(slots=True)
class Line:
    """A notice as shown: its kind, the record that it is about, by whom, when."""

    id: int
    kind: Cell
    name: str
    sub: str
    who: str
    at: str
    unread: bool
    #: None if the record is outside the actor's scope.
    url: str | None


@dataclass(slots=True)
class NoticesPage(Page):
    lines: list[Line] = field(default_factory=list)
    chips: list[Chip] = field(default_factory=list)
    pager: Pager | None = None
    empty: Words = ""


@blueprint.get("/")
def index() -> Any:
    session, actor = current_panel().session, current_actor()
    only = request.args.get("is") == "unread"
    new, jobs = listing.counts(session, [(Notice, notices.unread(actor)), (Job, job_pages.unseen())])
    statement = select(Notice)
    if only:
        statement = statement.where(Notice.read_at.is_(None))
    count = new if only else session.execute(select(func.count(Notice.id))).scalar_one()
    number = min(max(ids.number(request.args.get("page"), 1), 1), -(-count // SIZE) or 1)
    result = session.execute(statement.order_by(Notice.id.desc()).offset((number - 1) * SIZE).limit(SIZE))
    page = NoticesPage(
        title=_("Notices"),
        sub=_("Your own; nobody else sees them."),
        lines=_lines(result.scalars().all()),
        chips=[
            Chip(_("All"), url_for("notices.index"), None, not only),
            Chip(_("Unread"), _list("unread"), new, only),
            Chip(_("Background tasks"), url_for("jobs.index"), jobs or None),
        ],
        empty=_("Nothing unread.") if only else _("No notices yet."),
    )
    if new:
        page.buttons.append(Button(_("Mark all as read"), url_for("notices.read_all"), "check", post=True))
    if count > SIZE:
        page.pager = Pager(
            page=number,
            pages=-(-count // SIZE),
            first=(number - 1) * SIZE + 1,
            last=min(number * SIZE, count),
            count=count,
            size=SIZE,
            url=lambda n: _list("unread" if only else None, n),
        )
    return render_template("panel/notices.html", page=page)


def _list(only: str | None, page: int | None = None) -> str:
    arguments: dict[str, Any] = {"is": only, "page": page}
    return url_for("notices.index", **arguments)


def _lines(shown: Sequence[Notice]) -> list[Line]:
    """The lines of a page. The records are read in one statement for each table, under the actor's scope."""
    panel, actor = current_panel(), current_actor()
    ids_by_table: dict[str, set[int]] = defaultdict(set)
    for notice in shown:
        if notice.record_id is not None:
            ids_by_table[notice.table_name].add(notice.record_id)
    records: dict[tuple[str, int], Any] = {}
    for table, record_ids in ids_by_table.items():
        model = model_of(table)
        if panel.policy.may(actor, Permission.READ, model):
            rows = panel.session.execute(select(model).where(model.id.in_(record_ids))).unique().scalars()
            records |= {(table, row.id): row for row in rows}
    return [_line(notice, records.get((notice.table_name, notice.record_id or 0))) for notice in shown]


def _line(notice: Notice, record: Any) -> Line:
    kind = KINDS.get(notice.kind, Kind(_("Notice")))
    if kind.words is not None and notice.numbers is not None:
        name = str(kind.words(notice.numbers))
    else:
        name = name_of(record) if notice.record_id else ""
    has_title = record is not None and field_named(type(record), "title") is not None
    return Line(
        id=notice.id,
        kind=Cell(str(kind.label), tone=kind.tone),
        name=name,
        sub=str(record.title or "") if has_title else "",
        who=notice.actor_name,
        at=to_minute(notice.at),
        unread=notice.read_at is None,
        url=_address(notice) if record is not None or notice.numbers is not None else None,
    )


def _address(notice: Notice) -> str | None:
    """The address of the record that a notice is about, or of the list of many records."""
    view, kind = current_panel().views.get(notice.table_name), KINDS.get(notice.kind)
    if view is None:
        return None
    if notice.record_id is not None:
        return url_for(f"{view.endpoint}.details_view", id=notice.record_id)
    listed: dict[str, Any] = {"is": kind.listed if kind is not None and kind.listed else None}
    return url_for(f"{view.endpoint}.index_view", **listed) if notice.numbers is not None else None


@blueprint.post("/<int:id_>/open")
def open_one(id_: int) -> Any:
    """Mark a notice as read and redirect to its record."""
    session = current_panel().session
    notice = session.execute(select(Notice).where(Notice.id == id_)).scalar_one_or_none()
    if notice is None:
        abort(404)
    target = _address(notice)
    notices.read(session, current_actor(), id_)
    session.commit()
    return redirect(target or url_for("notices.index"))


@blueprint.post("/read")
def read_all() -> Any:
    session = current_panel().session
    notices.read(session, current_actor())
    session.commit()
    return redirect(url_for("notices.index"))
