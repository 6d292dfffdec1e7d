"""The parties of cases: private people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from panel.base import Record, Via
from panel.fields import Personal, col, rule
from panel.i18n import _
from panel.kinds import Choice, Flag, PersonName, Phone, Place, Reference
from schema import locks
from schema.cases import Case
from schema.words import CONTACT, PartyRole


class CaseParty(Record):
    """A party of a case (案件人员): a private person, whose values are masked until a logged reveal."""

    __tablename__ = "caseparty"
    __label__ = _("Party")
    __labels__ = _("Parties")
    __scope__ = Via("case_id")
    __display__ = ("role",)
    __locked__ = (locks.OF_ENDED,)
    __table_args__ = (
        rule(
            "named_or_anonymous", "anonymous OR name IS NOT NULL", _("Enter a name, or mark the person as anonymous.")
        ),
    )

    case_id: Mapped[int] = col(Reference("case"), _("Case"), search=True, required=True)
    role: Mapped[PartyRole] = col(
        Choice(PartyRole), _("Part played"), required=True, default=PartyRole.COMPLAINANT, locked=locks.COMPLAINANT
    )
    anonymous: Mapped[bool] = col(Flag(), _("Anonymous"), required=True, default=False, locked=locks.COMPLAINANT)
    name: Mapped[str | None] = col(
        PersonName(), _("Person's name"), personal=Personal.PRIVATE, filter=False, locked=locks.COMPLAINANT
    )
    phone: Mapped[str | None] = col(
        Phone(),
        _("Telephone"),
        personal=Personal.PRIVATE,
        encrypted=True,
        filter=False,
        group=CONTACT,
        aliases=("联系电话", "手机"),
        locked=locks.COMPLAINANT,
    )
    address: Mapped[str | None] = col(
        Place(),
        _("Home address"),
        personal=Personal.PRIVATE,
        encrypted=True,
        filter=False,
        group=CONTACT,
        locked=locks.COMPLAINANT,
    )
    #: Keyed hash of the phone, to recognise a caller without the number.
    phone_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    #: When retention anonymised the person.
    erased_at: Mapped[datetime | None] = mapped_column()

    case: Mapped[Case] = relationship()
