"""What the pages of people and communities show of a handover: its button, what hangs on whoever has left, and their
account while it is active; and who helps them to log in."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from sqlalchemy import ColumnElement, and_, or_

from bureau.people import accounts, handover, holdings, left
from bureau.people.leaving import PAGE
from bureau.people.web import cards
from models import Liaison, Officer
from panel.fields import field_named
from panel.i18n import _, listed
from panel.kinds import today
from panel.search.listing import Quick
from panel.search.periods import between
from panel.security.accounts import User
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.pages import Button, Cell, DetailsPage
from panel.web.views import SchemaView


def _in_office() -> ColumnElement[bool]:
    return and_(Liaison.start_on <= today(), or_(Liaison.end_on.is_(None), Liaison.end_on >= today()))


#: The declared views of the lists of liaisons and officers.
LIAISONS = {
    "in_office": Quick(_("In office now"), lambda _a: _in_office()),
    "new": Quick(_("Began this month"), lambda _a: between(Liaison.start_on, "this_month"), query="sort=-start_on"),
    "no_account": Quick(_("Without an account"), lambda _a: and_(_in_office(), Liaison.user_id.is_(None))),
    "left": Quick(_("Left office"), lambda _a: Liaison.end_on < today(), counted=False, query="sort=-end_on"),
}
OFFICERS = {
    "in_service": Quick(_("In service"), lambda _a: Officer.active.is_(True)),
    "no_account": Quick(_("Without an account"), lambda _a: and_(Officer.active.is_(True), Officer.user_id.is_(None))),
    "left": Quick(_("No longer in service"), lambda _a: Officer.active.is_(False), counted=False),
}


def add_handover(page: DetailsPage, record: Any) -> None:
    """Add the button, for whoever may hand over."""
    if handover.may(current_panel().session):
        url = url_for(PAGE, person=f"{type(record).__tablename__}:{record.id}")
        page.buttons.insert(0, Button(_("Hand over"), url, "random"))


def add_leaving(page: DetailsPage, person: Any) -> None:
    """Say what still hangs on somebody who has left, and offer to deactivate their account."""
    session = current_panel().session
    if not left.has_left(person):
        return
    table = type(person).__tablename__
    held = holdings.holding_up(session, table, {person.id}).get(person.id, [])
    if things := holdings.summary(session, held):
        page.groups[0].facts.append((_("Not handed over yet"), Cell(str(things), tone="warn"), False))
    account = accounts.account_of(session, person) if handover.may(session) and not held else None
    if account is not None and account.active:
        url, values = (
            url_for("handover_account"),
            {"person": f"{table}:{person.id}", "url": request.full_path.rstrip("?")},
        )
        question = _("Deactivate the account {name}? It can't log in any more.", name=account.label)
        button = Button(_("Deactivate the account"), url, "ban", post=True, confirm=question, values=values)
        page.buttons.insert(0, button)


def add_log_in_help(page: DetailsPage, person: Any) -> None:
    """Say to whoever edits the person, and not accounts, who makes an account or resets its password."""
    policy, actor = current_panel().policy, current_actor()
    own = policy.may(actor, Permission.EDIT, User) or not policy.may(actor, Permission.EDIT, type(person))
    if own or left.has_left(person):
        return
    act = Permission.EDIT if person.user_id is not None else Permission.CREATE
    roles = listed(str(role.label) for role in policy.roles.values() if role.permits(act, User))
    if person.user_id is not None:
        sentence = _(
            "Forgotten the password, or lost the slip? Ask: {roles}. They reset it to a new one-time password.",
            roles=roles,
        )
    else:
        sentence = _("No account yet. Ask: {roles}. They make one on the page “Accounts and people”.", roles=roles)
    label = field_named(type(person), "user")
    group = next(
        (g for g in page.groups if label is not None and any(f[0] == label.label for f in g.facts)), page.groups[0]
    )
    at = next(
        (n for n, fact in enumerate(group.facts) if label is not None and fact[0] == label.label), len(group.facts)
    )
    group.facts.insert(at + 1, (_("Log-in"), Cell(str(sentence)), False))


class CommunityView(SchemaView):
    """Communities: their page shows who works there, and leads to the handover of their people."""

    def details_page(self, record: Any) -> DetailsPage:
        page = super().details_page(record)
        add_handover(page, record)
        cards.add(page, record)
        return page
