"""Child rows in the forms of the record shop: `python -m tests.foreign_rows FOLDER`, in a process of its own.

A purchase has lines, and a sale has lines that a clerk reaches in their own sales alone."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select

from panel.base import Base
from panel.security.comparisons import REFUSED, Comparison
from panel.security.policy import Permission
from panel.security.records import AuditEntry
from panel.store.append_only import create_append_only_triggers
from panel.web import child_rows
from panel.web.panel import Panel
from tests.foreign import PurchaseLine, Sale, SaleLine, shop
from tests.foreign_browser import Client
from tests.foreign_visit import furnish

PURCHASE = "/admin/purchase/edit/?id=1"
SALE = "/admin/sale/edit/?id={}"


def lines(panel: Panel, purchase: int = 1) -> list[tuple[int, int]]:
    """Album and number of copies of each line of a purchase."""
    statement = select(PurchaseLine.album_id, PurchaseLine.ordered).where(PurchaseLine.purchase_id == purchase)
    with panel.app.app_context(), panel.system_session() as session:
        return [(album, ordered) for album, ordered in session.execute(statement.order_by(PurchaseLine.id))]


def row(key: str, **values: Any) -> dict[str, Any]:
    """What a row of a purchase posts."""
    return {f"purchaseline.{key}.{name}": str(value) for name, value in values.items()}


def errors(page: str) -> str:
    """The list of errors above the form."""
    found = re.search(r'<div class="note danger errors".*?</div>', page, re.S)
    return html.unescape(re.sub(r"<[^>]+>", "", found[0])) if found else ""


def ids_of(form: dict[str, Any], table: str = "purchaseline") -> list[str]:
    """The keys of the stored rows of a form."""
    return [found[1] for name in form if (found := re.fullmatch(rf"{table}\.(\d+)\.version", name))]


def by_hand(panel: Panel, ann: Client) -> None:
    """Added with its parent and later, changed, removed; each with an entry in the audit trail."""
    made = ann.post(
        "/admin/purchase/new/",
        publisher="1",
        ordered_on="2026-07-01",
        **row("n1", album=1, ordered=5),
        **row("n2", album="", ordered=""),
        **row("n3", album=2, ordered=6),
    )
    assert made.status_code == 302
    new = int(made.location.rpartition("=")[2])
    assert lines(panel, new) == [(1, 5), (2, 6)], "an empty row is none"
    shown = ann.get(made.location)
    assert shown.index("Lines of purchases") < shown.index("History")

    url = f"/admin/purchase/edit/?id={new}"
    form = ann.form(url)
    first, second = ids_of(form)
    assert ann.post(url, **form).status_code == 302
    assert lines(panel, new) == [(1, 5), (2, 6)], "saved as it was"
    changes = {**row(first, ordered=7, remove=""), **row(second, remove=1), **row("n1", album=3, ordered=8)}
    changes.pop(f"purchaseline.{first}.remove")
    assert ann.post(url, **{**form, **changes}).status_code == 302
    assert lines(panel, new) == [(1, 7), (3, 8)]
    entries = select(AuditEntry.action, func.count()).where(AuditEntry.table_name == "purchaseline")
    mine = entries.where(AuditEntry.actor_name == "ann").group_by(AuditEntry.action).order_by(AuditEntry.action)
    with panel.app.app_context(), panel.system_session() as session:
        assert [(str(action), n) for action, n in session.execute(mine)] == [("create", 3), ("delete", 1), ("edit", 1)]


def by_row_and_column(panel: Panel, ann: Client) -> None:
    """What is wrong is told by row and column, and then nothing at all is saved."""
    before, form = lines(panel), ann.form(PURCHASE)
    (first,) = ids_of(form)
    wrong = {**form, "note": "Changed", **row(first, ordered="none"), **row("n4", album=2, ordered="")}
    answer = ann.post(PURCHASE, **wrong)
    assert answer.status_code == 422
    assert "Line of a purchase row 1, Ordered copies:" in errors(answer.text)
    assert "Line of a purchase row 2, Ordered copies: This must be filled in." in errors(answer.text)
    assert f'href="#f-purchaseline.{first}.ordered"' in answer.text
    answer = ann.post(PURCHASE, **{**form, **row("n4", album=99, ordered=1)})
    assert "row 2, Album: Choose one from the list." in errors(answer.text)

    taken = "/admin/sale/edit/?id=1"
    sale = ann.form(taken)
    answer = ann.post(taken, **{**sale, "saleline.n1.copy": "2", "saleline.n1.price": "3"})
    assert answer.status_code == 422
    assert "Line of a sale row 2, Copy: There is already a record with the same Copy." in errors(answer.text)
    assert 'name="saleline.n1.price" value="3"' in answer.text, "what was typed is still there"
    assert (lines(panel), ann.form(PURCHASE)["note"]) == (before, form["note"])


def two_editors(panel: Panel, ann: Client) -> None:
    """The second of two sees both versions of a row; what is removed is offered again, and a row that only the other
    changed stays as theirs."""
    ann.post(PURCHASE, **{**ann.form(PURCHASE), **row("n1", album=2, ordered=20), **row("n2", album=3, ordered=30)})
    opened = ann.form(PURCHASE)
    first, second, third = ids_of(opened)
    assert (
        ann.post(PURCHASE, **{**ann.form(PURCHASE), **row(first, ordered=11), **row(third, ordered=33)}).status_code
        == 302
    )
    assert lines(panel) == [(1, 11), (2, 20), (3, 33)]

    answer = ann.post(PURCHASE, **{**opened, **row(first, ordered=12), **row(second, ordered=21)})
    assert answer.status_code == 409
    assert "ann has changed this record meanwhile" in answer.text
    assert re.search(rf'id="f-purchaseline\.{first}\.ordered-theirs">[^<]*11', answer.text)
    assert f'name="purchaseline.{first}.ordered" value="12"' in answer.text
    assert lines(panel) == [(1, 11), (2, 20), (3, 33)], "nothing was written"
    again = {**opened, **row(first, ordered=12, version=2), f"was.purchaseline.{first}.ordered": "11"}
    again |= {**row(second, ordered=21)}
    assert ann.post(PURCHASE, **again).status_code == 302
    assert lines(panel) == [(1, 12), (2, 21), (3, 33)], "the row that I left as it was is theirs"

    opened = ann.form(PURCHASE)
    ann.post(PURCHASE, **{**ann.form(PURCHASE), **row(third, remove=1), **row(second, ordered=22)})
    answer = ann.post(PURCHASE, **{**opened, **row(third, ordered=34)})
    assert answer.status_code == 409
    assert "Somebody has removed this row meanwhile" in answer.text
    assert 'name="purchaseline.n4.ordered" value="34"' in answer.text
    answer = ann.post(PURCHASE, **{**opened, **row(second, remove=1)})
    assert answer.status_code == 409
    assert "It is shown as it now stands" in answer.text
    assert f'name="purchaseline.{second}.ordered" value="22"' in answer.text
    assert ann.post(PURCHASE, **{**opened, **row(second, remove=1, version=3)}).status_code == 302
    assert lines(panel) == [(1, 12)], "the third row was removed, and the form didn't change it"


def by_scope(panel: Panel, ann: Client, bob: Client) -> None:
    """Bob's rows are those of his own sales; no other row is changed by its number."""
    with panel.app.app_context(), panel.system_session() as session:
        sales = dict(session.execute(select(SaleLine.sale_id, SaleLine.id)).all())
        own = session.scalars(select(Sale.id).where(Sale.clerk_id == 2)).one()
        hers = next(sale for sale in sales if sale != own)
    bob.get(SALE.format(hers), 404)
    opened = bob.form(SALE.format(own))
    assert ids_of(opened, "saleline") == [str(sales[own])]
    line = f"saleline.{sales[hers]}"
    forged = {f"{line}.version": "1", f"{line}.price": "0.01", f"{line}.copy": str(hers)}
    answer = bob.post(SALE.format(own), **{**opened, **forged})
    assert answer.status_code == 409, "it is no row of this sale: it could be added as a new one"
    assert bob.post(SALE.format(own), **{**opened, f"{line}.version": "1", f"{line}.remove": "1"}).status_code == 302
    assert ids_of(ann.form(SALE.format(hers)), "saleline") == [str(sales[hers])]
    assert ann.form(SALE.format(hers))[f"{line}.price"] != "0.01"


