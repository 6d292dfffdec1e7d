"""The first steps of a new office in their order: what each counts, and what of it is lacking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, literal, or_, select

from bureau.access.roles import LEADER, LIAISON, OFFICER
from bureau.people import accounts
from models import (
    Assignment,
    CalendarDay,
    Case,
    ChecklistItem,
    Community,
    CommunityStatus,
    Department,
    Liaison,
    ListKind,
    Officer,
    Squad,
    Street,
)
from panel.base import Base
from panel.i18n import Message, _, n_
from panel.kinds import today
from panel.security.accounts import User, UserRole
from panel.store.records import Setting

Number = ScalarSelect[int]
IN_USE = Community.status == CommunityStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a step lacks: how many of how many, and the sentence that tells it."""

    number: Number
    whole: Number
    words: Callable[[int, int], Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step. It has begun as soon as the table has a record, or `begun` holds. Whoever may create records of
    `taken_by`, by default of the table, takes it. `count` is what its line counts, by default the records."""

    name: str
    label: Message
    hint: Message
    model: type[Base]
    lacks: tuple[Lack, ...] = ()
    begun: ColumnElement[bool] | None = None
    count: Number | None = None
    taken_by: type[Base] | None = None
    #: The page to take it on, if it isn't the list of the table.
    endpoint: str = ""
    #: Whether its numbers are shown to whoever may not read the table: those of accounts tell nothing of the business.
    open: bool = False


def _number(column: Any, *where: ColumnElement[bool]) -> Number:
    return select(func.count(func.distinct(column))).where(*where).scalar_subquery()


def _sum(first: Number, second: Number) -> Number:
    total: Number = select(first + second).scalar_subquery()
    return total


def _on(model: type[Liaison] | type[Assignment]) -> ColumnElement[bool]:
    """The condition for terms that go on, those that begin later too."""
    return or_(model.end_on.is_(None), model.end_on >= today())


def _people(*, account: bool | None = None) -> Number:
    """The number of people in office: all, or those with or without an account."""
    numbers = []
    for model in accounts.KINDS.values():
        where = [accounts.in_office(model)]
        if account is not None:
            where.append(model.user_id.is_not(None) if account else model.user_id.is_(None))
        numbers.append(select(func.count(model.id)).where(*where).scalar_subquery())
    return _sum(*numbers)


def _communities_without(model: type[Liaison] | type[Assignment]) -> Number:
    return _number(Community.id, IN_USE, ~exists().where(model.community_id == Community.id, _on(model)))


def _squads_without(*where: ColumnElement[bool]) -> Number:
    return _number(Squad.id, ~exists().where(Officer.squad_id == Squad.id, Officer.active, *where))


def steps() -> tuple[Step, ...]:
    """The steps in order; the first, the name of the unit, is a setting."""
    communities, squads = _number(Community.id, IN_USE), _number(Squad.id)
    roleless = User.id.not_in(select(UserRole.user_id))
    leaders = select(UserRole.user_id).join(User, User.id == UserRole.user_id)
    leading = Officer.user_id.in_(leaders.where(UserRole.role == LEADER, User.active))
    linked = [select(model.user_id).where(model.user_id.is_not(None)) for model in accounts.KINDS.values()]
    fitting = exists().where(UserRole.role.in_((LIAISON, OFFICER)), or_(*(UserRole.user_id.in_(ids) for ids in linked)))
    listed = _number(ChecklistItem.list_kind, *ChecklistItem.in_force(today()))
    both = select(literal(len(ListKind))).scalar_subquery()
    return (
        Step(
            name="unit",
            label=_("Name of the unit"),
            hint=_("It stands on every page and ledger."),
            model=Setting,
            begun=exists().where(Setting.key == "unit_name", Setting.value != ""),
            count=select(literal(0)).scalar_subquery(),
        ),
        Step(
            name="streets",
            label=_("Streets"),
            hint=_("Add them, or let the import of communities add them."),
            model=Street,
        ),
        Step(name="squads", label=_("Squads"), hint=_("Mark the pilot squad."), model=Squad),
        Step(
            name="departments",
            label=_("Departments"),
            hint=_("They stand there already: add telephones, change limits."),
            model=Department,
        ),
        Step(
            name="calendar",
            label=_("Working calendar"),
            hint=_("Days off of the year; bring in the next year's once it is published."),
            model=CalendarDay,
            begun=exists().where(CalendarDay.day >= today().replace(month=1, day=1)),
        ),
        Step(
            name="lists",
            label=_("The two lists"),
            hint=_("Check items and time limits."),
            model=ChecklistItem,
            lacks=(
                Lack(
                    _difference(both, listed),
                    both,
                    lambda n, _all: n_("{n} list has no item in force", "{n} lists have no item in force", n),
                ),
            ),
        ),
        Step(
            name="communities",
            label=_("Communities"),
            hint=_("With street and squad. A roster will do: what is missing is added in the preview."),
            model=Community,
            count=communities,
            lacks=(
                Lack(
                    _number(Street.id, ~exists().where(Community.street_id == Street.id)),
                    _number(Street.id),
                    lambda n, whole: n_(
                        "{n} of {whole} streets has no community",
                        "{n} of {whole} streets have no community",
                        n,
                        whole=whole,
                    ),
                ),
                Lack(
                    _number(Community.id, IN_USE, Community.squad_id.is_(None)),
                    communities,
                    lambda n, whole: n_(
                        "{n} of {whole} communities has no squad",
                        "{n} of {whole} communities have no squad",
                        n,
                        whole=whole,
                    ),
                ),
            ),
        ),
        Step(
            name="officers",
            label=_("Officers"),
            hint=_("With squad and badge; leaders of squads too."),
            model=Officer,
            count=_number(Officer.id, and_(Officer.active)),
            lacks=(
                Lack(
                    _squads_without(),
                    squads,
                    lambda n, whole: n_(
                        "{n} of {whole} squads has no officer", "{n} of {whole} squads have no officer", n, whole=whole
                    ),
                ),
            ),
        ),
        Step(
            name="liaisons",
            label=_("Liaison roster"),
            hint=_("The roster as it is; officers that are missing are added in the preview."),
            model=Liaison,
            count=_number(Liaison.community_id, _on(Liaison)),
            lacks=(
                Lack(
                    _communities_without(Liaison),
                    communities,
                    lambda n, whole: n_(
                        "{n} of {whole} communities has no liaison",
                        "{n} of {whole} communities have no liaison",
                        n,
                        whole=whole,
                    ),
                ),
            ),
        ),
        Step(
            name="assignments",
            label=_("Assignments"),
            hint=_("An officer for each community; the column 联居队员 of a roster makes them."),
            model=Assignment,
            count=_number(Assignment.community_id, _on(Assignment)),
            lacks=(
                Lack(
                    _communities_without(Assignment),
                    communities,
                    lambda n, whole: n_(
                        "{n} of {whole} communities has no officer",
                        "{n} of {whole} communities have no officer",
                        n,
                        whole=whole,
                    ),
                ),
            ),
        ),
        Step(
            name="accounts",
            label=_("Accounts of people"),
            hint=_("The administrator makes them in one act; liaisons and officers see and report by them."),
            model=Liaison,
            begun=_people() > 0,
            count=_people(account=True),
            lacks=(
                Lack(
                    _people(account=False),
                    _people(),
                    lambda n, _all: n_("{n} person has no account yet", "{n} people have no account yet", n),
                ),
            ),
            taken_by=User,
            endpoint="accounts",
            open=True,
        ),
        Step(
            name="roles",
            label=_("Roles of accounts"),
            hint=_("Security grants those that fit in one act, and leaders theirs."),
            model=UserRole,
            begun=fitting,
            lacks=(
                Lack(
                    _number(User.id, and_(User.active), roleless),
                    _number(User.id, and_(User.active)),
                    lambda n, _all: n_("{n} account has no role yet", "{n} accounts have no role yet", n),
                ),
                Lack(
                    _squads_without(leading),
                    squads,
                    lambda n, whole: n_(
                        "{n} of {whole} squads has no leader", "{n} of {whole} squads have no leader", n, whole=whole
                    ),
                ),
            ),
            endpoint="accounts",
            open=True,
        ),
        Step(name="case", label=_("First case"), hint=_("A liaison reports it, on a phone too."), model=Case),
    )


def _difference(whole: Number, part: Number) -> Number:
    return select(whole - part).scalar_subquery()
