"""Schemas that the engine can't serve: `python -m tests.foreign_faults FOLDER`, in a process of its own.

Each is declared in a child process, because a table that is declared once stays declared. assemble() must refuse it in
the sentence that is expected; a sentence of the check that no case here calls forth is an error too."""

from __future__ import annotations

import ast
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Integer, String, func, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from panel import schema_check
from panel.base import Anchor, Base, Own, Public, Record, Via
from panel.fields import Personal, col, computed, many
from panel.i18n import _
from panel.kinds import Reference, Text, Whole
from panel.security.policy import MANAGE, Role
from panel.web.assemble import assemble
from panel.web.views import SchemaView

Models = Sequence[type[Base]]


class Named:
    """What every case has that isn't about it."""

    __label__, __labels__, __scope__ = _("Thing"), _("Things"), Public()


class Shelf(Record):
    """A table that can be served, to refer to."""

    __tablename__, __label__, __labels__, __scope__ = "shelf", _("Shelf"), _("Shelves"), Public()
    __display__ = ("name",)
    name: Mapped[str] = col(Text(40), _("Name"), required=True, key=True)


def inherits() -> Models:
    class Box(Shelf):
        __tablename__, __label__, __labels__ = "box", _("Box"), _("Boxes")
        id: Mapped[int] = mapped_column(ForeignKey("shelf.id"), primary_key=True)

    return [Box]


def of_two_columns() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        place: Mapped[int] = mapped_column(Integer, primary_key=True)

    return [Thing]


def by_a_text() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        id: Mapped[str] = mapped_column(String(10), primary_key=True)  # type: ignore[assignment]

    return [Thing]


def without_label() -> Models:
    class Thing(Record):
        __tablename__, __labels__, __scope__ = "thing", _("Things"), Public()

    return [Thing]


def without_labels() -> Models:
    class Thing(Record):
        __tablename__, __label__, __scope__ = "thing", _("Thing"), Public()

    return [Thing]


def without_scope() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__ = "thing", _("Thing"), _("Things")

    return [Thing]


def by_no_reference() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Via("name")
        name: Mapped[str] = col(Text(40), _("Name"), required=True)

    return [Thing]


def by_nothing() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Via("shelf_id")

    return [Thing]


def own_of_nobody() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Own("owner_id")

    return [Thing]


def anchored_nowhere() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Anchor()

    return [Thing]


def displayed() -> Models:
    class Thing(Named, Record):
        __tablename__, __display__ = "thing", ("name",)

    return [Thing]


def ordered() -> Models:
    class Thing(Named, Record):
        __tablename__, __order__ = "thing", "-name"

    return [Thing]


def worked_out() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        stock: Mapped[int] = col(Whole(), _("Stock"), required=True)
        double: Mapped[int] = column_property(stock.column * 2)  # type: ignore[attr-defined]

    return [Thing]


def of_other_rows() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        shelves: Mapped[int | None] = computed(
            Whole(), _("Shelves"), select(func.count(Shelf.id)).correlate(None).scalar_subquery()
        )

    return [Thing]


def links_of_a_log() -> Models:
    class Thing(Named, Base):
        __tablename__, __append_only__ = "thing", True
        shelves: Mapped[list[Shelf]] = many("shelf", _("Shelves"))

    return [Thing]


def called_alike() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        first: Mapped[str] = col(Text(40), _("Name"), required=True)
        second: Mapped[str] = col(Text(40), _("Name"), required=True)

    return [Thing]


def without_version() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        __mapper_args__ = {}  # type: ignore[assignment]

    return [Thing]


def to_no_table() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        box_id: Mapped[int | None] = col(Reference("box"), _("Box"))

    return [Thing]


def screens() -> Models:
    return [Shelf, Shelf]


def tables_called_alike() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"

    class Other(Named, Record):
        __tablename__ = "other"

    return [Thing, Other]


def word_of_addresses() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        page: Mapped[str] = col(Text(40), _("Page"), required=True)

    return [Thing]


def to_no_screen() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        shelf_id: Mapped[int | None] = col(Reference("shelf"), _("Shelf"))
        shelf: Mapped[Shelf | None] = relationship()

    return [Thing]


def without_relationship() -> Models:
    class Thing(Named, Record):
        __tablename__ = "thing"
        shelf_id: Mapped[int | None] = col(Reference("shelf"), _("Shelf"))

    return [Thing, Shelf]


def to_another_record() -> Models:
    class Box(Record):
        __tablename__, __label__, __labels__, __scope__ = "box", _("Box"), _("Boxes"), Public()

    class Thing(Named, Record):
        __tablename__ = "thing"
        shelf_id: Mapped[int | None] = col(Reference("shelf"), _("Shelf"))
        box_id: Mapped[int | None] = col(Reference("box"), _("Box"))
        box: Mapped[Box | None] = relationship()
        shelf: Mapped[Box | None] = relationship(foreign_keys=[box_id], viewonly=True)

    return [Thing, Box, Shelf]


def named_by_a_secret() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Public()
        __display__ = ("owner",)
        owner: Mapped[str] = col(Text(40), _("Owner"), required=True, personal=Personal.PRIVATE)

    return [Thing]


def encrypted_in_the_open() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Public()
        note: Mapped[str] = col(Text(40), _("Note"), required=True, encrypted=True)

    return [Thing]


def encrypted_key() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Public()
        code: Mapped[str] = col(
            Text(40), _("Code"), required=True, key=True, encrypted=True, personal=Personal.PRIVATE, filter=False
        )

    return [Thing]