def of_others(panel: Panel, bob: Client) -> None:
    """That a copy stands in a line of somebody else's sale isn't told to who doesn't see it; that they tried counts."""
    with panel.app.app_context(), panel.system_session() as session:
        hers = session.scalars(select(SaleLine.copy_id).join(Sale).where(Sale.clerk_id != 2)).first()
    own = SALE.format(2)
    posted = {**bob.form(own), "saleline.n1.copy": str(hers), "saleline.n1.price": "3"}
    answer = bob.post(own, **posted)
    assert answer.status_code == 422
    told = errors(answer.text)
    assert "This can't be saved with these values." in told
    assert "already a record" not in told
    assert 'name="saleline.n1.price" value="3"' in answer.text
    refused = select(func.count()).where(Comparison.record_id == REFUSED)
    with panel.app.app_context(), panel.system_session() as session:
        assert session.execute(refused).scalar_one() == 1


def by_right(panel: Panel, bob: Client) -> None:
    """Each act on a row is refused without its right, and allowed with it."""
    clerk, own = panel.policy.roles["clerk"], SALE.format(2)

    def allow(*acts: Permission) -> None:
        grants = {**clerk.grants, SaleLine: frozenset(acts)}
        panel.policy.roles["clerk"] = replace(clerk, grants=grants)  # type: ignore[index]

    opened = bob.form(own)
    (line,) = ids_of(opened, "saleline")
    free = {"saleline.n1.copy": "", "saleline.n1.price": "4"}
    acts = {
        Permission.EDIT: {f"saleline.{line}.price": "8.5"},
        Permission.CREATE: free,
        Permission.DELETE: {f"saleline.{line}.remove": "1"},
    }
    for without, posted in acts.items():
        allow(Permission.READ, *(act for act in acts if act is not without))
        assert bob.post(own, **{**opened, **posted}).status_code == 403, without
    allow(Permission.READ)
    page = bob.get(own)
    assert "Line of a sale" in page
    assert f'id="f-saleline.{line}.price"' in page
    assert "child-add" not in page
    assert 'name="saleline.' not in page.replace(f'name="saleline.{line}.version"', "")
    allow()
    assert "saleline." not in bob.get(own)
    assert bob.post(own, **opened).status_code == 403, "not even read"
    panel.policy.roles["clerk"] = clerk  # type: ignore[index]
    assert bob.post(own, **{**opened, **acts[Permission.EDIT]}).status_code == 302
    assert bob.form(own)[f"saleline.{line}.price"] == "8.50"


