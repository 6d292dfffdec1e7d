"""A visit to the record shop of tests/foreign.py: `python -m tests.foreign_visit FOLDER`, in a process of its own.

The schema is created, changed and migrated; then every page of every table is opened over HTTP, every table goes out
as a file and comes in again, and an import is previewed, applied and undone."""

from __future__ import annotations

import re
import sys
from datetime import date, time
from io import BytesIO
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select

from panel.base import Base, Record
from panel.exports import requests
from panel.exports.records import ExportFormat
from panel.fields import Field, col, fields, links
from panel.i18n import _, using_locale
from panel.imports import batches
from panel.imports.plans import Options, Outcome
from panel.imports.rules import importable
from panel.kinds import (
    Amount,
    Choice,
    Data,
    Day,
    Email,
    Flag,
    Link,
    Mobile,
    Moment,
    Telephone,
    Text,
    Time,
    Whole,
    now,
)
from panel.search import filters, order
from panel.security.accounts import User, UserRole
from panel.security.policy import Actor
from panel.security.session import set_actor
from panel.store.append_only import create_append_only_triggers
from panel.web.panel import Panel
from tests import foreign_links
from tests.foreign import CATALOGUE, TRADE, Album, shop
from tests.foreign_browser import PASSWORD, Client

PEOPLE = {"ann": "manager", "bob": "clerk"}


def migrate(panel: Panel) -> None:
    """After creation there is nothing to migrate; a changed schema migrates, and then there is nothing again."""
    with panel.db.engine.begin() as connection:
        Base.metadata.create_all(connection)
        create_append_only_triggers(connection)
    with panel.db.engine.connect() as connection:
        assert not compare_metadata(_context(connection), Base.metadata), "a created schema is the declared one"
    Album.motto = col(Text(40), _("Motto"))  # type: ignore[attr-defined]
    with panel.db.engine.begin() as connection:
        context = _context(connection)
        operations, script = Operations(context), produce_migrations(context, Base.metadata)
        changes = [one for part in script.upgrade_ops.ops for one in getattr(part, "ops", [part])]  # type: ignore[union-attr]
        assert len(changes) == 1, "a column"
        for change in changes:
            operations.invoke(change)
    with panel.db.engine.connect() as connection:
        assert not compare_metadata(_context(connection), Base.metadata), "the migrated schema is the declared one"


def _context(connection: Any) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": Base.metadata})


def value_of(declared: Field, n: int, session: Any) -> Any:
    """A value that a field takes, another one for each `n`; the first record refers to nothing that it needn't."""
    kind: Any = declared.kind
    if declared.reference:
        if not declared.required and n == 1:
            return None
        target = next(m.class_ for m in Base.registry.mappers if m.class_.__tablename__ == declared.reference.table)
        ids = list(session.execute(select(target.id).order_by(target.id)).scalars())
        return ids[(n - 1) % len(ids)] if ids else None
    values = {
        Choice: lambda: list(kind.choices)[n % len(kind.choices)],
        Mobile: lambda: f"1380000{n:04}",
        Telephone: lambda: f"0573-8271{n:04}",
        Day: lambda: date(1999, 12, n),
        Moment: now,
        Flag: lambda: n % 2 == 0,
        Whole: lambda: kind.low + n,
        Amount: lambda: -n if kind.signed else 10 + n,
        Time: lambda: time(16, 29 + n),
        Email: lambda: f"={n}+1@example.org",
        Link: lambda: f"https://example.org/{n}?a=1&b='2'",
        Data: lambda: {"sides": n},
        Text: lambda: f"No{n}",
    }
    return next(make() for known, make in values.items() if isinstance(kind, known))


def first_of(declared: Field, n: int, session: Any) -> list[Any]:
    """The first records of the table that a field by many() points at."""
    target = next(m.class_ for m in Base.registry.mappers if m.class_.__tablename__ == declared.target)
    return list(session.execute(select(target).order_by(target.id).limit(n)).scalars())


