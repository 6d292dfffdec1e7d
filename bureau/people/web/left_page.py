"""The first page of the handover: whose work is handed over, on whom something hangs though they have left, and the
accounts of those who have left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from bureau.people import handover, holdings, left
from bureau.people.leaving import PAGE
from models import Community, Liaison, Officer
from panel import ids
from panel.errors import UserError
from panel.i18n import _, listed
from panel.kinds import tidy
from panel.web import render
from panel.web.context import current_panel
from panel.web.guards import safe_target
from panel.web.pages import Cell, Input, Page, Words

#: People and accounts that the page lists.
LISTED = 50
#: Look-ups of whose work may be handed over; they list those too who have left and communities that are closed.
LOOKUPS: dict[Any, str] = {
    Officer: "assignment.ajax_lookup",
    Liaison: "visit.ajax_lookup",
    Community: "visit.ajax_lookup",
}


@dataclass(slots=True)
class LeftRow:
    person: Cell
    kind: Words
    why: Words
    things: Words
    url: str


@dataclass(slots=True)
class AccountRow:
    """The account of somebody who has left. `value` is what the box posts."""

    value: str
    person: Cell
    kind: Words
    username: str


@dataclass(slots=True)
class ChoosePage(Page):
    inputs: list[Input] = field(default_factory=list)
    left: list[LeftRow] = field(default_factory=list)
    more: int = 0
    accounts: list[AccountRow] = field(default_factory=list)
    more_accounts: int = 0


def choose() -> Any:
    session = current_panel().session
    people, accounts = left.unfinished(session), left.open_accounts(session)
    shown = ChoosePage(
        title=_("Handover"),
        sub=_("Choose whose work is handed over: all that hangs on them is listed and given to others in one act."),
        inputs=[
            Input(
                model.__tablename__,
                model.__label__,
                "lookup",
                lookup_url=url_for(view, name=model.__tablename__, every=1),
            )
            for model, view in LOOKUPS.items()
        ],
        left=[
            LeftRow(
                Cell(one.name, url=render.record_url(one.table, one.id)),
                left.MODELS[one.table].__label__,
                one.why,
                holdings.summary(session, one.held) or handover.NOTHING,
                url_for(PAGE, person=f"{one.table}:{one.id}"),
            )
            for one in people[:LISTED]
        ],
        more=max(0, len(people) - LISTED),
        accounts=[
            AccountRow(
                one.key,
                Cell(one.name, url=render.record_url(one.table, one.person)),
                left.MODELS[one.table].__label__,
                one.username,
            )
            for one in accounts[:LISTED]
        ],
        more_accounts=max(0, len(accounts) - LISTED),
    )
    return render_template("people/handover_choose.html", page=shown)


def deactivate() -> Any:
    """Deactivate the accounts of people who have left."""
    session = current_panel().session
    if not handover.may(session):
        abort(403)
    chosen: dict[str, set[int]] = {}
    for text in request.form.getlist("person"):
        table, _colon, id_ = tidy(text).partition(":")
        if table in left.MODELS and (number := ids.parse(id_)) is not None:
            chosen.setdefault(table, set()).add(number)
    people = [
        person
        for table, numbers in chosen.items()
        for number in sorted(numbers)
        if (person := session.get(left.MODELS[table], number)) is not None
    ]
    try:
        names = list(left.deactivate(session, people))
        session.commit()
    except UserError as error:
        session.rollback()
        flash(render.sentence(error), "danger")
    else:
        if names:
            flash(str(_("The account {name} is deactivated.", name=listed(names))), "success")
        else:
            flash(str(_("There is no active account.")), "warning")
    return redirect(safe_target(request.form.get("url")) or url_for(PAGE))
