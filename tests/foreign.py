"""A record shop, no part of this product: its whole schema, roles and panel, for the proof that the engine is one."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from panel.base import Anchor, Base, Named, Public, Record, Via
from panel.exports.records import ExportLog
from panel.fields import Lock, Personal, col, computed, many, rule
from panel.i18n import _
from panel.imports.records import ImportBatch, ImportRow
from panel.kinds import (
    Amount,
    Choice,
    Choices,
    Code,
    Data,
    Day,
    Email,
    Flag,
    Link,
    Mobile,
    Moment,
    PersonName,
    Reference,
    Telephone,
    Text,
    Time,
    Whole,
    now,
)
from panel.security.accounts import LoginLog, User, UserRole
from panel.security.login_records import LoginSession
from panel.security.policy import MANAGE, READ, Permission, Role
from panel.security.records import AuditEntry
from panel.web.assemble import assemble
from panel.web.panel import Panel
from panel.web.system.account_views import UserView
from panel.web.views import SchemaView


class Medium(Choices):
    VINYL = "vinyl", _("Vinyl"), "brand"
    DISC = "disc", _("Disc")
    TAPE = "tape", _("Tape"), "warn"


class Genre(Named, Record):
    """Refers to itself: a genre of a genre."""

    __tablename__, __label__, __labels__, __scope__ = "genre", _("Genre"), _("Genres"), Public()
    name: Mapped[str] = col(Text(60), _("Name"), required=True, key=True, unique=True, search=True)
    parent_id: Mapped[int | None] = col(Reference("genre"), _("Part of"))
    parent: Mapped["Genre | None"] = relationship(remote_side="Genre.id")


#: A day of birth that was looked up in the archive stays.
KNOWN = Lock(lambda artist: artist.born_on < date(1930, 1, 1), _("A day of birth before 1930 stays."))


class Artist(Named, Record):
    __tablename__, __label__, __labels__, __scope__ = "artist", _("Artist"), _("Artists"), Public()
    name: Mapped[str] = col(PersonName(), _("Name"), required=True, key=True, search=True)
    born_on: Mapped[date | None] = col(Day(), _("Born"), below="name", locked=KNOWN)
    website: Mapped[str | None] = col(Link(), _("Website"))


class Publisher(Named, Record):
    __tablename__, __label__, __labels__, __scope__ = "publisher", _("Publisher"), _("Publishers"), Public()
    name: Mapped[str] = col(Text(60), _("Name"), required=True, key=True, search=True)
    telephone: Mapped[str | None] = col(Telephone(), _("Telephone"), personal=Personal.WORK)
    email: Mapped[str | None] = col(Email(), _("E-mail"))
    orders_until: Mapped[time | None] = col(Time(), _("Takes orders until"))


class Album(Record):
    """Two columns that the database works out, one stored and one not; structured data."""

    __tablename__, __label__, __labels__, __scope__ = "album", _("Album"), _("Albums"), Public()
    __display__ = ("title",)
    __table_args__ = (rule("price_above_cost", "price >= cost", _("An album isn't sold below its cost.")),)
    title: Mapped[str] = col(Text(80), _("Title"), required=True, key=True, search=True)
    artist_id: Mapped[int] = col(Reference("artist"), _("Artist"), required=True, key=True)
    publisher_id: Mapped[int | None] = col(Reference("publisher"), _("Publisher"))
    medium: Mapped[Medium] = col(Choice(Medium), _("Medium"), required=True, default=Medium.VINYL)
    released_on: Mapped[date | None] = col(Day(), _("Released"), index=True)
    price: Mapped[Decimal] = col(Amount(), _("Price"), required=True)
    cost: Mapped[Decimal] = col(Amount(), _("Cost"), required=True)
    stock: Mapped[int] = col(Whole(), _("Stock"), required=True, default=0)
    worth: Mapped[Decimal | None] = computed(Amount(), _("Worth of the stock"), "price * stock")
    margin: Mapped[Decimal | None] = computed(Amount(), _("Margin"), price - cost)
    extras: Mapped[dict[str, Any] | None] = col(Data(), _("Extras"), filter=False)
    artist: Mapped[Artist] = relationship()
    publisher: Mapped[Publisher | None] = relationship()


class Track(Record):
    __tablename__, __label__, __labels__, __scope__ = "track", _("Track"), _("Tracks"), Public()
    __display__ = ("number", "title")
    __table_args__ = (UniqueConstraint("album_id", "number"),)
    album_id: Mapped[int] = col(Reference("album"), _("Album"), required=True, key=True)
    number: Mapped[int] = col(Whole(low=1), _("No."), required=True, key=True)
    title: Mapped[str] = col(Text(80), _("Title"), required=True, search=True)
    seconds: Mapped[int | None] = col(Whole(), _("Seconds"))
    album: Mapped[Album] = relationship()


class AlbumGenre(Record):
    """A link table."""

    __tablename__, __label__, __labels__, __scope__ = (
        "albumgenre",
        _("Genre of an album"),
        _("Genres of albums"),
        Public(),
    )
    __display__ = ("album", "genre")
    __table_args__ = (UniqueConstraint("album_id", "genre_id"),)
    album_id: Mapped[int] = col(Reference("album"), _("Album"), required=True, key=True)
    genre_id: Mapped[int] = col(Reference("genre"), _("Genre"), required=True, key=True)
    album: Mapped[Album] = relationship()
    genre: Mapped[Genre] = relationship()


class Shelf(Record):
    __tablename__, __label__, __labels__, __scope__ = "shelf", _("Shelf"), _("Shelves"), Public()
    __display__ = ("code",)
    code: Mapped[str] = col(Code(10), _("Code"), required=True, key=True, unique=True, search=True)
    upstairs: Mapped[bool] = col(Flag(), _("Upstairs"), required=True, default=False)


class Copy(Record):
    __tablename__, __label__, __labels__, __scope__ = "copy", _("Copy"), _("Copies"), Public()
    __display__ = ("barcode", "album")
    barcode: Mapped[str] = col(Code(20), _("Barcode"), required=True, key=True, unique=True, search=True)
    album_id: Mapped[int] = col(Reference("album"), _("Album"), required=True)
    shelf_id: Mapped[int | None] = col(Reference("shelf"), _("Shelf"))
    album: Mapped[Album] = relationship()
    shelf: Mapped[Shelf | None] = relationship()


class Customer(Record):
    """Called by a number and never by a name, which is masked."""

    __tablename__, __label__, __labels__, __scope__ = "customer", _("Customer"), _("Customers"), Public()
    __display__ = ("number",)
    number: Mapped[str] = col(Code(20), _("Customer no."), required=True, key=True, unique=True, search=True)
    name: Mapped[str] = col(PersonName(), _("Name"), required=True, personal=Personal.PRIVATE)
    phone: Mapped[str | None] = col(Mobile(), _("Phone"), personal=Personal.PRIVATE, encrypted=True, filter=False)
    likes: Mapped[list[Genre]] = many("genre", _("Likes"))


class Card(Record):
    """One to one: a customer has one card at most."""

    __tablename__, __label__, __labels__, __scope__ = "card", _("Loyalty card"), _("Loyalty cards"), Public()
    __display__ = ("customer",)
    customer_id: Mapped[int] = col(Reference("customer"), _("Customer"), required=True, unique=True, key=True)
    points: Mapped[int] = col(Whole(), _("Points"), required=True, default=0)
    until: Mapped[date | None] = col(Day(), _("Valid until"))
    balance: Mapped[Decimal | None] = col(Amount(signed=True), _("Balance"))
    customer: Mapped[Customer] = relationship()


class Sale(Record):
    """Two references to one table; a clerk reaches their own, and of those sold together with one as well."""

    __tablename__, __label__, __labels__, __scope__ = "sale", _("Sale"), _("Sales"), Anchor()
    __display__, __rows__ = ("number",), ("saleline",)
    number: Mapped[str] = col(Code(20), _("Receipt no."), required=True, key=True, unique=True, search=True)
    sold_at: Mapped[datetime] = col(Moment(), _("Sold at"), required=True, default=now, index=True)
    clerk_id: Mapped[int] = col(Reference("user"), _("Clerk"), required=True)
    helper_id: Mapped[int | None] = col(Reference("user"), _("Helped by"))
    customer_id: Mapped[int | None] = col(Reference("customer"), _("Customer"))
    together: Mapped[list["Sale"]] = many("sale", _("Sold together with"))
    clerk: Mapped[User] = relationship(foreign_keys=[clerk_id])
    helper: Mapped[User | None] = relationship(foreign_keys=[helper_id])
    customer: Mapped[Customer | None] = relationship()


class SaleLine(Record):
    __tablename__, __label__, __labels__, __scope__ = (
        "saleline",
        _("Line of a sale"),
        _("Lines of sales"),
        Via("sale_id"),
    )
    __display__ = ("sale", "copy")
    sale_id: Mapped[int] = col(Reference("sale"), _("Sale"), required=True)
    copy_id: Mapped[int] = col(Reference("copy"), _("Copy"), required=True, unique=True)
    price: Mapped[Decimal] = col(Amount(), _("Price"), required=True)
    sale: Mapped[Sale] = relationship()
    copy: Mapped[Copy] = relationship()


class Purchase(Record):
    """Without a key: its rows are told apart by the record's number."""

    __tablename__, __label__, __labels__, __scope__ = "purchase", _("Purchase"), _("Purchases"), Public()
    __rows__ = ("purchaseline",)
    publisher_id: Mapped[int] = col(Reference("publisher"), _("Publisher"), required=True)
    ordered_on: Mapped[date] = col(Day(), _("Ordered"), required=True)
    note: Mapped[str | None] = col(Text(500, lines=4), _("Note"), search=True, inline=True)
    publisher: Mapped[Publisher] = relationship()


