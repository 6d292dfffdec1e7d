"""The page that makes the first accounts, once, by the code that the server printed when it started.

It is there as long as no account administers the panel, and answers 404 afterwards. Which accounts it makes is declared
by the application: Panel.first_accounts. Whoever is at the page chooses the password of the first of them and goes on
as that account; the others get one-time passwords on slips, to be changed at the first log-in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, cast

from flask import Blueprint, abort, current_app, render_template, request
from sqlalchemy import select

from panel.base import UNSCOPED
from panel.i18n import Message, _, in_default_locale
from panel.kinds import Code, FullName, Invalid, Kind, now
from panel.security import passwords, usernames
from panel.security.accounts import LoginOutcome, User, UserRole
from panel.security.policy import Actor
from panel.security.session import set_actor, writing
from panel.store import first_code
from panel.web.context import current_panel
from panel.web.guards import Login
from panel.web.login import log_in
from panel.web.pages import Input, Page, Words
from panel.web.panel import Panel

blueprint = Blueprint("first", __name__)

#: The user name in the log-in log of a wrong code.
NOBODY = "first code"
#: Names of the machine itself.
LOCAL = frozenset({"127.0.0.1", "localhost"})
NAME, USERNAME = FullName(40), Code(40)


@dataclass(slots=True, kw_only=True)
class FirstAccountsPage(Page):
    """Asks for the code and for an account of each role: full name and user name, and the password of the first."""

    code: Input
    people: list[Person] = field(default_factory=list)
    error: Words | None = None


@dataclass(slots=True)
class Person:
    """An account that the page asks for, by its role."""

    role: Words
    about: Words
    required: bool
    inputs: list[Input]


@dataclass(slots=True)
class FirstSlip:
    name: str
    role: Words
    about: Words
    username: str
    password: str


@dataclass(slots=True)
class FirstSlipsPage(Page):
    unit: str = ""
    #: The address of this request; `local`: it leads others to their own machine.
    address: str = ""
    local: bool = False
    slips: list[FirstSlip] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _New:
    """An account to make. `password` is None for a one-time password."""

    role: str
    name: str
    username: str
    password: str | None


def administrator(panel: Panel) -> str:
    """The role whose first account ends the page; "" if the application declares none."""
    return panel.first_accounts[0].role if panel.first_accounts else ""


def announce(panel: Panel) -> Message | None:
    """Issue a code if the first accounts are to be made: what the server prints, or None."""
    role = administrator(panel)
    if not role:
        return None
    with panel.system_session() as session:
        if not first_code.needed(session, role):
            return None
        code = first_code.issue(session, panel.app.config["SECRET_KEY"])
    if code is None:
        return _("The one-time code for the first accounts was printed less than a minute ago and still counts.")
    return _(
        "First start: open the address /start in a browser and make the first accounts. One-time code: {code} "
        "(the next start prints another one).",
        code=code,
    )


@blueprint.route("/start", methods=["GET", "POST"])
def page() -> Any:
    if not log_in.first_accounts_open():
        abort(404)
    current_panel().session.rollback()
    writing.set(False)
    shown = _form()
    if request.method == "GET":
        return render_template("panel/first_accounts.html", page=shown)
    shown.error = _check_code(shown)
    new = [] if shown.error else _read(shown)
    if shown.error is None and not any(input_.errors for input_ in _inputs(shown)):
        return _make(new)
    return render_template("panel/first_accounts.html", page=shown), 422


def _form() -> FirstAccountsPage:
    panel = current_panel()
    code = Input("code", _("One-time code"), "text", required=True, maxlength=40, value=request.form.get("code", ""))
    code.help = _("The server prints it when it starts, beside its address or in its log.")
    shown = FirstAccountsPage(
        title=_("First accounts"),
        sub=_("The panel has no administrator yet. This page is there once."),
        code=code,
    )
    for number, account in enumerate(panel.first_accounts):
        role = panel.policy.roles[account.role]
        inputs = [
            Input(f"{account.role}.name", _("Full name"), "text", required=account.required, maxlength=40),
            Input(
                f"{account.role}.username",
                _("User name"),
                "text",
                maxlength=40,
                help=_("What is typed to log in. Empty: the name in pinyin."),
            ),
        ]
        if number == 0:
            rule = _(
                "At least 8 characters, with three of these: upper case letters, lower case letters, digits, signs."
            )
            inputs += [
                Input(f"{account.role}.password", _("Password"), "password", required=True, help=rule),
                Input(f"{account.role}.again", _("Password, once more"), "password", required=True),
            ]
        for input_ in inputs:
            if input_.control != "password":
                input_.value = request.form.get(input_.name, "")[:80]
        shown.people.append(Person(role.label, account.about, account.required, inputs))
    return shown


def _inputs(shown: FirstAccountsPage) -> list[Input]:
    return [input_ for person in shown.people for input_ in person.inputs]


def _check_code(shown: FirstAccountsPage) -> Message | None:
    """Why the code doesn't count, or None; a wrong one is counted and logged."""
    panel = current_panel()
    with panel.system_session() as session:
        problem = first_code.check(session, shown.code.value, current_app.config["SECRET_KEY"])
    if problem is not None:
        shown.code.value = ""
        panel.log_login(NOBODY, None, LoginOutcome.WRONG)
    return problem


