"""Accounts and people: new accounts with slips to print, linking, and roles for accounts that have none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_admin.actions import action
from werkzeug.exceptions import NotFound

from bureau.people import accounts, deputies, left
from bureau.people.web import cards, people_views
from models import Officer
from panel import ids
from panel.errors import UserError
from panel.i18n import _, labelled, listed, n_
from panel.kinds import Moment, tidy
from panel.search.names import NOT_VISIBLE
from panel.security.accounts import User
from panel.security.policy import Permission
from panel.web.context import current_actor, current_panel
from panel.web.lookups import chosen
from panel.web.pages import Button, Cell, DetailsPage, FormPage, Group, Input, Page, Words
from panel.web.render import record_url
from panel.web.system.account_views import UserView
from panel.web.views import SchemaView

ADDRESS_LENGTH = 100


@dataclass(slots=True)
class PersonRow:
    """A person or account of the page, with a box to tick. `value` is what the box posts, "" for no box."""

    value: str
    cells: list[Cell]
    act: Button | None = None


@dataclass(slots=True)
class AccountsPage(Page):
    """`people` is None for whoever makes no accounts, `roleless` for whoever grants no roles."""

    people: list[PersonRow] | None = None
    roleless: list[PersonRow] | None = None
    address: Input | None = None
    most: int = 0


@dataclass(slots=True)
class PrintedSlip:
    name: str
    lines: list[tuple[Words, str]]
    purpose: Words


@dataclass(slots=True)
class SlipsPage(Page):
    """`rest` are the keys of people chosen who have no account yet: one act makes accounts for so many."""

    unit: str = ""
    slips: list[PrintedSlip] = field(default_factory=list)
    back_url: str = ""
    address: str = ""
    rest: list[str] = field(default_factory=list)
    next: int = 0


def may_open() -> bool:
    session = current_panel().session
    return accounts.may_make(session) or accounts.may_grant(session)


def page() -> Any:
    if not may_open():
        abort(403)
    session = current_panel().session
    shown = AccountsPage(
        title=_("Accounts and people"),
        sub=_("Who is in office and can't log in, and who logs in and may do nothing."),
    )
    if accounts.may_make(session):
        shown.people = [_person_row(person) for person in accounts.people(session, "without")]
        shown.most = accounts.MOST
        shown.address = Input(
            "address",
            _("Address on the slips"),
            "text",
            value=request.url_root.rstrip("/"),
            maxlength=ADDRESS_LENGTH,
            help=_("What people type to open the panel on their own computer or phone."),
        )
    if accounts.may_grant(session):
        shown.roleless = [_roleless_row(account) for account in accounts.roleless(session)]
    return render_template("people/accounts.html", page=shown)


def _person_row(person: accounts.Person) -> PersonRow:
    kind = Cell(str(accounts.KINDS[person.table].__label__))
    act = Button(_("Link an account"), url_for("accounts_link", person=person.key))
    return PersonRow(person.key, [Cell(person.label), kind], act)


def _roleless_row(account: accounts.Roleless) -> PersonRow:
    roles = current_panel().policy.roles
    user = account.user
    fitting = [str(roles[role].label) for role in account.roles]
    owners = [f"{accounts.KINDS[person.table].__label__} {person.label}" for person in account.persons]
    cells = [Cell(user.name, below=[user.username]), Cell(listed(owners)), Cell(listed(fitting))]
    other = Button(_("Grant another role"), url_for("userrole.create_view", user=user.id, url=url_for("accounts")))
    return PersonRow(str(user.id) if fitting else "", cells, other)


def make() -> Any:
    """Make accounts for the people ticked, and show their slips in this response alone."""
    if not accounts.may_make(current_panel().session):
        abort(403)
    return slips(request.form.getlist("person"), tidy(request.form.get("address")), url_for("accounts"))


def slips(keys: Collection[str], address: str, back_url: str) -> Any:
    """The slips of new accounts for people, given by their keys. Passwords are hashed outside the transaction, so that
    nobody waits."""
    panel = current_panel()
    panel.session.rollback()
    passwords = accounts.one_time(panel.passwords, min(len(set(keys)), accounts.MOST))
    made = accounts.make(panel.session, set(keys), passwords)
    panel.session.commit()
    if not made:
        flash(str(_("Nobody among them is without an account.")), "warning")
        return redirect(back_url)
    rest = [person.key for person in accounts.without(panel.session, set(keys))]
    address = address[:ADDRESS_LENGTH] or request.url_root.rstrip("/")
    shown = SlipsPage(
        title=n_("{n} account made", "{n} accounts made", len(made)),
        sub=_("The passwords are shown only now. Print this page and hand each slip to its person alone."),
        unit=str(panel.sub()) or panel.unit(),
        back_url=back_url,
        slips=[_printed(slip, address) for slip in made],
        address=address,
        rest=rest,
        next=min(len(rest), accounts.MOST),
    )
    return render_template("people/slips.html", page=shown)


def _printed(slip: accounts.Slip, address: str) -> PrintedSlip:
    lines: list[tuple[Words, str]] = [
        (_("Open it at"), address),
        (_("User name"), slip.username),
        (_("One-time password"), slip.password),
    ]
    purpose = _("What it is for: {purpose}", purpose=accounts.PURPOSES[slip.person.table])
    return PrintedSlip(slip.person.label, lines, purpose)


def grant() -> Any:
    """Give the accounts ticked the roles that fit."""
    session = current_panel().session
    if not accounts.may_grant(session):
        abort(403)
    ticked = {id_ for text in request.form.getlist("account") if (id_ := ids.parse(text)) is not None}
    given = []
    for user, problem in accounts.grant(session, ticked):
        if problem is None:
            given.append(user.name)
        else:
            flash(str(labelled(user.name, problem)), "danger")
    session.commit()
    if given:
        flash(str(_("Granted: {names}", names=listed(given))), "success")
    else:
        flash(str(_("No role was granted.")), "warning")
    return redirect(url_for("accounts"))


def link() -> Any:
    """Choose the account of a person."""
    session = current_panel().session
    table, _colon, id_ = tidy(request.values.get("person")).partition(":")
    model, number = accounts.KINDS.get(table), ids.parse(id_)
    if not accounts.may_make(session):
        abort(403)
    person = chosen(table, number) if model is not None else None
    if model is None or number is None or person is None:
        raise NotFound
    asked = Input(
        "user",
        _("Account"),
        "lookup",
        value=tidy(request.form.get("user")),
        required=True,
        lookup_url=url_for("userrole.ajax_lookup", name="user"),
    )
    if request.method == "POST":
        account = chosen(User.__tablename__, asked.value)
        asked.text = account.label if account is not None else ""
        try:
            if account is None:
                raise UserError(_("Choose one from the list."))
            accounts.link(session, model, number, account.id)
            session.commit()
        except UserError as error:
            session.rollback()
            asked.errors = [str(error.message)]
        else:
            flash(str(_("Linked: {name}", name=person.label)), "success")
            return redirect(url_for("accounts"))
    form = FormPage(
        title=_("Link an account"),
        sub=f"{model.__label__} · {person.label}",
        groups=[Group(_("Account"), [asked])],
        errors=[(asked.name, asked.label, error) for error in asked.errors],
        submit=_("Save"),
        cancel_url=url_for("accounts"),
    )
    return render_template("panel/form.html", page=form), 422 if asked.errors else 200


def _reset_button(user_id: int) -> Button:
    values = {"action": "reset", "rowid": str(user_id), "url": request.full_path.rstrip("?")}
    question = _("Reset the password? The old one ends at once.")
    return Button(_("Reset password"), url_for("user.action_view"), "key", post=True, confirm=question, values=values)


def _may_reset() -> bool:
    return current_panel().policy.may(current_actor(), Permission.EDIT, User)


def _account_of(person: Any) -> accounts.Linked | None:
    """The account of a person. One statement for all persons of the table that are loaded."""
    session, known = current_panel().session, g.setdefault("accounts", {})
    if (type(person), person.id) not in known:
        loaded = [other for other in session.identity_map.values() if type(other) is type(person)]
        found = accounts.accounts_of(session, loaded)
        known |= {(type(person), other.id): found.get(other.id) for other in loaded}
    linked: accounts.Linked | None = known[type(person), person.id]
    return linked


def account_cell(person: Any) -> Cell:
    """The account of a person with its last log-in, as far as the reader may know them."""
    if person.user_id is None:
        return Cell()
    account = _account_of(person)
    if account is None:
        return Cell(str(NOT_VISIBLE))
    cell = Cell(account.label, url=record_url("user", account.id))
    if account.seen:
        last = account.last_login_at
        when = Moment().format(last.replace(second=0, microsecond=0)) if last else str(_("never"))
        cell.below = [str(_("{label}: {value}", label=_("Last log-in"), value=when))]
    if not account.active:
        cell.below.append(str(_("Deactivated")))
    elif left.has_left(person):
        cell.below.append(str(_("Has left; the account is still active")))
    return cell


def deputy_facts(officer: Officer) -> list[tuple[Words, Cell, bool]]:
    """Who stands in for an officer and for whom the officer does, today and later."""
    facts: dict[Words, list[str]] = {}
    for is_replaced, name, first, last in deputies.terms_of(current_panel().session, officer.id):
        label = _("Deputy") if is_replaced else _("Stands in for")
        facts.setdefault(label, []).append(str(_("{name}, {first} to {last}", name=name, first=first, last=last)))
    return [(label, Cell(lines[0], below=lines[1:]), False) for label, lines in facts.items()]


class PeopleView(SchemaView):
    """Liaisons or officers: their page shows the account with its last log-in, and a reset for whoever may."""

    cells = {"user": account_cell}

    def details_page(self, record: Any) -> DetailsPage:
        page_shown = super().details_page(record)
        if isinstance(record, Officer):
            page_shown.groups[0].facts += deputy_facts(record)
        if record.user_id is not None and _may_reset():
            page_shown.buttons.insert(0, _reset_button(record.user_id))
        people_views.add_log_in_help(page_shown, record)
        people_views.add_leaving(page_shown, record)
        people_views.add_handover(page_shown, record)
        cards.add(page_shown, record)
        return page_shown

    def is_action_allowed(self, name: str) -> bool:
        if name == "accounts":
            return accounts.may_make(current_panel().session)
        return bool(super().is_action_allowed(name))

    @action("accounts", _("Make accounts"))
    def action_accounts(self, records: Sequence[Any]) -> Any:
        if not accounts.may_make(current_panel().session):
            abort(403)
        return slips([f"{self.endpoint}:{record.id}" for record in records], "", self.get_url(".index_view"))


class OfficerView(PeopleView):
    quick = people_views.OFFICERS


class AccountView(UserView):
    """Accounts: their page names the person whose it is, and has a reset."""

    def details_page(self, record: Any) -> DetailsPage:
        page_shown = super().details_page(record)
        owners = accounts.people(current_panel().session, "with", [record.id])
        words = [f"{accounts.KINDS[person.table].__label__} {person.label}" for person in owners]
        page_shown.groups[0].facts.append((_("Belongs to"), Cell(listed(words)), False))
        if self.may_reset():
            page_shown.buttons.insert(0, _reset_button(record.id))
        return page_shown