class PurchaseLine(Record):
    """Refers to records that are called by their number alone."""

    __tablename__, __label__, __labels__ = "purchaseline", _("Line of a purchase"), _("Lines of purchases")
    __scope__ = Via("purchase_id")
    __display__ = ("purchase", "album")
    purchase_id: Mapped[int] = col(Reference("purchase"), _("Purchase"), required=True, key=True)
    album_id: Mapped[int] = col(Reference("album"), _("Album"), required=True, key=True)
    ordered: Mapped[int] = col(Whole(low=1), _("Ordered copies"), required=True)
    purchase: Mapped[Purchase] = relationship()
    album: Mapped[Album] = relationship()


class Review(Record):
    """Lists nothing but itself: no key, no required reference."""

    __tablename__, __label__, __labels__, __scope__ = "review", _("Review"), _("Reviews"), Public()
    __display__ = ("headline",)
    headline: Mapped[str] = col(Text(120), _("Headline"), required=True, search=True)
    album_id: Mapped[int | None] = col(Reference("album"), _("Album"))
    found_at: Mapped[str | None] = col(Link(300), _("Found at"))
    album: Mapped[Album | None] = relationship()


CATALOGUE: tuple[type[Base], ...] = (Genre, Artist, Publisher, Album, Track, AlbumGenre, Shelf, Copy, Review)
TRADE: tuple[type[Base], ...] = (Customer, Card, Sale, SaleLine, Purchase, PurchaseLine)
LOGS = dict.fromkeys(
    (ImportBatch, ImportRow, LoginLog, LoginSession, AuditEntry, ExportLog), READ | {Permission.EXPORT}
)
EVERYTHING = MANAGE | {Permission.REVEAL, Permission.EXPORT_CLEAR, Permission.SHARE}