def _read(shown: FirstAccountsPage) -> list[_New]:
    """The accounts as filled in; what is wrong stands with the inputs."""
    panel = current_panel()
    stored = panel.session.execute(select(User.username), execution_options=UNSCOPED).scalars()
    taken = {username.lower() for username in stored}
    panel.session.rollback()
    new = []
    for account, person in zip(panel.first_accounts, shown.people, strict=True):
        name_input, username_input, *secret = person.inputs
        name = _parsed(NAME, name_input)
        username = _parsed(USERNAME, username_input)
        if name is None and (account.required or username is not None) and not name_input.errors:
            name_input.errors = [str(_("This must be filled in."))]
        if username is not None and username.lower() in taken:
            username_input.errors = [str(_("This user name is taken."))]
        if name is not None and username is None:
            username = usernames.free(name, taken)
        password = _password(secret, username or "") if secret else None
        if name is not None and username is not None:
            taken.add(username.lower())
            new.append(_New(account.role, name, username, password))
    return new


def _parsed(kind: Kind, input_: Input) -> str | None:
    try:
        return cast(str | None, kind.parse(input_.value))
    except Invalid as problem:
        input_.errors = [str(problem.message)]
        return None


def _password(inputs: list[Input], username: str) -> str:
    """The password that was typed twice."""
    first, again = inputs
    typed, repeated = (request.form.get(input_.name, "")[: passwords.MAX_LENGTH * 2] for input_ in inputs)
    try:
        passwords.check(typed, username)
    except Invalid as problem:
        first.errors = [str(problem.message)]
    if typed != repeated:
        again.errors = [str(_("The two are not the same."))]
    return typed


def _make(new: list[_New]) -> Any:
    """Make the accounts, log in as the first of them, and show the slips of the others in this answer alone."""
    panel = current_panel()
    chosen = [one.password or passwords.temporary() for one in new]
    hashes = [panel.passwords.hash(password) for password in chosen]
    with panel.system_session() as session:
        # Another worker process may have used the code since it was checked; in this transaction nobody can.
        if not first_code.take(session, administrator(panel)):
            abort(404)
        set_actor(session, Actor(in_default_locale(_("First accounts")), system=True))
        users = [_user(one, hashed) for one, hashed in zip(new, hashes, strict=True)]
        session.add_all(users)
        session.flush()
        account, stamp = Login(users[0], [new[0].role]), users[0].stamp
    panel.log_login(account.username, account.id, LoginOutcome.OK, last_login_at=now())
    log_in.begin_session(account, stamp)
    abouts = {account.role: account.about for account in panel.first_accounts}
    slips = [
        FirstSlip(one.name, panel.policy.roles[one.role].label, abouts[one.role], one.username, password)
        for one, password in zip(new[1:], chosen[1:], strict=True)
    ]
    shown = FirstSlipsPage(
        title=_("First accounts"),
        sub=_("The passwords are shown only now. Print this page and hand each slip to its person alone."),
        unit=str(panel.sub()) or panel.unit(),
        address=request.url_root.rstrip("/"),
        local=request.host.partition(":")[0] in LOCAL,
        slips=slips,
    )
    return render_template("panel/first_slips.html", page=shown, me=account)


def _user(new: _New, hashed: str) -> User:
    user = User(name=new.name, username=new.username, password_hash=hashed, stamp=secrets.token_hex(16))
    user.must_change = new.password is None
    user.roles = [UserRole(role=new.role)]
    return user
