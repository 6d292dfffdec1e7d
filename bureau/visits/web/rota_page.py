"""The rota of visits (走访排班表) as a page to print and as a workbook. The form is prescribed: its texts are Chinese
in every language."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

from flask import abort, render_template, request, url_for
from sqlalchemy import select

from bureau.calendar.month import Month
from bureau.calendar.web.office import values
from bureau.printing import paper, register_sheet
from bureau.printing.register_sheet import Column
from bureau.settings import settings
from bureau.visits import rota
from bureau.visits.rota import Rota
from models import Community, Squad, Visit, VisitStatus
from panel import ids
from panel.i18n import DEFAULT_LOCALE, _, in_default_locale, using_locale
from panel.kinds import Invalid, tidy, today
from panel.security import audit
from panel.security.granted import Grant
from panel.security.policy import Permission
from panel.security.records import AuditAction
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file, noting, send_download
from panel.web.features import Route
from panel.web.pages import Input, Page

TITLE = "走访排班表"
MARKS = {VisitStatus.EXEMPT: "（免访）"}
MONTHS_AHEAD, MONTHS_BACK = 2, 24


@dataclass(slots=True)
class RotaPage(Page):
    """`rows` are street, community and a name for each Monday. The street's cell spans `spans[i]` rows; 0 for a row
    that it already covers."""

    unit: str = ""
    made_on: str = ""
    inputs: list[Input] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)
    empty: Any = ""
    file_url: str = ""
    back_url: str = ""


@dataclass(frozen=True, slots=True)
class RotaRequest:
    month: Month
    squad: int | None
    squad_name: str


def may_open() -> bool:
    return current_panel().policy.may(current_actor(), Permission.READ, Visit)


def _may_export() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EXPORT, Visit)


def page() -> Any:
    if not may_open():
        abort(403)
    squads = _squads()
    params = _params(squads)
    with using_locale(DEFAULT_LOCALE):
        month_rota = rota.rota(current_panel().session, params.month, squad=params.squad)
        rows = _rows(month_rota)
    day = today()
    rota_page = RotaPage(title=_title(params), unit=f"{values()['unit_name']}{params.squad_name}")
    rota_page.made_on = f"{day.year}年{day.month}月{day.day}日"
    rota_page.head = ["街道", "社区", *(_day(monday) for monday in month_rota.mondays)]
    rota_page.rows, rota_page.spans = rows, _spans([row[0] for row in rows])
    rota_page.empty = _("No visits are planned in this month.")
    rota_page.inputs = _inputs(params, squads)
    rota_page.back_url = url_for("home")
    if _may_export() and rows:
        rota_page.file_url = url_for("duty_rota_file", month=str(params.month), squad=params.squad or "")
    return render_template("visits/rota.html", page=rota_page)


def download() -> Any:
    panel = current_panel()
    params = _params(_squads())
    target, all_settings = BytesIO(), settings.all_values(panel.session)
    with using_locale(DEFAULT_LOCALE):
        month_rota = rota.rota(panel.session, params.month, squad=params.squad)
        rows = _rows(month_rota)
    heading = paper.heading(all_settings, _title(params), params.month.span, part=params.squad_name)
    columns = [
        Column("街道", 13, joined=True),
        Column("社区", 15),
        *(Column(_day(monday), 16) for monday in month_rota.mondays),
        Column("备注", 16),
    ]
    count = register_sheet.write(
        target, TITLE, heading, columns, [[*row, None] for row in rows], total=f"{len(rows)} 个社区"
    )
    name = paper.file_name(heading.title)
    with logging_file() as session:
        note = _("Register written: {name}, {n} rows", name=name.removesuffix(".xlsx"), n=count)
        audit.note(session, AuditAction.EVENT, Visit.__tablename__, None, in_default_locale(note))
    noting(Visit.__tablename__, count)
    return send_download(BytesIO(target.getvalue()), name)


def _title(params: RotaRequest) -> str:
    return f"{TITLE}（{params.month.words}）"


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"


def _rows(month_rota: Rota) -> list[list[str]]:
    return [
        [
            line.street,
            line.community,
            *(
                line.officers.get(day, "") + MARKS.get(line.statuses.get(day, VisitStatus.PLANNED), "")
                for day in month_rota.mondays
            ),
        ]
        for line in month_rota.lines
    ]


def _spans(streets: list[str]) -> list[int]:
    """The row span of each street at its first row, 0 at the others."""
    spans = [0] * len(streets)
    first = 0
    for index, street in enumerate(streets):
        if street != streets[first]:
            first = index
        spans[first] += 1
    return spans


def _squads() -> dict[int, str]:
    """Names of the squads of communities in the actor's scope, by id."""
    reached = select(Community.squad_id)
    statement = select(Squad.id, Squad.name).where(Squad.id.in_(reached)).order_by(Squad.name_key)
    return dict(current_panel().session.execute(statement).all())


def _params(squads: dict[int, str]) -> RotaRequest:
    """The month and squad in the address; by default this month and all squads. 404 for bad values."""
    args = request.args
    try:
        month = Month.parse(args["month"]) if tidy(args.get("month")) else Month.of(today())
    except Invalid:
        abort(404)
    squad = ids.parse(args.get("squad"))
    if tidy(args.get("squad")) and squad not in squads:
        abort(404)
    return RotaRequest(month, squad, squads[squad] if squad is not None else "")


def _inputs(params: RotaRequest, squads: dict[int, str]) -> list[Input]:
    this_month = Month.of(today())
    months = sorted({params.month, *(this_month.plus(i) for i in range(-MONTHS_BACK, MONTHS_AHEAD))}, reverse=True)
    inputs = [
        Input("month", _("Month"), "select", str(params.month), choices=[(str(m), m.label) for m in months]),
    ]
    if len(squads) > 1:
        names = [("", str(_("All squads"))), *((str(id_), name) for id_, name in squads.items())]
        inputs.append(Input("squad", _("Squad"), "select", str(params.squad or ""), choices=names))
    return inputs


ROUTES = (
    Route("/duty/rota", "duty_rota", page),
    Route("/duty/rota/file", "duty_rota_file", download, grants=(Grant(Permission.EXPORT, (Visit,)),)),
)
