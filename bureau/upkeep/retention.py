"""Retention: people in ended cases and old entries of the survey are anonymised after the months of a setting.

Names become “已匿名”, telephones and addresses are removed, and so is what imports and changes kept of them. Of a shop
in the survey the address stays. The audit trail keeps masked values only; each anonymised record has an entry there.
Nothing brings a value back: an import whose records were anonymised can't be taken back for them, since they have
another version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import null, or_, select, update
from sqlalchemy.orm import Session

from bureau.settings import settings
from models import ENDED, Case, CaseEvent, CaseParty, Mediation, SurveyEntry, SurveyKind
from panel.base import Base
from panel.i18n import _, in_default_locale
from panel.imports.records import ImportBatch, ImportRow
from panel.kinds import ERASED, ZONE, now
from panel.security import earlier
from panel.security.locks import EVERYTHING, unlocked
from panel.security.policy import table_of
from panel.store import bulk

#: Days of a month of keeping.
MONTH = 30.5
#: Records of each kind that one run anonymises, so that nobody waits long for the lock.
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Due:
    """The records to anonymise: ids of parties, mediations and entries of the survey, and the cases concerned."""

    parties: Sequence[int]
    mediations: Sequence[int]
    entries: Sequence[int]
    cases: Sequence[str]

    @property
    def count(self) -> int:
        return len(self.parties) + len(self.mediations) + len(self.entries)


def cutoff(session: Session, ahead: timedelta = timedelta(0)) -> datetime | None:
    """What ended before this moment is due; None if nothing ever is. `ahead` looks into the future."""
    months = settings.get(session, "party_keep_months")
    return now() + ahead - timedelta(days=months * MONTH) if months else None


def due(session: Session, before: datetime) -> Due:
    """The records to anonymise, at most BATCH of each kind. Needs a session that reads everything."""
    recent = select(CaseEvent.id).where(CaseEvent.case_id == Case.id, CaseEvent.at >= before).exists()
    over = (Case.status.in_(ENDED), ~recent)
    parties = (
        select(CaseParty.id, Case.case_no)
        .join(Case, Case.id == CaseParty.case_id)
        .where(
            *over,
            CaseParty.erased_at.is_(None),
            or_(CaseParty.name.is_not(None), CaseParty.phone.is_not(None), CaseParty.address.is_not(None)),
        )
    )
    mediations = (
        select(Mediation.id, Case.case_no)
        .join(Case, Case.id == Mediation.case_id)
        .where(*over, or_(Mediation.party_a != ERASED, Mediation.party_b != ERASED))
    )
    entries = select(SurveyEntry.id).where(
        SurveyEntry.verified_on < before.astimezone(ZONE).date(),
        SurveyEntry.erased_at.is_(None),
        or_(SurveyEntry.subject.is_not(None), SurveyEntry.kind != SurveyKind.SHOP),
    )
    people = session.execute(parties.order_by(CaseParty.id).limit(BATCH)).all()
    disputes = session.execute(mediations.order_by(Mediation.id).limit(BATCH)).all()
    return Due(
        [row.id for row in people],
        [row.id for row in disputes],
        list(session.execute(entries.order_by(SurveyEntry.id).limit(BATCH)).scalars()),
        list(dict.fromkeys(row.case_no for row in (*people, *disputes))),
    )


def run_due(session: Session) -> int:
    """Periodic: anonymise what is due. Returns the number of records."""
    before = cutoff(session)
    return anonymise(session, due(session, before), before) if before else 0


def anonymise(session: Session, records: Due, before: datetime) -> int:
    """Anonymise these records as the system; the caller commits."""
    note = in_default_locale(_("Anonymised: the time for keeping personal data is over"))
    moment = now()
    gone = {"phone": None, "address": None, "erased_at": moment}
    with unlocked(session, EVERYTHING):
        _edit(session, CaseParty, records.parties, gone, ("name",), note=note)
        _edit(session, Mediation, records.mediations, {}, ("party_a", "party_b"), note=note)
        homes = select(SurveyEntry.id).where(SurveyEntry.kind != SurveyKind.SHOP, SurveyEntry.id.in_(records.entries))
        found = set(session.execute(homes).scalars())
        shops = [id_ for id_ in records.entries if id_ not in found]
        _edit(session, SurveyEntry, shops, {"erased_at": moment}, ("subject",), note=note)
        _edit(session, SurveyEntry, sorted(found), {"erased_at": moment}, ("subject",), unique=("address",), note=note)
    _forget_imports(session, records, before)
    _forget_changes(session, records, before)
    session.expire_all()
    return records.count


def _edit(
    session: Session,
    model: type[Base],
    ids: Sequence[int],
    values: dict[str, Any],
    names: tuple[str, ...],
    *,
    unique: tuple[str, ...] = (),
    note: str,
) -> None:
    """Write `values`, and ERASED into those of `names` that are filled; into `unique` ones with the id."""
    table = table_of(model)
    columns = [table.c[name] for name in dict.fromkeys(("id", "version", *values, *names, *unique))]
    for start in range(0, len(ids), bulk.BATCH_SIZE):
        part = ids[start : start + bulk.BATCH_SIZE]
        rows = session.connection().execute(select(*columns).where(table.c.id.in_(part))).mappings().all()
        edits = []
        for row in rows:
            new = values | {name: ERASED for name in names if row[name] is not None}
            new |= dict.fromkeys(unique, f"{ERASED} {row['id']}")
            edits.append(bulk.Edit(row["id"], row["version"], new, {name: row[name] for name in new}))
        bulk.edit(session, model, edits, note)


def _forget_imports(session: Session, records: Due, before: datetime) -> None:
    """Delete what imports keep of these records, and all that imports from before `before` keep."""
    row, batch = table_of(ImportRow), table_of(ImportBatch).c
    conditions: list[Any] = [row.c.batch_id.in_(select(batch.id).where(batch.at < before))]
    for model, ids in _by_model(records).items():
        batches = select(batch.id).where(batch.table_name == model.__tablename__)
        conditions.append(row.c.batch_id.in_(batches) & row.c.record_id.in_(list(ids)))
    statement = update(row).where(or_(*conditions))
    session.connection().execute(statement.values(cells=null(), before=null(), besides=null()))


def _forget_changes(session: Session, records: Due, before: datetime) -> None:
    """Delete the earlier values of these records, and all from before `before`, those of deleted records too."""
    earlier.forget_before(session, before)
    for model, ids in _by_model(records).items():
        earlier.forget(session, model, ids)


def _by_model(records: Due) -> dict[type[Base], Sequence[int]]:
    return {CaseParty: records.parties, SurveyEntry: records.entries, Mediation: records.mediations}