def furnish(panel: Panel) -> None:
    """Three records of every table, two people."""
    with panel.system_session() as session:
        hashed = panel.passwords.hash(PASSWORD)
        for name, role in PEOPLE.items():
            roles = [UserRole(role=role)]
            session.add(User(username=name, name=name, password_hash=hashed, must_change=False, roles=roles))
        session.flush()
        order = [table.name for table in Base.metadata.sorted_tables]
        for model in sorted((*CATALOGUE, *TRADE), key=lambda model: order.index(model.__tablename__)):
            for n in (1, 2, 3):
                typed = [f for f in fields(model) if not f.readonly]
                session.add(model(**{f.attr: value_of(f, n, session) for f in typed}))
                session.flush()
        for model in (*CATALOGUE, *TRADE):
            for n, record in enumerate(session.execute(select(model).order_by(model.id)).scalars()):
                for f in links(model):
                    setattr(record, f.attr, first_of(f, n, session))


def every_page(panel: Panel, ann: Client) -> None:
    """Every page of every table answers, those of the engine's own tables too."""
    for address in ("/", "/jobs/", "/notices/", "/roles", "/password"):
        ann.get(address)
    for table, view in panel.views.items():
        place = f"/admin/{table}"
        listed = ann.get(f"{place}/")
        shown = re.findall(rf"{place}/details/\?id=(\d+)", listed)
        names = [f.name for f in filters.filterable(view.model)]
        for value in ("1", "nonsense", "1999-12-01"):
            ann.get(f"{place}/?{'&'.join(f'{name}={value}' for name in names)}")
        spans = [f"{name}.empty=1&{name}.from=1&{name}.to=nonsense" for name in names]
        ann.get(f"{place}/?{'&'.join(spans)}")
        for name in order.sortable(view.model):
            ann.get(f"{place}/?sort={name}")
            ann.get(f"{place}/?sort=-{name}&page=99")
        ann.get(f"{place}/?q=No1")
        ann.get(f"{place}/export/")
        ann.get(f"{place}/export/xlsx/")
        for id_ in shown[:2]:
            ann.get(f"{place}/details/?id={id_}")
        for f in view.references:
            assert ann.get(f"{place}/ajax/lookup/?name={f.name}&query=").startswith("["), "the look-up"
        if not issubclass(view.model, Record) or view.model.__append_only__:
            continue
        assert shown, f"{table} lists its records"
        ann.get(f"{place}/new/")
        ann.get(f"{place}/confirm/?id={shown[0]}", 403 if table == "user" else 200)
        if importable(view.model):
            ann.get(f"{place}/import/")
            ann.get(f"{place}/template/")
        if table == "userrole":
            continue
        saved = ann.post(f"{place}/edit/?id={shown[0]}", **ann.form(f"{place}/edit/?id={shown[0]}"))
        assert saved.status_code == 302, (table, re.findall(r'class="error[^>]*>([^<]*)', saved.text))


def out_and_in(panel: Panel) -> None:
    """Every table that goes out as a file and comes in again is unchanged."""
    with panel.app.app_context(), using_locale("en"):
        for model in (*CATALOGUE, *TRADE):
            for format in ExportFormat:
                session = panel.session
                session.info.update(policy=panel.policy, secret="", jobs=panel.jobs)
                set_actor(session, Actor("ann", 1, frozenset({"manager"})))
                target = BytesIO()
                requests.write(
                    session, requests.prepare(session, requests.ExportRequest(model, {}, (), format), {}), target
                )
                file = batches.File(f"{model.__tablename__}.{format.value}", target.getvalue())
                made = batches.plan(session, model, file, Options(), panel.registry)
                left = [(row.outcome, batches.reasons(row), row.changes) for row in made.rows]
                assert [row.outcome for row in made.rows] == [Outcome.UNCHANGED] * 3, (
                    model.__tablename__,
                    format,
                    left,
                )
                session.rollback()


def an_import(ann: Client) -> None:
    """A file is previewed, applied and undone, and the log-ins, audit and batches of it are listed."""
    client = ann.client
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/password").text)
    assert token
    file = (BytesIO(b"Code,Upstairs\nQ1,yes\nQ2,no\n"), "shelves.csv")
    given = client.post("/admin/shelf/import/", data={"csrf_token": token[1], "file": file})
    assert given.status_code == 302, given.text[-2000:]
    form = ann.form(given.location)
    done = ann.post("/admin/shelf/import/apply/", token=form["token"], digest=form["digest"])
    assert done.status_code == 302
    assert "/admin/importbatch/details/" in done.location
    batch = done.location.rpartition("=")[2]
    ann.get(done.location)
    assert ann.get("/admin/shelf/?q=Q1").count("Q1")
    undo = f"/admin/importbatch/undo/?id={batch}"
    assert ann.post(undo, **ann.form(undo)).status_code == 302
    assert ann.get("/admin/shelf/?q=Q1").count("/admin/shelf/details/") == 0
    for table in ("importbatch", "importrow", "loginlog", "auditentry", "exportlog"):
        assert f"/admin/{table}/details/" in ann.get(f"/admin/{table}/"), table