def a_key_on_the_row() -> Models:
    class Thing(Record):
        __tablename__, __label__, __labels__, __scope__ = "thing", _("Thing"), _("Things"), Public()
        code: Mapped[str] = col(Text(40), _("Code"), required=True, key=True, inline=True)

    return [Thing]


def rows_without_screen() -> Models:
    class Thing(Named, Record):
        __tablename__, __rows__ = "thing", ("shelf",)

    return [Thing]


def rows_of_nothing() -> Models:
    class Thing(Named, Record):
        __tablename__, __rows__ = "thing", ("shelf",)

    return [Thing, Shelf]


def rows_of_a_log() -> Models:
    class Thing(Named, Record):
        __tablename__, __rows__ = "thing", ("line",)

    class Line(Base):
        __tablename__, __label__, __labels__, __scope__ = "line", _("Line"), _("Lines"), Public()
        thing_id: Mapped[int] = col(Reference("thing"), _("Thing"), required=True)
        thing: Mapped[Thing] = relationship()

    return [Thing, Line]


CASES: dict[Callable[[], Models], str] = {
    inherits: "Box: a table that inherits another can't be served; give it a reference to the other instead",
    of_two_columns: "Thing: the primary key must be the one integer column id that Base declares; make other columns "
    "unique instead",
    by_a_text: "Thing: the primary key must be the one integer column id that Base declares; make other columns unique "
    "instead",
    without_label: "Thing: it declares no __label__",
    without_labels: "Thing: it declares no __labels__",
    without_scope: "Thing declares no __scope__: say Public(), Anchor() or Via(column)",
    by_no_reference: "Thing: its scope leads by name, which is no reference",
    by_nothing: "Thing: its scope leads by shelf_id, which it doesn't have",
    own_of_nobody: "Thing: its scope leads by owner_id, which it doesn't have",
    anchored_nowhere: "role all is granted Thing but says nothing of its rows",
    displayed: "Thing: it is displayed or ordered by name, which it doesn't have",
    ordered: "Thing: it is displayed or ordered by name, which it doesn't have",
    worked_out: "Thing: double is computed; declare it by computed(kind, label, expression)",
    of_other_rows: "Thing: shelves reads other rows, which no scope can be put on; compute it of its own row",
    links_of_a_log: "Thing: it is append-only, so that shelves could never be changed; declare a table of its own",
    named_by_a_secret: "Thing: owner is private, so that it can't be a name or order: the answer would tell it "
    "to those who may not see it",
    encrypted_in_the_open: "Thing: note is encrypted: it must be a text, and can be neither filtered nor sorted",
    encrypted_key: "Thing: code is encrypted and a key: it needs its keyed hash beside it, in a column code_hash",
    a_key_on_the_row: "Thing: code can't be edited on the row of a list: it is read-only, a key, locked or private",
    called_alike: "Thing: two columns are called “Name”, so that no file could tell them apart",
    without_version: "Thing: its mapper must keep the version column of Record",
    to_no_table: "Thing: box_id refers to box, which is no declared table",
    screens: "Shelf: there are two screens of shelf",
    tables_called_alike: "Other and Thing are both called “Things”",
    word_of_addresses: "Thing: a column can't be called page, which is a word of addresses and forms",
    to_no_screen: "Thing: shelf_id refers to shelf, which has no screen; give it a view",
    without_relationship: "Thing: shelf_id needs a relationship beside it, called shelf",
    to_another_record: "Thing: shelf_id and the relationship shelf must lead to the same record",
    rows_without_screen: "Thing: its form has rows of shelf, which has no screen; give it a view",
    rows_of_nothing: "Shelf: as rows of Thing it needs one reference to it, and a required one",
    rows_of_a_log: "Line: rows in a form must be of a Record that can be changed",
}


def said_of(models: Models, folder: str) -> str:
    """What assemble() says of these tables."""
    app, db = Flask("faults", static_folder=None, instance_path=folder), SQLAlchemy(model_class=Base)
    app.config.update(SECRET_KEY="of faults", SQLALCHEMY_DATABASE_URI="sqlite://", PASSWORD_COST=1)
    grants = dict.fromkeys(models, MANAGE)
    role = Role(name="all", label=_("All"), description=_("All of it."), grants=grants)
    views = [SchemaView(model, db, group=_("Things"), icon="cube") for model in models]
    try:
        assemble(app, db, roles=[role], views=views)
    except TypeError as error:
        return str(error)
    return ""


def in_a_child(work: Callable[[], object]) -> bool:
    """Whether some work ends well in a process of its own."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def sentences() -> list[list[str]]:
    """The fixed parts of every sentence of the check."""
    tree = ast.parse(Path(schema_check.__file__).read_text())
    yielded = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    texts = [
        [part.value for part in ast.walk(value) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        for value in yielded
        if value is not None
    ]
    return [[part for part in parts if part.strip(" :.")] for parts in texts]


def main() -> None:
    folder = sys.argv[1]

    def hold(declare: Callable[[], Models], expected: str) -> None:
        said: Any = said_of(declare(), folder)
        assert said == expected, (declare.__name__, said)

    assert in_a_child(lambda: hold(lambda: [Shelf], "")), "what can be served is"
    held = [in_a_child(lambda one=one: hold(*one)) for one in CASES.items()]
    assert all(held)
    uncalled = [parts for parts in sentences() if not any(all(p in said for p in parts) for said in CASES.values())]
    assert uncalled == [], "no case calls forth these sentences"


if __name__ == "__main__":
    main()
