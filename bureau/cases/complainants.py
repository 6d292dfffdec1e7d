"""Import of complainants with a table of cases: each becomes a party of its case, masked as personal data.

An import completes a stored complainant and never overwrites one: a different name or number fails at its cell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from models import CaseParty, PartyRole
from panel.base import UNSCOPED, Base
from panel.chunks import chunks
from panel.i18n import Message, _
from panel.imports.plans import Beside, Plan, PlanRow
from panel.kinds import Invalid, Kind, PersonName, Phone, narrow
from panel.security.policy import Permission, table_of
from panel.security.session import permitted
from panel.store import bulk
from panel.store.bulk import Edit

NAME, PHONE = "complainant", "complainant_phone"
LABELS: Mapping[str, Sequence[str | Message]] = {
    NAME: (
        "投诉人",
        "投诉人姓名",
        "反映人",
        "诉求人",
        "来电人",
        "来访人",
        "举报人",
        "信访人",
        "反映人姓名",
        _("Complainant's name"),
    ),
    PHONE: (
        "联系电话",
        "投诉人电话",
        "投诉电话",
        "反映人电话",
        "来电号码",
        "来电电话",
        "诉求人电话",
        "举报电话",
        "联系方式",
        "联系号码",
        _("Complainant's telephone"),
    ),
}
KINDS: Mapping[str, Kind] = {NAME: PersonName(alone=True), PHONE: Phone()}
ATTRS = {NAME: "name", PHONE: "phone"}
IS_KNOWN = _("A complainant is known of this case, whom you don't see in clear. Change that on the page of the case.")
#: What stands for the name of a complainant who isn't named.
ANONYMOUS = re.compile(
    r"[(\[【]?(?:匿名.{0,4}|anonymous|.{0,3}不(?:愿|便|肯|想)意?(?:透露|公开|提供|留|具|署)?(?:真实)?(?:姓名|名|身份|信息)?"
    r"|未(?:留|署|具|透露|提供)(?:姓名|名)|(?:要求)?保密|隐名)[)\]】]?",
    re.IGNORECASE,
)
#: What people write behind the name of a complainant; it is no part of the name.
ROLE = re.compile(r"\s*[(（\[【](业主|住户|居民|租户|租客|户主|本人|家属)[)）\]】]$")


def read(session: Session, plan: Plan, rows: Sequence[PlanRow]) -> None:
    """Parse the complainants of the rows, and compare those of existing cases with the stored ones."""
    named = [row for row in rows if NAME in row.extra or PHONE in row.extra]
    stored: dict[int, list[Row[Any]]] = defaultdict(list)
    party = table_of(CaseParty)
    for batch in chunks({row.id for row in named if row.id is not None}):
        statement = select(party).where(party.c.case_id.in_(batch), party.c.role == PartyRole.COMPLAINANT)
        for complainant in session.execute(statement, execution_options=UNSCOPED):
            stored[complainant.case_id].append(complainant)
    shown = permitted(session, CaseParty, Permission.REVEAL, {party.id for found in stored.values() for party in found})
    for row in named:
        if (values := _values(plan, row, masked=row.id is not None)) is None:
            continue
        if row.id is None:
            row.extra["party"] = values
        elif _guesses(values, [party for party in stored[row.id] if party.id not in shown]):
            plan.fail(row, NAME, IS_KNOWN)
        else:
            _compare(plan, row, values, stored[row.id])


def column_of(model: type[Base], attr: str) -> str | None:
    """The column of a file that a value of a complainant is read from."""
    return next((name for name, read_as in ATTRS.items() if model is CaseParty and read_as == attr), None)


def _values(plan: Plan, row: PlanRow, *, masked: bool) -> dict[str, Any] | None:
    """The values of a party by column, or None where a cell can't be read. With `masked` a masked text is returned as
    it is, to be compared with the stored one. A complainant without a name is anonymous."""
    parsed: dict[str, Any] = {}
    for name, kind in KINDS.items():
        text = row.extra.get(name, "")
        if name == NAME and ANONYMOUS.fullmatch(narrow(text)):
            continue
        try:
            parsed[ATTRS[name]] = text if "*" in text and masked else _parse_unmasked(kind, ROLE.sub("", text))
        except Invalid as problem:
            plan.fail(row, name, problem.message)
    if row.failed:
        return None
    values = {attr: value for attr, value in parsed.items() if value is not None}
    return {"anonymous": "name" not in values, **values}


def _parse_unmasked(kind: Kind, text: str) -> Any:
    if "*" in text:
        raise Invalid(_("This value is masked. Enter it in full, or leave the cell empty to keep what is stored."))
    return kind.parse(text)


def _guesses(values: Mapping[str, Any], hidden: Sequence[Row[Any]]) -> bool:
    """Whether a value in clear would be compared with one that the actor may not see in clear: whether it is the same
    must not be told."""
    clear = {attr for attr in ATTRS.values() if values.get(attr) is not None and "*" not in values[attr]}
    return any(party._mapping[attr] is not None for party in hidden for attr in clear)


def _compare(plan: Plan, row: PlanRow, values: Mapping[str, Any], stored: Sequence[Row[Any]]) -> None:
    """Accept a complainant that equals a stored one, completes the only stored one, or is the first; else fail the
    row."""
    names = str(values.get("name", "")).split("、")
    if any(_matches(party, values) for party in stored) or (len(names) > 1 and _all_stored(names, stored)):
        return
    masked = [attr for attr, value in values.items() if isinstance(value, str) and "*" in value]
    missing = {
        attr: value
        for attr, value in values.items()
        if attr in ATTRS.values() and len(stored) == 1 and stored[0]._mapping[attr] is None
    }
    rest = {attr: value for attr, value in values.items() if attr not in missing and attr != "anonymous"}
    if not stored and not masked:
        row.adds.append((CaseParty, {"case_id": row.id, "role": PartyRole.COMPLAINANT, **values}))
        row.changes.append((LABELS[NAME][-1], "", _masked(values)))  # type: ignore[arg-type]
    elif missing and not masked and all(stored[0]._mapping[attr] == value for attr, value in rest.items()):
        completed = {**missing, **({"anonymous": False} if "name" in missing else {})}
        row.edits.append((CaseParty, Edit(stored[0].id, stored[0].version, completed, dict(stored[0]._mapping))))
        row.changes.append((LABELS[NAME][-1], _masked(stored[0]._mapping), _masked(missing)))  # type: ignore[arg-type]
    else:
        plan.fail(row, NAME, _("Another complainant is known of this case. Change that on the page of the case."))


def _matches(stored: Row[Any], values: Mapping[str, Any]) -> bool:
    """Whether the given values equal the stored ones, in clear or masked. Anonymity is
    compared only where a name is given."""
    for name, attr in ATTRS.items():
        value, stored_value = values.get(attr), stored._mapping[attr]
        if value is not None and value not in (stored_value, KINDS[name].mask(stored_value)):
            return False
    return bool(values["anonymous"] is stored.anonymous or "name" not in values)


def _all_stored(names: Sequence[str], stored: Sequence[Row[Any]]) -> bool:
    """Whether these are the masks of all stored complainants, as a printed ledger gives them in one cell."""
    kind = KINDS[NAME]
    masks = ["" if party.anonymous or not party.name else kind.mask(party.name) for party in stored]
    return sorted(masks) == sorted("" if ANONYMOUS.fullmatch(name) else name for name in names)


def _masked(party: Mapping[str, Any]) -> str:
    parts = [KINDS[name].mask(party[attr]) for name, attr in ATTRS.items() if party.get(attr)]
    return " ".join(parts) or str(_("Anonymous"))


def add(session: Session, cases: Iterable[tuple[int, PlanRow]], note: str) -> None:
    """Add the complainants of new cases, given as pairs of case id and row."""
    complainants = [(id_, row) for id_, row in cases if "party" in row.extra]
    values = [
        {"case_id": id_, "role": PartyRole.COMPLAINANT, "name": None, "phone": None, **row.extra["party"]}
        for id_, row in complainants
    ]
    for (_case, row), id_ in zip(complainants, bulk.add(session, CaseParty, values, note), strict=True):
        row.besides.append(Beside(CaseParty, id_))
