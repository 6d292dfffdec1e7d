"""A library, no part of this product: its whole schema and panel, for the proof that the engine is one."""

from datetime import date

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Mapped, relationship

from panel.base import Anchor, Base, Named, Public, Record, Via
from panel.fields import Personal, col
from panel.i18n import _
from panel.kinds import Day, PersonName, Reference, Text
from panel.security.accounts import User
from panel.security.policy import MANAGE, READ, Role
from panel.web.assemble import Panel, assemble
from panel.web.views import SchemaView


class Author(Named, Record):
    __tablename__, __label__, __labels__, __scope__ = "author", _("Author"), _("Authors"), Public()
    name: Mapped[str] = col(PersonName(), _("Full name"), required=True, key=True, search=True)


class Book(Record):
    __tablename__, __label__, __labels__, __scope__ = "book", _("Book"), _("Books"), Anchor()
    __display__ = ("title",)
    title: Mapped[str] = col(Text(80), _("Title"), required=True, key=True, search=True)
    author_id: Mapped[int] = col(Reference("author"), _("Author"), required=True)
    keeper_id: Mapped[int] = col(Reference("user"), _("Keeper"), required=True)
    author: Mapped[Author] = relationship()
    keeper: Mapped[User] = relationship(foreign_keys=[keeper_id])


class Loan(Record):
    __tablename__, __label__, __labels__, __scope__ = "loan", _("Loan"), _("Loans"), Via("book_id")
    __display__ = ("reader",)
    book_id: Mapped[int] = col(Reference("book"), _("Book"), required=True)
    reader: Mapped[str] = col(PersonName(), _("Reader"), required=True, personal=Personal.PRIVATE)
    until: Mapped[date | None] = col(Day(), _("Until"), help=_("Empty while the reader likes."))
    book: Mapped[Book] = relationship()


KEEPER = Role(
    name="keeper",
    label=_("Keeper"),
    description=_("The books one keeps, and their loans."),
    grants={User: READ, Author: MANAGE, Book: MANAGE, Loan: MANAGE},
    rows={Book: lambda actor, book: book.keeper_id == actor.user_id},
)


def library(url: str) -> Panel:
    app, db = Flask("library", static_folder=None), SQLAlchemy(model_class=Base)
    app.config.update(SECRET_KEY="of a library", SQLALCHEMY_DATABASE_URI=url, PASSWORD_COST=1, LOCALE="en")
    views = [SchemaView(model, db, group=_("Library"), icon="book") for model in (Author, Book, Loan)]
    return assemble(app, db, roles=[KEEPER], views=views)
