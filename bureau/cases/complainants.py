"""Who complained, out of a table of cases: a party of the case, personal data from the first moment on.

What is stored is completed and never overwritten: a name or number that differs is refused at its cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from models import CaseParty, PartyRole
from panel.i18n import Message, _
from panel.imports.matching import UNSCOPED, chunks
from panel.imports.plans import Beside, Plan, PlanRow
from panel.kinds import Invalid, Kind, Mobile, PersonName
from panel.security.policy import table_of
from panel.store import bulk
from panel.store.bulk import Edit

NAME, PHONE = "complainant", "complainant_phone"
LABELS: Mapping[str, Sequence[str | Message]] = {
    NAME: ("投诉人", "投诉人姓名", "反映人", _("Complainant's name")),
    PHONE: ("联系电话", "投诉人电话", "投诉电话", "反映人电话", _("Complainant's telephone")),
}
KINDS: Mapping[str, Kind] = {NAME: PersonName(), PHONE: Mobile()}
ATTRS = {NAME: "name", PHONE: "phone"}
ANONYMOUS = frozenset({"匿名", "匿名举报", "anonymous"})


def read(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Read who complained, and compare it with who is known of the cases that are there."""
    told = [row for row in rows if NAME in row.extra or PHONE in row.extra]
    known: dict[int, list[Row[Any]]] = defaultdict(list)
    party = table_of(CaseParty)
    for some in chunks({row.id for row in told if row.id is not None}):
        statement = select(party).where(party.c.case_id.in_(some), party.c.role == PartyRole.COMPLAINANT)
        for one in session.execute(statement, execution_options=UNSCOPED):
            known[one.case_id].append(one)
    for row in told:
        if (given := _values(plan, row, masked=row.id is not None)) is None:
            continue
        if row.id is None:
            row.extra["party"] = given
        else:
            _compare(plan, row, given, known[row.id])


def _values(plan: Plan, row: PlanRow, *, masked: bool) -> dict[str, Any] | None:
    """The values of a party, or None where a cell can't be read. A masked text stays as it is for a case that is
    there. Who left a number and no name is anonymous."""
    given: dict[str, Any] = {}
    for name, kind in KINDS.items():
        text = row.extra.get(name, "")
        if name == NAME and text.lower() in ANONYMOUS:
            continue
        try:
            given[ATTRS[name]] = text if "*" in text and masked else _clear(kind, text)
        except Invalid as problem:
            plan.fail(row, name, problem.message)
    if row.failed:
        return None
    found = {attr: value for attr, value in given.items() if value is not None}
    return {"anonymous": "name" not in found, **found}


def _clear(kind: Kind, text: str) -> Any:
    if "*" in text:
        raise Invalid(_("This value is masked. Enter it in full, or leave the cell empty to keep what is stored."))
    return kind.parse(text)


def _compare(plan: Plan, row: PlanRow, given: Mapping[str, Any], known: Sequence[Row[Any]]) -> None:
    """The complainant is one of those known, completes the only one, or is added where nobody is known."""
    if any(_says(one, given) for one in known):
        return
    masked = [attr for attr, value in given.items() if isinstance(value, str) and "*" in value]
    lacking = {
        attr: value
        for attr, value in given.items()
        if attr in ATTRS.values() and len(known) == 1 and known[0]._mapping[attr] is None
    }
    rest = {attr: value for attr, value in given.items() if attr not in lacking and attr != "anonymous"}
    if not known and not masked:
        row.adds.append((CaseParty, {"case_id": row.id, "role": PartyRole.COMPLAINANT, **given}))
        row.changes.append((LABELS[NAME][-1], "", _shown(given)))  # type: ignore[arg-type]
    elif lacking and not masked and all(known[0]._mapping[attr] == value for attr, value in rest.items()):
        values = {**lacking, **({"anonymous": False} if "name" in lacking else {})}
        row.edits.append((CaseParty, Edit(known[0].id, known[0].version, values, dict(known[0]._mapping))))
        row.changes.append((LABELS[NAME][-1], _shown(known[0]._mapping), _shown(lacking)))  # type: ignore[arg-type]
    else:
        plan.fail(row, NAME, _("Another complainant is known of this case. Change that on the page of the case."))


def _says(stored: Row[Any], given: Mapping[str, Any]) -> bool:
    """Whether all that is given is stored, in clear or masked. That somebody stays anonymous is said by no name."""
    for name, attr in ATTRS.items():
        value, held = given.get(attr), stored._mapping[attr]
        if value is not None and value not in (held, KINDS[name].mask(held)):
            return False
    return bool(given["anonymous"] is stored.anonymous or "name" not in given)


def _shown(party: Mapping[str, Any]) -> str:
    found = [KINDS[name].mask(party[attr]) for name, attr in ATTRS.items() if party.get(attr)]
    return " ".join(found) or str(_("Anonymous"))


def add(session: Session, cases: Iterable[tuple[int, PlanRow]], note: str) -> None:
    """Write the complainants of new cases."""
    told = [(id_, row) for id_, row in cases if "party" in row.extra]
    values = [
        {"case_id": id_, "role": PartyRole.COMPLAINANT, "name": None, "phone": None, **row.extra["party"]}
        for id_, row in told
    ]
    for (_case, row), id_ in zip(told, bulk.add(session, CaseParty, values, note), strict=True):
        row.besides.append(Beside(CaseParty, id_))