MANAGER = Role(
    name="manager",
    label=_("Manager"),
    description=_("The whole shop."),
    grants={**dict.fromkeys((*CATALOGUE, *TRADE, User, UserRole), EVERYTHING), **LOGS},
    everything=True,
)
CLERK = Role(
    name="clerk",
    label=_("Clerk"),
    description=_("The catalogue, and the own sales."),
    grants={**dict.fromkeys((*CATALOGUE, Customer, User), READ), **dict.fromkeys((Sale, SaleLine), MANAGE)},
    rows={Sale: lambda actor, sale: sale.clerk_id == actor.user_id},
)


class StaffView(UserView):
    """Stands in for the engine's own screen of accounts."""

    add_label = _("Hire somebody")


def shop(url: str, folder: str) -> Panel:
    app, db = Flask("shop", static_folder=None, instance_path=folder), SQLAlchemy(model_class=Base)
    app.config.update(SECRET_KEY="of a shop", SQLALCHEMY_DATABASE_URI=url, PASSWORD_COST=1, LOCALE="en")
    views = [SchemaView(model, db, group=_("Catalogue"), icon="music") for model in CATALOGUE]
    views += [SchemaView(model, db, group=_("Trade"), icon="money") for model in TRADE]
    views += [StaffView(User, db, group=_("Staff"), icon="users")]
    return assemble(app, db, roles=[MANAGER, CLERK], views=views)
