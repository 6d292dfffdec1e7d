"""What an account may see, for whoever reads the audit: its roles, its menu, and of a table the rows, columns and acts.
The page shows record numbers and no values, since who audits sees no business data; each look is noted in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, abort, g, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from panel.base import UNSCOPED, Base
from panel.fields import Personal, all_fields
from panel.i18n import Message, _, in_default_locale, listed
from panel.kinds import tidy
from panel.search import listing
from panel.security import audit
from panel.security.accounts import User, roles_in_force
from panel.security.granted import acting_as
from panel.security.policy import Actor, Permission
from panel.security.records import AuditAction, AuditEntry
from panel.security.session import permitted
from panel.web.context import current_actor, current_panel
from panel.web.downloads import logging_file
from panel.web.pages import Button, Cell, Column, DetailsPage, Group, Related, Row

blueprint = Blueprint("view_as", __name__, url_prefix="/view-as")
#: Record numbers that are shown of a table, the newest.
SHOWN = 50


def may_open() -> bool:
    policy, actor = current_panel().policy, current_actor()
    return all(policy.may(actor, Permission.READ, model) for model in (AuditEntry, User))


def button(user_id: int) -> Button | None:
    """The button on the page of an account."""
    return Button(_("What the account sees"), url_for("view_as.page", id_=user_id), "eye") if may_open() else None


@contextmanager
def _standing_in(actor: Actor) -> Iterator[None]:
    """Let the session read, and the links of the menu decide, as this account. Nothing is written meanwhile."""
    me = g.actor
    g.actor = actor
    try:
        with acting_as(current_panel().session, actor):
            yield
    finally:
        g.actor = me


@blueprint.get("/<int:id_>")
def page(id_: int) -> Any:
    """The page. 403 without the right to read audit and accounts, 404 for an unknown account or table."""
    if not may_open():
        abort(403)
    panel, table = current_panel(), tidy(request.args.get("table"))
    if table and table not in panel.views:
        abort(404)
    with logging_file() as log:
        seen = panel.views[table].model.__labels__ if table else _("menu and tables")
        audit.note(
            log, AuditAction.EVENT, "user", id_, in_default_locale(_("Looked at what it sees: {what}", what=seen))
        )
    statement = select(User).where(User.id == id_).options(joinedload(User.roles))
    user = panel.session.execute(statement, execution_options=UNSCOPED).unique().scalar_one_or_none()
    if user is None:
        abort(404)
    roles = roles_in_force(user) if user.active else frozenset()
    actor = panel.policy.actor(user.name, user.id, roles, panel.facts(panel.session, user.id, roles))
    with _standing_in(actor):
        shown = DetailsPage(title=_("What the account sees"), sub=" · ".join(dict.fromkeys((user.name, user.username))))
        shown.groups = [_roles(user, actor), _menu(actor)]
        shown.related = [_table(panel.views[table].model, actor)] if table else []
        shown.related += [_columns(panel.views[table].model, actor)] if table else []
        shown.related.append(_tables(actor, id_))
    return render_template("panel/details.html", page=shown)


def _roles(user: User, actor: Actor) -> Group:
    policy = current_panel().policy
    ends = {role.role: role.until for role in user.roles}
    facts: list[tuple[Message | str, Cell, bool]] = []
    for role in policy.roles_of(actor):
        until = ends.get(role.name)
        words = [str(role.description)]
        if role.name not in ends:
            words.append(str(_("by standing in for somebody")))
        elif until is not None:
            words.append(str(_("until {day}", day=until)))
        facts.append((role.label, Cell(" · ".join(words)), True))
    if not user.active:
        facts.append((_("Account"), Cell(str(_("Not active")), tone="bad"), False))
    return Group(_("Roles"), facts=facts or [(_("Roles"), Cell(str(_("None"))), False)])


def _menu(actor: Actor) -> Group:
    panel = current_panel()
    entries: dict[Message, list[str]] = {}
    links = [link for link in panel.links if link.may()]
    # In the order of the side bar.
    shown = [(link.group, link.label) for link in links if link.first]
    readable = [view for view in panel.views.values() if panel.policy.may(actor, Permission.READ, view.model)]
    shown += [(view.group, view.model.__labels__) for view in readable]
    for group, label in (*shown, *((link.group, link.label) for link in links if not link.first)):
        entries.setdefault(group, []).append(str(label))
    return Group(_("Menu"), facts=[(group, Cell(listed(labels)), True) for group, labels in entries.items()])


def _tables(actor: Actor, id_: int) -> Related:
    """The tables that the account reads, each with the number of rows and its acts. One statement."""
    panel = current_panel()
    read = [v for v in panel.views.values() if panel.policy.may(actor, Permission.READ, v.model)]
    counts = listing.counts(panel.session, [(v.model, listing.all_of([])) for v in read])
    rows = [
        Row(
            number,
            url_for("view_as.page", id_=id_, table=view.endpoint),
            [Cell(str(view.model.__labels__)), Cell(str(count)), Cell(listed(_acts(actor, view.model)))],
        )
        for number, (view, count) in enumerate(zip(read, counts, strict=True), 1)
    ]
    columns = [Column("0", _("Table")), Column("1", _("Rows it sees"), number=True), Column("2", _("Acts"))]
    return Related(_("Tables"), len(rows), "", columns, rows)


def _acts(actor: Actor, model: type[Base]) -> list[str]:
    policy = current_panel().policy
    acts = (act for act in Permission if act is not Permission.CHOOSE)
    return [str(act.label) for act in acts if policy.may(actor, act, model)]


def _table(model: type[Base], actor: Actor) -> Related:
    """The numbers of the newest rows that the account sees, and what it may do to each."""
    session, policy = current_panel().session, current_panel().policy
    count = session.execute(select(func.count()).select_from(model)).scalar_one()
    newest = select(model.id).order_by(model.id.desc()).limit(SHOWN)
    ids = list(session.execute(newest).scalars()) if policy.may(actor, Permission.READ, model) else []
    acts = [act for act in Permission if act not in (Permission.CHOOSE, Permission.CREATE, Permission.READ)]
    reach = {act: set(permitted(session, model, act, ids)) for act in acts if policy.may(actor, act, model)}
    rows = [
        Row(id_, "", [Cell(f"#{id_}"), Cell(listed(str(act.label) for act in reach if id_ in reach[act]))])
        for id_ in ids
    ]
    label = _("{label}: rows it sees", label=model.__labels__)
    return Related(label, count, "", [Column("0", _("Record no.")), Column("1", _("Acts"))], rows)


def _columns(model: type[Base], actor: Actor) -> Related:
    """The columns of a table, each clear, masked, or masked in some rows."""
    policy = current_panel().policy
    rows = []
    for number, declared in enumerate(all_fields(model), 1):
        masked = declared.personal is Personal.PRIVATE
        words = _("masked") if masked else _("clear")
        if declared.personal is Personal.WORK and policy.sees_masked(actor, model):
            reading = [role for role in policy.roles_of(actor) if Permission.READ in role.grants.get(model, ())]
            words = _("masked") if all(role.masked for role in reading) else _("clear in some rows")
        if masked and policy.may(actor, Permission.REVEAL, model):
            words = _("masked; in clear with a reason")
        rows.append(Row(number, "", [Cell(str(declared.label)), Cell(str(words))]))
    columns = [Column("0", _("Column")), Column("1", _("Shown"))]
    return Related(_("{label}: columns", label=model.__labels__), len(rows), "", columns, rows)
