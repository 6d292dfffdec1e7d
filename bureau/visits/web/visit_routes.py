"""Routes of a visit: check in and out, notes, survey, cases, excuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.exc import StaleDataError

from bureau.calendar.deadlines import local_day
from bureau.cases.errors import InvalidValues, StepNotAllowed
from bureau.visits import survey, visits
from bureau.visits.web.visit_page import Problems, build
from models import Case, SurveyEntry, Visit
from panel import ids
from panel.i18n import Message, _
from panel.security.creation import RowRefused
from panel.security.locks import Locked, Unmet
from panel.store.db_errors import explain_to
from panel.web.context import current_panel
from panel.web.features import Route
from panel.web.guards import safe_target


def page(id_: int) -> Any:
    return render_template("visits/visit.html", page=build(_visit(id_), {}, {}))


def arrive(id_: int) -> Any:
    form = request.form

    def act(session: Any, visit: Visit) -> Message:
        at = visits.moment(form.get("arrived_at", ""), "arrived_at")
        new = visits.arrive(session, visit, at=at, reason=form.get("reason"))
        if new and (left := visits.moment(form.get("left_at", ""), "left_at")) is not None:
            visits.leave(session, visit, at=left)
        if new:
            return _("Checked in at {community}", community=visit.community.name)
        return _("The visit had been begun already.")

    return _run(id_, act)


def leave(id_: int) -> Any:
    form = request.form

    def act(session: Any, visit: Visit) -> Message:
        at = _on_the_day(visit, form.get("left_time", ""))
        if "version" in form:
            visits.save_notes(session, visit, form, version=ids.version(request.form.get("version")))
        if visits.leave(session, visit, at=at):
            return _("Checked out of {community}", community=visit.community.name)
        return _("The visit had been ended already.")

    return _run(id_, act)


def notes(id_: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        visits.save_notes(session, visit, request.form, version=ids.version(request.form.get("version")))
        return _("Saved")

    return _run(id_, act)


def add_row(id_: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        if not visits.may_attend(session, visit):
            abort(403)
        entry, new = survey.note(session, visit, request.form)
        words = f"{entry.kind.label} {entry.address}"
        return _("Noted: {row}", row=words) if new else _("Brought up to date: {row}", row=words)

    return _run(id_, act, "survey")


def confirm(id_: int, row: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        if not visits.may_attend(session, visit):
            abort(403)
        entry = _row(visit, row)
        survey.confirm(session, visit, entry)
        return _("Confirmed: {row}", row=f"{entry.kind.label} {entry.address}")

    return _run(id_, act, "survey")


def make_case(id_: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        form = request.form
        case = visits.make_case(session, visit, form.get("place", ""), form.get("description", ""))
        return _("Turned into case {number}", number=case.case_no)

    return _run(id_, act, "cases")


def row_case(id_: int, row: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        entry = _row(visit, row)
        case = visits.make_case(session, visit, entry.address, survey.case_description(entry), entry)
        return _("Turned into case {number}", number=case.case_no)

    return _run(id_, act, "survey")


def excuse(id_: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        visits.excuse(session, visit, request.form.get("excuse", ""), version=ids.version(request.form.get("version")))
        return _("Excused: {community}", community=visit.community.name)

    return _run(id_, act)


def expect(id_: int) -> Any:
    def act(session: Any, visit: Visit) -> Message:
        visits.withdraw_excuse(session, visit, version=ids.version(request.form.get("version")))
        return _("Expected again: {community}", community=visit.community.name)

    return _run(id_, act)


def _run(id_: int, act: Callable[[Any, Visit], Message], anchor: str = "") -> Any:
    """Run an act and commit, then return to the visit or the page that posted it; on an error show the page with the
    typed texts and status 422."""
    session, visit = current_panel().session, _visit(id_)
    problems: Problems = {}
    try:
        message = act(session, visit)
        session.commit()
    except InvalidValues as error:
        problems = error.problems
    except StepNotAllowed as error:
        problems = {"": error.message}
    except RowRefused as error:
        shown = ("place", "description")
        problems = {name if name in shown else "": message for name, message in error.problems}
    except (Locked, Unmet) as error:
        problems = {"": error.message}
    except StaleDataError:
        problems = {"": visits.CHANGED_MEANWHILE}
    except IntegrityError as error:
        session.rollback()
        problems = {"": explain_to(session, error, Case)[1]}
    else:
        flash(str(message), "success")
        back = safe_target(request.form.get("url"))
        return redirect(back or url_for("duty_visit", id_=id_, _anchor=anchor or None))
    session.rollback()
    return render_template("visits/visit.html", page=build(_visit(id_), request.form, problems)), 422


def _visit(id_: int) -> Visit:
    statement = (
        select(Visit)
        .where(Visit.id == id_)
        .options(joinedload(Visit.community), joinedload(Visit.officer), joinedload(Visit.liaison))
        .execution_options(populate_existing=True)
    )
    visit: Visit | None = current_panel().session.execute(statement).unique().scalar_one_or_none()
    if visit is None:
        abort(404)
    return visit


def _row(visit: Visit, id_: int) -> SurveyEntry:
    """A survey entry of the visit's community. 404 for any other."""
    statement = select(SurveyEntry).where(SurveyEntry.id == id_, SurveyEntry.community_id == visit.community_id)
    entry: SurveyEntry | None = current_panel().session.execute(statement).scalar_one_or_none()
    if entry is None:
        abort(404)
    return entry


def _on_the_day(visit: Visit, text: str) -> datetime | None:
    """Parse a typed time on the day of arrival."""
    if not text.strip() or visit.arrived_at is None:
        return None
    return visits.moment(f"{local_day(visit.arrived_at).isoformat()} {text.strip()}", "left_at")


ROUTES = (
    Route("/duty/<int:id_>", "duty_visit", page),
    *(
        Route(f"/duty/<int:id_>/{name}", f"duty_{name}", act, methods=("POST",))
        for name, act in (
            ("arrive", arrive),
            ("leave", leave),
            ("notes", notes),
            ("survey", add_row),
            ("case", make_case),
            ("excuse", excuse),
            ("expect", expect),
        )
    ),
    Route("/duty/<int:id_>/survey/<int:row>/confirm", "duty_confirm", confirm, methods=("POST",)),
    Route("/duty/<int:id_>/survey/<int:row>/case", "duty_row_case", row_case, methods=("POST",)),
)
