"""Scope and rights below the views: on every statement and every flush of a session."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload, selectinload

import models
from panel.base import UNSCOPED, Base
from panel.i18n import _
from panel.jobs.records import Job
from panel.notify.records import Notice
from panel.security.accounts import User
from panel.security.policy import SYSTEM, AccessDenied, Actor, OutOfScope, Permission, Policy, Role
from panel.security.session import actor_of, exempt_reference, policy_of, set_actor
from tests import factories
from tests.factories import MODELS, ROLE_NAMES, ROLES_BY_NAME, TABLES, Stage, granted, pairs, scoped

SCOPED = [pair for pair in pairs() if scoped(*pair)]
EVERY_MODEL = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda model: model.__tablename__)


def case_table() -> Any:
    return models.Case.__table__


# Reading.


@pytest.mark.database
@pytest.mark.parametrize("model", EVERY_MODEL, ids=lambda model: model.__tablename__)
def test_without_an_actor_nothing_is_read(standing: Stage, model: type[Base]) -> None:
    with standing.acting() as session:
        assert session.execute(sa.select(model)).scalars().all() == []
        assert session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one() == 0
        assert session.get(model, 1) is None


@pytest.mark.parametrize(("role", "table"), [(r, t) for r in ROLE_NAMES for t in TABLES if (r, t) not in pairs()])
def test_a_table_that_no_role_grants_is_empty(standing: Stage, role: str, table: str) -> None:
    with standing.acting(role) as session:
        assert session.execute(sa.select(MODELS[table].id)).all() == []


def _ways(model: Any) -> dict[str, sa.Select[Any]]:
    """Statements that all give the ids of a table, each in another way."""
    other = aliased(model)
    inner = sa.select(model.id).subquery()
    return {
        "column": sa.select(model.id),
        "alias": sa.select(other.id),
        "in a subquery": sa.select(inner.c.id),
        "condition with a subquery": sa.select(model.id).where(model.id.in_(sa.select(other.id))),
        "exists": sa.select(model.id).where(sa.exists().where(other.id == model.id)),
        "with": sa.select(sa.select(model.id).cte().c.id),
        "union": sa.union(sa.select(model.id), sa.select(other.id)),  # type: ignore[dict-item]
        "window": sa.select(model.id, sa.func.count().over()),
    }


@pytest.mark.database
@pytest.mark.parametrize(("role", "table"), SCOPED)
def test_every_way_of_reading_ends_at_ones_area(standing: Stage, role: str, table: str) -> None:
    model = MODELS[table]
    inside, outside = standing.inside[table], standing.outside[table]
    with standing.acting(role) as session:
        for name, statement in _ways(model).items():
            ids = set(session.execute(statement).scalars())
            assert (inside in ids, outside in ids) == (True, False), name
        count = sa.select(sa.func.count()).select_from(model)
        assert session.execute(count).scalar_one() == len(ids)
        assert session.get(model, outside) is None
        assert session.execute(sa.select(model).where(model.id == outside)).all() == []
        assert session.query(model).filter(model.id == outside).count() == 0


@pytest.mark.database
@pytest.mark.parametrize("load", [joinedload, selectinload, None], ids=["joined", "select in", "lazy"])
def test_related_records_outside_ones_area_are_not_loaded(stage: Stage, load: Any) -> None:
    with stage.session() as session:
        session.get_one(models.Case, stage.inside["case"]).handler_id = stage.outside["officer"]
    statement = sa.select(models.Case).where(models.Case.id == stage.inside["case"])
    if load:
        statement = statement.options(load(models.Case.handler), load(models.Case.community))
    with stage.acting("officer") as session:
        found = session.execute(statement).scalar_one()
        assert found.community.name == "东栅社区"
        assert found.handler is None
        assert found.handler_id == stage.outside["officer"]


BARE = {
    "a table": lambda: sa.select(case_table()),
    "a column": lambda: sa.select(case_table().c.id),
    "a count": lambda: sa.select(sa.func.count()).select_from(case_table()),
    "an alias": lambda: sa.select(case_table().alias()),
    "a subquery beside an entity": lambda: sa.select(models.Case.id).where(
        models.Case.id.in_(sa.select(case_table().c.id))
    ),
    "a count beside an entity": lambda: sa.select(
        models.Case.id, sa.select(sa.func.count()).select_from(case_table()).scalar_subquery()
    ),
    "a table by its name": lambda: sa.select(models.Officer.id).where(
        models.Officer.id.in_(sa.select(sa.table("case", sa.column("handler_id")).c.handler_id))
    ),
    "a union": lambda: sa.union(sa.select(models.Case.id), sa.select(case_table().c.id)),
    "words": lambda: sa.text('SELECT id FROM "case"'),
    "words for an entity": lambda: sa.select(models.Case).from_statement(sa.text('SELECT * FROM "case"')),
    "words beside an entity": lambda: sa.select(models.Case.id, sa.literal_column('(SELECT count(*) FROM "case")')),
}


@pytest.mark.parametrize("name", BARE)
def test_a_statement_that_no_scope_can_be_put_on_is_refused(standing: Stage, name: str) -> None:
    statement: Any = BARE[name]()
    for role in ("office", "liaison"):
        with standing.acting(role) as session, pytest.raises(PermissionError):
            session.execute(statement)
    with standing.acting("liaison") as session:
        assert session.execute(statement, execution_options=UNSCOPED).all()
        set_actor(session, SYSTEM)
        assert session.execute(statement).all()


# Writing.


@pytest.mark.parametrize(
    "statement",
    [
        lambda: sa.update(models.Case).values(place="x"),
        lambda: sa.delete(models.Feedback),
        lambda: sa.insert(models.Street).values(name="新街道"),
        lambda: sa.update(case_table()).values(place="x"),
        lambda: sa.text('UPDATE "case" SET place = NULL'),
    ],
    ids=["update", "delete", "insert", "update of a table", "words"],
)
def test_statements_that_write_are_the_systems_alone(standing: Stage, statement: Any) -> None:
    for role in ("office", "leader"):
        with standing.acting(role) as session, pytest.raises(PermissionError):
            session.execute(statement())
    with standing.acting("office") as session, pytest.raises(PermissionError):
        session.query(models.Case).update({"place": "x"})


def test_without_an_actor_nothing_is_written(standing: Stage) -> None:
    with standing.acting() as session:
        session.add(models.Street(name="新街道"))
        with pytest.raises(AccessDenied):
            session.flush()


#: On PostgreSQL the roles that write most, in every area and in their own, try the statements.
EVERY_FLUSH = [
    pytest.param(role, table, marks=pytest.mark.database) if role in ("office", "officer") else (role, table)
    for role in ROLE_NAMES
    for table in TABLES
]


@pytest.mark.parametrize(("role", "table"), EVERY_FLUSH)
def test_a_flush_writes_what_a_role_grants_and_no_more(standing: Stage, role: str, table: str) -> None:
    with standing.session() as session:
        made = factories.another(session, table, standing.inside)
    column = next(f.attr for f in standing.panel.views[table].declared if not f.reference)
    for act in (Permission.EDIT, Permission.DELETE):
        with standing.acting(role) as session:
            found = session.get(MODELS[table], made.id, execution_options=UNSCOPED)
            if act is Permission.EDIT:
                sa.orm.attributes.flag_modified(found, column)
            else:
                session.delete(found)
            if granted(role, act, table):
                with suppress(IntegrityError):  # of a case, whose events refer to it
                    session.flush()
            else:
                with pytest.raises(AccessDenied):
                    session.flush()


@pytest.mark.database
@pytest.mark.parametrize(("role", "table"), [p for p in SCOPED if granted(p[0], Permission.EDIT, p[1])])
def test_what_is_written_lies_inside_ones_area_before_and_after(standing: Stage, role: str, table: str) -> None:
    model = MODELS[table]
    path = getattr(model.__scope__, "attr", "community_id")
    target = "case" if path == "case_id" else "community"
    beyond = {**standing.inside, **standing.outside}
    for start, end in ((standing.inside, beyond), (beyond, standing.inside)):
        with standing.session() as session:
            # A case has one running mediation at most.
            over = {"status": models.MediationStatus.FAILED, "remedies": "可向法院起诉"} if table == "mediation" else {}
            made = factories.another(session, table, start, **over)
        with standing.acting(role) as session:
            found: Any = session.get(model, made.id, execution_options=UNSCOPED)
            setattr(found, path, end[target])
            with pytest.raises(OutOfScope):
                session.flush()
    if not granted(role, Permission.CREATE, table):
        return
    with standing.acting(role) as session:
        values = factories.demanded(table, beyond)
        if table == "case":
            values["case_no"] = "X-1"
        session.add(model(**values))
        with pytest.raises(OutOfScope):
            session.flush()


def test_one_who_reads_more_than_they_may_change_changes_no_more(standing: Stage) -> None:
    for pull in (False, True):
        with standing.acting("officer", "viewer") as session:
            found = session.get_one(models.Case, standing.outside["case"])
            found.place = "x"
            if pull:
                found.community_id = standing.inside["community"]
            with pytest.raises(OutOfScope):
                session.flush()
    with standing.acting("officer", "viewer") as session:
        session.get_one(models.Case, standing.inside["case"]).place = "x"
        session.flush()


def test_a_reference_that_the_program_found_may_lie_outside(standing: Stage) -> None:
    for named in (True, False):
        with standing.acting("officer") as session:
            found = session.get_one(models.Case, standing.inside["case"])
            found.lead_officer_id = standing.outside["officer"]
            if named:
                exempt_reference(session, found, "lead_officer_id")
                session.flush()
            else:
                with pytest.raises(OutOfScope):
                    session.flush()


# What is declared is checked when the panel is assembled.

BOOK = """
from sqlalchemy.orm import Mapped
from panel.security.policy import Policy
from panel.base import Base, Via
from panel.fields import col
from panel.kinds import Reference, Text
from panel.i18n import _

