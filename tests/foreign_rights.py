"""Roles of a panel that aren't the bureau's: `python -m tests.foreign_rights FOLDER`, in a process of its own.

Two roles that nobody may hold together, and somebody who imports but may not read what imports there were."""

from __future__ import annotations

import re
import sys
from collections.abc import Set as AbstractSet
from io import BytesIO

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session

from panel.base import Base, Named, Public, Record
from panel.fields import col
from panel.i18n import Message, _
from panel.imports.records import ImportBatch, ImportRow
from panel.kinds import Text
from panel.security.accounts import User, UserRole
from panel.security.policy import MANAGE, READ, Permission, Role
from panel.security.records import AuditEntry
from panel.store.append_only import create_append_only_triggers
from panel.web.assemble import assemble
from panel.web.panel import Panel
from panel.web.views import SchemaView
from tests.foreign_browser import PASSWORD, Client, bring

#: Rows that make an import a job.
MANY = 2_001


class Shelf(Named, Record):
    __tablename__, __label__, __labels__, __scope__ = "shelf", _("Shelf"), _("Shelves"), Public()
    name: Mapped[str] = col(Text(40), _("Name"), required=True, key=True, search=True)


def conflict(_session: Session, roles: AbstractSet[str]) -> Message | None:
    if {"importer", "inspector"} <= roles:
        return _("Nobody inspects what they import.")
    return None


ACCOUNTS = dict.fromkeys((User, UserRole), MANAGE)
ROLES = [
    Role(name="chief", label=_("Chief"), description=_("Accounts."), grants={**ACCOUNTS}, everything=True),
    Role(
        name="importer",
        label=_("Importer"),
        description=_("Shelves."),
        grants={Shelf: MANAGE | {Permission.IMPORT}},
        everything=True,
    ),
    Role(
        name="inspector",
        label=_("Inspector"),
        description=_("Imports."),
        grants=dict.fromkeys((Shelf, ImportBatch, ImportRow, AuditEntry), READ),
        everything=True,
    ),
]


def panel_of(folder: str) -> Panel:
    app, db = Flask("rights", static_folder=None, instance_path=folder), SQLAlchemy(model_class=Base)
    app.config.update(SECRET_KEY="of rights", SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/rights.db")
    app.config.update(PASSWORD_COST=1, LOCALE="en")
    views = [SchemaView(Shelf, db, group=_("Shop"), icon="cube")]
    panel = assemble(app, db, roles=ROLES, views=views, role_conflict=conflict)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        with db.engine.begin() as connection:
            create_append_only_triggers(connection)
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            for name, role in (("ann", "chief"), ("bob", "importer"), ("eve", "inspector")):
                roles = [UserRole(role=role)]
                session.add(User(username=name, name=name, password_hash=hashed, must_change=False, roles=roles))
    return panel


def roles_of(panel: Panel, username: str) -> list[str]:
    with panel.app.app_context(), panel.system_session() as session:
        held = select(UserRole.role).join(User, User.id == UserRole.user_id).where(User.username == username)
        return sorted(session.scalars(held))


def no_two_roles_that_exclude_each_other(panel: Panel) -> None:
    """By a new role, and by one that is changed."""
    ann = Client(panel, "ann")
    eve = re.search(r"/admin/user/details/\?id=(\d+)", ann.get("/admin/user/?q=eve"))
    assert eve
    refused = ann.post("/admin/userrole/new/", user=eve[1], role="importer")
    assert refused.status_code == 422
    assert "Nobody inspects what they import." in refused.text
    assert ann.post("/admin/userrole/new/", user=eve[1], role="chief").status_code == 302
    assert roles_of(panel, "eve") == ["chief", "inspector"]
    given = re.findall(r"/admin/userrole/details/\?id=(\d+)", ann.get(f"/admin/userrole/?user={eve[1]}"))
    pages = [f"/admin/userrole/edit/?id={id_}" for id_ in given]
    (chief,) = [page for page in pages if ann.form(page)["role"] == "chief"]
    refused = ann.post(chief, **ann.form(chief) | {"role": "importer"})
    assert refused.status_code == 422
    assert "Nobody inspects what they import." in refused.text
    assert roles_of(panel, "eve") == ["chief", "inspector"]


def an_import_that_one_may_not_read(panel: Panel) -> None:
    """It is written, and leads to the records instead of to the batch; who may read batches finds it."""
    bob = Client(panel, "bob")
    page, confirmed = bring(bob, "shelf", "Name\nUpstairs\nDownstairs\n")
    assert "Upstairs" in page
    done = bob.post("/admin/shelf/import/apply/", **confirmed)
    assert (done.status_code, done.location) == (302, "/admin/shelf/")
    listed = bob.get("/admin/shelf/")
    assert "Upstairs" in listed
    assert "/admin/importbatch/" not in listed
    for address in ("", "details/?id=1", "undo/?id=1", "failed/?id=1"):
        bob.get(f"/admin/importbatch/{address}", 403)
    bob.get("/admin/importrow/", 403)
    eve = Client(panel, "eve")
    assert "bob" in eve.get("/admin/importbatch/details/?id=1")
    assert eve.get("/admin/auditentry/?table_name=shelf").count("bob") == 2, "each record has its entry"


def a_long_one(panel: Panel) -> None:
    """A job leads to the records too."""
    bob = Client(panel, "bob")
    token = re.search(r'name="csrf_token" value="([^"]+)"', bob.get("/password"))
    assert token
    text = "\n".join(["Name", *(f"No{n}" for n in range(MANY))])
    asked = bob.client.post(
        "/admin/shelf/import/", data={"csrf_token": token[1], "file": (BytesIO(text.encode()), "a.csv")}
    )
    job = asked.location
    assert job.startswith("/jobs/")
    panel.jobs.run_pending()
    preview = bob.client.get(job.replace("/jobs/", "/jobs/ajax/")).json["go"]
    form = bob.form(preview)
    asked = bob.post("/admin/shelf/import/apply/", token=form["token"], digest=form["digest"])
    panel.jobs.run_pending()
    assert bob.client.get(asked.location.replace("/jobs/", "/jobs/ajax/")).json["go"] == "/admin/shelf/"
    assert f"{MANY + 2:,}" in bob.get("/admin/shelf/")


def main() -> None:
    panel = panel_of(sys.argv[1])
    no_two_roles_that_exclude_each_other(panel)
    an_import_that_one_may_not_read(panel)
    a_long_one(panel)


if __name__ == "__main__":
    main()