def the_kinds(ann: Client) -> None:
    """Each kind is typed as people write it, shown, refused with a sentence, and filtered by."""
    url = "/admin/publisher/edit/?id=1"
    typed = {**ann.form(url), "orders_until": "下午4点半", "email": "-a@Example.org", "telephone": "0573-82710001"}
    assert ann.post(url, **typed).status_code == 302
    shown = ann.get("/admin/publisher/details/?id=1")
    assert "16:30" in shown
    assert "-a@example.org" in shown
    refused = ann.post(url, **{**ann.form(url), "orders_until": "上午12:30", "email": "a@b"})
    assert refused.status_code == 422
    assert "can be read in two ways" in refused.text
    assert "no e-mail address" in refused.text
    until = "/admin/publisher/?orders_until.from=16:31&orders_until.to=16:31"
    assert re.findall(r"publisher/details/\?id=(\d+)", ann.get(until)) == ["2"]
    csv = ann.client.get("/admin/publisher/export/csv/").text
    assert "\t-a@example.org" in csv, "no spreadsheet takes it for a formula"
    assert "16:30" in csv

    outside = ann.get("/admin/artist/details/?id=1")
    address = "https://example.org/1?a=1&amp;b=&#39;2&#39;"
    assert f'<a href="{address}" rel="noopener noreferrer" target="_blank">' in outside
    artist = "/admin/artist/edit/?id=1"
    assert ann.post(artist, **{**ann.form(artist), "website": "javascript:x"}).status_code == 422
    assert ann.get("/admin/artist/details/?id=1").count(address) == 2, "as it was"

    born = {"version": ann.form(artist)["version"], "born_on": "1915-05-13"}
    assert ann.post(artist, **born).status_code == 302
    assert 'name="born_on"' not in ann.get(artist), "locked from then on"
    ann.get("/admin/artist/confirm/?id=1", 403)
    late = ann.post(artist, version=ann.form(artist)["version"], born_on="1916-05-13")
    assert late.status_code == 422
    assert "A day of birth before 1930 stays." in late.text

    card = "/admin/card/edit/?id=1"
    assert ann.post(card, **{**ann.form(card), "balance": "(1,234.50)"}).status_code == 302
    assert "-1234.50" in ann.get("/admin/card/details/?id=1")


def the_scope(bob: Client) -> None:
    """A clerk sees no sale but the own one, and no log."""
    ann_sells = bob.get("/admin/sale/")
    assert ann_sells.count("/admin/sale/details/") < 3
    bob.get("/admin/auditentry/", 403)


def the_views(ann: Client, bob: Client) -> None:
    """A manager shares a view with the clerks, who open it and share none; lists are sorted by names of references."""
    place = "/admin/album/views/"
    kept = {"act": "save", "arguments": "columns=title,artist&sort=-artist&medium=tape", "view_role": "clerk"}
    assert bob.post(place, **kept, view_name="Tapes").status_code == 403
    saved = ann.post(place, **kept, view_name="Tapes")
    assert saved.status_code == 302
    id_ = re.findall(r"view=(\d+)", saved.location)[0]
    opened = bob.client.get(f"/admin/album/?view={id_}")
    assert "columns=title%2Cartist" in opened.location
    page = bob.get(opened.location)
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page) == ["Title", "Artist"]


def main() -> None:
    folder = Path(sys.argv[1])
    panel = shop(f"sqlite:///{folder / 'shop.db'}", str(folder))
    with panel.app.app_context():
        migrate(panel)
        furnish(panel)
    ann, bob = Client(panel, "ann"), Client(panel, "bob")
    every_page(panel, ann)
    out_and_in(panel)
    the_kinds(ann)
    an_import(ann)
    the_scope(bob)
    the_views(ann, bob)
    foreign_links.by_hand(ann)
    foreign_links.by_scope(panel, bob)
    foreign_links.restored(ann, bob)
    foreign_links.by_file(ann)


if __name__ == "__main__":
    main()