class Book(Base):
    __tablename__ = "book"
    __label__ = __labels__ = _("Book")
    {scope}
    title: Mapped[str] = col(Text(40), _("Title"), required=True)

Policy({{}})
"""


@pytest.mark.parametrize(("scope", "error"), [("", "__scope__"), ('__scope__ = Via("title")', ""), ("pass", "Book")])
def test_a_table_without_a_path_to_a_scope_stops_the_panel(scope: str, error: str) -> None:
    """In a process of its own: there is one schema in each."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", BOOK.format(scope=scope)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert error in done.stderr


def test_a_role_that_says_nothing_of_its_rows_stops_the_panel() -> None:
    role = Role(name="x", label=_("x"), description=_("x"), grants={models.Case: frozenset({Permission.READ})})
    with pytest.raises(TypeError, match="says nothing of its rows"):
        Policy({"x": role})


def test_a_role_by_a_name_that_nobody_declared_grants_nothing(standing: Stage) -> None:
    with standing.acting("office") as session:
        set_actor(session, Actor("x", 1, frozenset({"emperor"})))
        assert session.execute(sa.select(User.id)).all() == []


def test_what_is_ones_own_is_read_and_not_written(standing: Stage) -> None:
    """Notices and jobs: their owner reads them, the program alone writes them."""
    for model in (Notice, Job):
        with standing.acting("office") as session:
            policy, actor = policy_of(session), actor_of(session)
            assert str(policy.criterion(actor, Permission.READ, model)) != "false"
            for act in set(Permission) - {Permission.READ, Permission.CHOOSE}:
                assert str(policy.criterion(actor, act, model)) == "false", (model, act)