def what_it_costs(panel: Panel, ann: Client) -> None:
    """The form sends the same statements with one row and with more than it takes, and says how many it takes."""
    sent: list[str] = []
    with panel.app.app_context():
        engine = panel.db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: sent.append(statement))

    def cost(address: str) -> int:
        sent.clear()
        ann.get(address)
        return len(sent)

    addresses = (PURCHASE, PURCHASE.replace("edit", "details"))
    few = [cost(address) for address in addresses]
    with panel.app.app_context(), panel.system_session() as session:
        for n in range(child_rows.MOST + 1):
            session.add(PurchaseLine(purchase_id=1, album_id=1 + n % 3, ordered=n + 1))
    assert [cost(address) for address in addresses] == few
    page = ann.get(PURCHASE)
    assert len(ids_of(ann.form(PURCHASE))) == child_rows.MOST
    assert f"These are the first {child_rows.MOST}." in page
    answer = ann.post(PURCHASE, **{**ann.form(PURCHASE), **row("n1", album=1, ordered=1)})
    assert answer.status_code == 422
    assert f"A form takes at most {child_rows.MOST} rows" in errors(answer.text)


def main() -> None:
    folder = Path(sys.argv[1])
    panel = shop(f"sqlite:///{folder / 'shop.db'}", str(folder))
    with panel.app.app_context():
        with panel.db.engine.begin() as connection:
            Base.metadata.create_all(connection)
            create_append_only_triggers(connection)
        furnish(panel)
    ann, bob = Client(panel, "ann"), Client(panel, "bob")
    by_hand(panel, ann)
    by_row_and_column(panel, ann)
    two_editors(panel, ann)
    by_scope(panel, ann, bob)
    of_others(panel, bob)
    by_right(panel, bob)
    what_it_costs(panel, ann)


if __name__ == "__main__":
    main()
