"""The handover (交接): what hangs on a person or on the people of a community, and giving it to others in one act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import or_, select
from werkzeug.exceptions import NotFound

from bureau.access.roles import LEADER, LIAISON, OFFICER
from bureau.people import handover, holdings, left
from bureau.people.handover import Handed
from bureau.people.holdings import KINDS, Held
from bureau.people.leaving import PAGE
from bureau.people.web import handover_form as forms
from bureau.people.web import left_page
from models import Assignment, Community, CommunityStatus, Liaison, Officer
from panel import ids
from panel.base import UNSCOPED
from panel.errors import UserError
from panel.i18n import _, listed
from panel.kinds import tidy, today
from panel.search.names import name_of
from panel.security.accounts import User, UserRole
from panel.web import render
from panel.web.context import current_panel
from panel.web.pages import Cell, FormPage, Words

#: Records of a kind that the page names; a link leads to all.
NAMED = 8

AnyPerson = Liaison | Officer


@dataclass(slots=True)
class HeldRow:
    """A kind of record that hangs on somebody."""

    label: Words
    count: int
    named: list[Cell]
    more: Cell | None
    help: Words


@dataclass(slots=True)
class Holder:
    """A person with what hangs on them."""

    title: Words
    person: Cell
    rows: list[HeldRow]
    note: Words = ""


@dataclass(slots=True)
class HandoverPage(FormPage):
    holders: list[Holder] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)


def may_open() -> bool:
    return handover.may(current_panel().session)


def page() -> Any:
    """Choose somebody; with `person` ("officer:3") show what hangs on them, and give it away by a POST."""
    if not may_open():
        abort(403)
    for table in ("liaison", "officer", "community"):
        if (chosen := ids.parse(request.args.get(table))) is not None:
            return redirect(url_for(PAGE, person=f"{table}:{chosen}"))
    asked = tidy(request.values.get("person"))
    if not asked:
        return left_page.choose()
    table, _colon, id_ = asked.partition(":")
    model = {"liaison": Liaison, "officer": Officer, "community": Community}.get(table)
    record = current_panel().session.get(model, ids.parse(id_) or 0) if model is not None else None
    if record is None:
        raise NotFound
    act = _Act(record)
    if request.method == "POST" and (answer := act.do()) is not None:
        return answer
    failed = act.form.posted
    return render_template("people/handover.html", page=act.page()), 422 if failed else 200


class _Act:
    """One request: the person, or the people of the community, with what hangs on them, and the form."""

    def __init__(self, record: Any) -> None:
        self.session = current_panel().session
        self.record = record
        self.community = record if isinstance(record, Community) else None
        self.liaison = record if isinstance(record, Liaison) else None
        self.officer = record if isinstance(record, Officer) else None
        if self.community is not None:
            self.liaison = handover.in_office(self.session, self.community.id)
            self.officer = _assigned(self.session, self.community.id)
        self.form = forms.Form(request.form if request.method == "POST" else {}, request.method == "POST")
        forms.add_act(self.form)
        self.taker: Liaison | None = None
        self.held: dict[str, list[Held]] = {}
        if self.liaison is not None:
            self._read("liaison", self.liaison)
            self.taker = handover.in_office(self.session, self.liaison.community_id, without=self.liaison.id)
            forms.add_liaison(self.form, self.taker, self._account(self.liaison))
        if self.officer is not None:
            self._read("officer", self.officer)
            whole = self.community is None
            forms.add_officer(
                self.form,
                self.held["officer"],
                handover.communities_of(self.session, self.held["officer"]) if whole else {},
                self._account(self.officer) if whole else None,
                leaves=whole and self.officer.active,
            )

    def _read(self, table: str, person: AnyPerson) -> None:
        held = holdings.found(self.session, table, {person.id}).get(person.id, [])
        if self.community is not None and table == "officer":
            held = [one for one in held if one.community == self.community.id]
        self.held[table] = held

    def _account(self, person: AnyPerson) -> forms.Account | None:
        """What the account of whoever leaves may still do; None without an active account. One that has other roles is
        for other work too."""
        if person.user_id is None:
            return None
        user, role = User.__table__.c, UserRole.__table__.c
        statement = (
            select(user.username, role.role)
            .select_from(User.__table__)
            .outerjoin(UserRole.__table__, role.user_id == user.id)
            .where(user.id == person.user_id, user.active)
        )
        rows = self.session.execute(statement, execution_options=UNSCOPED).all()
        if not rows:
            return None
        roles = current_panel().policy.roles
        words = listed(str(roles[row.role].label) for row in rows if row.role in roles) or "—"
        name = rows[0].username
        message = _("{account} ({roles}) can log in until it is deactivated.", account=name, roles=words)
        fitting = {LIAISON} if isinstance(person, Liaison) else {OFFICER, LEADER}
        return forms.Account(message, ends={row.role for row in rows} - {None} <= fitting)

    # What was entered.

    def do(self) -> Any:
        """Hand over what was asked for, and redirect. None if something must be corrected."""
        form = self.form
        begins, reason = forms.act_of(form)
        new, vacant = forms.new_liaison(form) if self.liaison is not None else (None, False)
        with_liaison = self.liaison is not None and (self.community is None or new is not None or vacant)
        with_officer = self.officer is not None and (self.community is None or bool(form.values.get("taker")))
        if not form.errors and not (with_liaison or with_officer):
            flash(str(_("Name who takes over, as liaison or as officer.")), "danger")
            return None
        if form.errors:
            return None
        done: list[tuple[AnyPerson, Handed]] = []
        try:
            if with_liaison and self.liaison is not None:
                handed = handover.replace_liaison(
                    self.session,
                    self.liaison,
                    new,
                    version=ids.version(form.values.get("liaison_version")) or 0,
                    begins=begins,
                    reason=reason,
                    vacant=vacant,
                    deactivate=form.values.get("liaison_account") == "1",
                )
                done.append((self.liaison, handed))
            if with_officer and self.officer is not None:
                handed = handover.replace_officer(
                    self.session,
                    self.officer,
                    forms.takers_of(form),
                    version=ids.version(form.values.get("officer_version")) or 0,
                    begins=begins,
                    reason=reason,
                    community=self.community.id if self.community is not None else None,
                    retire=form.values.get("retire") == "1",
                    deactivate=form.values.get("officer_account") == "1",
                )
                done.append((self.officer, handed))
            self.session.commit()
        except UserError as error:
            self.session.rollback()
            flash(render.sentence(error), "danger")
            return None
        for person, handed in done:
            _tell(person.name, handed)
        url = render.record_url(type(self.record).__tablename__, self.record.id)
        return redirect(url or url_for(PAGE))

    # The page.

    def _is_over(self) -> bool:
        """Whether the person has left, with nothing in their hands and no active account."""
        accounts = (self.form.input(f"{table}_account") for table in left.MODELS)
        return (
            self.community is None and left.has_left(self.record) and not any(self.held.values()) and not any(accounts)
        )

    def page(self) -> HandoverPage:
        title = _("Handover · {name}", name=self.record.name)
        shown = HandoverPage(
            title=title,
            sub=_("All in one act: nothing is given, or everything is."),
            groups=self.form.groups,
            errors=self.form.errors,
            submit=_("Hand over"),
            cancel_url=url_for(PAGE),
            hidden=[("person", f"{type(self.record).__tablename__}:{self.record.id}")],
        )
        for table, person in (("liaison", self.liaison), ("officer", self.officer)):
            if person is None:
                if self.community is not None:
                    shown.holders.append(_nobody(table))
                continue
            shown.hidden.append((f"{table}_version", str(person.version)))
            shown.holders.append(_holder(table, person, self.held[table]))
        if self.community is not None and self.liaison is None and self.officer is None:
            shown.blocked = _why_nothing(self.community)
        elif self._is_over():
            shown.blocked = _("{name} has left, and nothing hangs on them.", name=self.record.name)
        return shown


def _assigned(session: Any, community: int) -> Officer | None:
    """The officer who is assigned to a community today, no substitute."""
    day = today()
    statement = (
        select(Officer)
        .join(Assignment, Assignment.officer_id == Officer.id)
        .where(Assignment.community_id == community, Assignment.substitute.is_(False), Assignment.start_on <= day)
        .where(or_(Assignment.end_on.is_(None), Assignment.end_on >= day))
        .order_by(Assignment.start_on.desc())
        .limit(1)
    )
    officer: Officer | None = session.execute(statement).scalar_one_or_none()
    return officer


def _why_nothing(community: Community) -> Words:
    """Why a community without liaison and officer has nothing to hand over."""
    if community.merged_into is not None:
        kept = name_of(community.merged_into)
        return _(
            "{name} was merged into {kept}, whose people do its work. Nothing is to be handed over.",
            name=community.name,
            kept=kept,
        )
    if community.status is CommunityStatus.CLOSED:
        return _("{name} is closed and has no people. Nothing is to be handed over.", name=community.name)
    return _("Nobody works in {name}. Add a liaison to the roster, or assign an officer.", name=community.name)


def _nobody(table: str) -> Holder:
    note = _("Nobody is in office.") if table == "liaison" else _("Nobody is assigned.")
    return Holder(Liaison.__label__ if table == "liaison" else Officer.__label__, Cell("—"), [], note)


def _holder(table: str, person: AnyPerson, held: Sequence[Held]) -> Holder:
    by_kind: dict[str, list[Held]] = defaultdict(list)
    for one in held:
        by_kind[one.kind].append(one)
    rows = [_row(kind, by_kind[kind], person.id) for kind in sorted(by_kind, key=lambda name: KINDS[name].rank)]
    place = name_of(person.community) if isinstance(person, Liaison) else person.squad.name if person.squad else ""
    shown = Cell(person.name, url=render.record_url(table, person.id), below=[place])
    holder = Holder(type(person).__label__, shown, rows)
    if left.has_left(person):
        holder.note = _("Has left")
    return holder


def _row(name: str, held: Sequence[Held], person: int) -> HeldRow:
    kind = KINDS[name]
    row = HeldRow(kind.label, len(held), [], None, kind.help or "")
    if held[0].table in current_panel().views:
        row.named = [Cell(one.label, url=render.record_url(one.table, one.id)) for one in held[:NAMED]]
        if len(held) > NAMED and kind.filters:
            filters: dict[str, Any] = {key: value.format(id=person) for key, value in kind.filters}
            row.more = Cell(str(_("All {n}", n=len(held))), url=url_for(f"{held[0].table}.index_view", **filters))
    return row


def _tell(name: str, handed: Handed) -> None:
    to = listed(handed.takers) or handover.NOBODY
    flash(str(_("Handed over from {name} to {to}: {things}.", name=name, to=to, things=handed.words())), "success")
    if handed.account:
        flash(str(_("The account {name} is deactivated.", name=handed.account)), "success")