@pytest.mark.database
def test_what_lies_outside_ones_area_is_not_deleted(standing: Stage) -> None:
    """Whoever may delete at all, and also where the record was read on the program's account."""
    officer = ROLES_BY_NAME["officer"]
    grants = {**officer.grants, models.Case: {*officer.grants[models.Case], Permission.DELETE}}
    with standing.acting("officer") as session:
        session.info["policy"] = Policy({"officer": replace(officer, grants=grants)})
        statement = sa.select(models.Case).where(models.Case.id == standing.outside["case"])
        session.delete(session.scalars(statement, execution_options=UNSCOPED).unique().one())
        with pytest.raises(OutOfScope):
            session.flush()


def test_actors_of_the_same_roles_share_compiled_statements_and_read_their_own(standing: Stage) -> None:
    def read() -> set[int]:
        return set(session.execute(sa.select(models.Case.id)).scalars())

    with standing.acting("liaison") as session:
        actor, compiled = actor_of(session), session.get_bind()._compiled_cache  # type: ignore[union-attr]
        assert standing.inside["case"] in (own := read())
        before = len(compiled)
        swapped = {name: frozenset({standing.outside[name.split("_")[-1]]}) for name in actor.facts}
        set_actor(session, replace(actor, facts=swapped))
        assert standing.outside["case"] in (other := read())
        assert not own & other
        assert len(compiled) == before


def test_a_statement_past_the_orm_is_refused_after_one_like_it_was_let_through(standing: Stage) -> None:
    mapped, bare = models.Community, models.Community.__table__.c
    with standing.acting("liaison") as session:
        for made in (
            sa.select,
            lambda column: sa.select(models.Case.id).where(models.Case.community_id.in_(sa.select(column))),
            lambda column: sa.select(models.Case.id).where(sa.exists().where(column == models.Case.community_id)),
        ):
            session.execute(made(mapped.id))
            with pytest.raises(PermissionError):
                session.execute(made(bare.id))
