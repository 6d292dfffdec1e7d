"""Records that refer to their own table, or to themselves: `python -m tests.foreign_tree FILE`, in its own process."""

from __future__ import annotations

import re
import sys
from io import BytesIO
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, relationship
from werkzeug.test import TestResponse

from panel.base import Base, Named, Public, Record
from panel.fields import col
from panel.i18n import _
from panel.imports.records import ImportBatch
from panel.kinds import Reference, Text
from panel.security.accounts import User, UserRole
from panel.security.policy import MANAGE, READ, Role
from panel.store.append_only import create_append_only_triggers
from panel.web.assemble import assemble
from panel.web.imports.batch_views import BatchView
from panel.web.panel import Panel
from panel.web.views import SchemaView

PASSWORD = "Library-1"
WORDS = re.compile(r'name="(token|digest)" value="([^"]+)"')


class Shelf(Named, Record):
    __tablename__, __label__, __labels__, __scope__ = "shelf", _("Shelf"), _("Shelves"), Public()
    __display__ = ("name", "inside")
    name: Mapped[str] = col(Text(40), _("Name"), required=True, key=True, search=True)
    inside_id: Mapped[int | None] = col(Reference("shelf"), _("Stands in"))
    inside: Mapped[Shelf | None] = relationship(remote_side="Shelf.id")


class Place(Record):
    """Known by the place around it alone."""

    __tablename__, __label__, __labels__, __scope__ = "place", _("Place"), _("Places"), Public()
    __display__ = ("around",)
    around_id: Mapped[int | None] = col(Reference("place"), _("Around"), key=True)
    around: Mapped[Place | None] = relationship(remote_side="Place.id")


def building(url: str) -> Panel:
    app, db = Flask("building", static_folder=None), SQLAlchemy(model_class=Base)
    app.config.update(SECRET_KEY="of a building", SQLALCHEMY_DATABASE_URI=url, PASSWORD_COST=1, LOCALE="en")
    grants = {Shelf: MANAGE, Place: MANAGE, ImportBatch: READ}
    role = Role(name="keeper", label=_("Keeper"), description=_("Everything."), grants=grants, everything=True)
    views = [SchemaView(model, db, group=_("Building"), icon="cube") for model in (Shelf, Place)]
    return assemble(app, db, roles=[role], views=[*views, BatchView(ImportBatch, db, group=_("Logs"), icon="cube")])


def main() -> None:
    panel = building(f"sqlite:///{sys.argv[1]}")
    with panel.app.app_context():
        Base.metadata.create_all(panel.db.engine)
        with panel.db.engine.begin() as connection:
            create_append_only_triggers(connection)
        with panel.system_session() as session:
            hashed = panel.passwords.hash(PASSWORD)
            ann = User(username="ann", name="ann", password_hash=hashed, must_change=False)
            ann.roles = [UserRole(role="keeper")]
            session.add(ann)
    client = panel.app.test_client()

    def post(url: str, **data: Any) -> TestResponse:
        page = client.get("/login" if url == "/login" else "/password").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        return client.post(url, data={"csrf_token": token[1], **data}, content_type="multipart/form-data")

    def bring(*lines: str) -> int:
        """Import shelves; gives the status of the confirmation, 0 where there is nothing to confirm."""
        file = (BytesIO("\n".join(["Name,Stands in", *lines]).encode()), "shelves.csv")
        preview = client.get(post("/admin/shelf/import/", file=file).location)
        assert preview.status_code == 200
        given = dict(WORDS.findall(preview.text))
        return post("/admin/shelf/import/apply/", **given).status_code if "digest" in given else 0

    def open_all(table: str, id_: int) -> None:
        for page in ("", "details/", "edit/", "confirm/", "export/", "template/", "ajax/lookup/"):
            given = {"id": id_, "name": "inside" if table == "shelf" else "around", "query": "A"}
            assert client.get(f"/admin/{table}/{page}", query_string=given).status_code == 200, (table, page)

    assert post("/login", username="ann", password=PASSWORD).status_code == 302
    assert post("/admin/shelf/new/", name="A").status_code == 302
    assert post("/admin/shelf/edit/?id=1", name="A", inside="1", version="1").status_code == 302
    assert post("/admin/shelf/edit/?id=1", name="A ", inside="1", version="2").status_code == 302
    assert post("/admin/shelf/edit/?id=1", name="B", inside="1", version="2").status_code == 302
    assert post("/admin/shelf/edit/?id=1", name="A", inside="1", version="3").status_code == 302
    assert post("/admin/place/new/").status_code == 302
    assert post("/admin/place/edit/?id=1", around="1", version="1").status_code == 302
    open_all("shelf", 1)
    open_all("place", 1)
    assert post("/admin/place/delete/", id="1").status_code == 302
    assert client.get("/admin/place/details/?id=1").status_code == 404, "it referred to nothing but itself"

    assert bring("A,A", "B,A") == 302, "as stored, and one more"
    assert bring("A,B", "B,B") == 302, "one that is changed to refer to itself"
    assert bring("A,B", "B,A") == 302, "two that refer to each other"
    assert bring("C,C") == 0, "a new record can't be found by its name yet, and says so; there is nothing to confirm"
    open_all("shelf", 2)
    assert post("/admin/shelf/delete/", id="1").status_code == 302
    assert client.get("/admin/shelf/details/?id=1").status_code == 200, "the other one refers to it"
    both = {"action": "delete", "rowid": ["1", "2"], "confirmed": "1"}
    assert post("/admin/shelf/action/", **both).status_code == 302
    assert client.get("/admin/shelf/details/?id=1").status_code == 404


if __name__ == "__main__":
    main()
