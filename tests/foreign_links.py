"""What many() declares in the record shop, over HTTP: by hand, by whoever doesn't reach all of it, and by file."""

from __future__ import annotations

import html
import re
from typing import Any

from sqlalchemy import select
from werkzeug.test import TestResponse

from panel.fields import links, table_of_links
from panel.web.panel import Panel
from tests.foreign import Sale
from tests.foreign_browser import Client, bring


def _likes(client: Client) -> list[list[str]]:
    """What each customer likes, as the list shows it."""
    cells = re.findall(r'data-label="Likes[^>]*>(.*?)</td>', client.get("/admin/customer/"), re.S)
    return [cell.split(", ") for cell in reversed(cells)]


def by_hand(ann: Client) -> None:
    """Shown, changed in the form, filtered by; two editors; deletion."""
    assert _likes(ann) == [[""], ["No1"], ["No1", "No2"]]
    url = "/admin/customer/edit/?id=3"
    opened = ann.form(url)
    assert opened["likes"] == ["1", "2"]
    assert ann.post(url, **{**opened, "likes": ["2", "3"]}).status_code == 302
    assert _likes(ann)[2] == ["No2", "No3"]
    shown = ann.get("/admin/customer/details/?id=3")
    assert '<a href="/admin/genre/details/?id=2">No2</a>, <a href="/admin/genre/details/?id=3">No3</a>' in shown
    assert re.search(r"<span>Likes</span> <del>No1, No2</del>.*?<ins>No2, No3</ins>", shown, re.S), "its history"
    _taken_back(ann)
    for value, found in (("1", ["2"]), ("3", ["3"])):
        assert re.findall(r"customer/details/\?id=(\d+)", ann.get(f"/admin/customer/?likes={value}")) == found
    assert "customer/details/?id=3" in ann.get("/admin/genre/details/?id=3"), "what refers to it"
    assert "can&#39;t be deleted" in ann.get(ann.post("/admin/genre/delete/", id="3").location)

    _two_editors(ann, url, opened)
    assert ann.post(url, **{**ann.form(url), "likes": ["2", "99"]}).status_code == 422, "there is no such record"
    assert ann.post(url, **{**ann.form(url), "likes": []}).status_code == 302
    assert _likes(ann)[2] == [""]
    assert ann.post(url, number="No3", name="No3", phone="13800000003").status_code == 302, "a form without the control"

    assert 'value="3" checked' in ann.get("/admin/customer/new/?likes=3"), "as a link that adds one here gives it"
    made = ann.post("/admin/customer/new/", number="No9", name="Bo", likes=["1", "2"])
    assert _likes(ann)[3] == ["No1", "No2"]
    assert ann.post("/admin/customer/delete/", id=made.location.rpartition("=")[2]).status_code == 302
    assert len(_likes(ann)) == 3, "a record goes with what it points at, which stays"


def _taken_back(ann: Client) -> None:
    """The change from the history of the record, and this one again."""
    for likes in (["No1", "No2"], ["No2", "No3"]):
        assert take_back(ann, "/admin/customer/details/?id=3").status_code == 302
        assert _likes(ann)[2] == likes


def take_back(client: Client, details: str) -> TestResponse:
    """Take back the latest change of a record."""
    url = html.unescape(re.findall(r'href="([^"]*/takeback/[^"]*)"', client.get(details))[0])
    fields = re.findall(r'name="field" value="([^"]*)"', client.get(url))
    return client.post(url, **{**client.form(url), "field": fields, "back_reason": "by mistake"})


def _two_editors(ann: Client, url: str, opened: dict[str, Any]) -> None:
    """The second of two is told; what only the first changed is taken over."""
    overtaken = ann.post(url, **{**opened, "likes": ["1"]})
    assert overtaken.status_code == 409
    assert re.search(r'id="f-likes-theirs">[^<]*No2, No3', overtaken.text)
    untouched = ann.post(url, **{**opened, "number": "No3a"})
    assert untouched.status_code == 409
    assert re.findall(r'name="likes" value="(\d)" checked', untouched.text) == ["2", "3"]


def by_scope(panel: Panel, bob: Client) -> None:
    """Bob's sale stands together with one of Ann's, which he doesn't reach: it is neither told of nor changed."""
    together = select(table_of_links(Sale, links(Sale)[0])).order_by("owner_id", "target_id")

    def stored() -> list[Any]:
        with panel.app.app_context(), panel.system_session() as session:
            return [tuple(row) for row in session.execute(together)]

    before, with_own = [(2, 1), (3, 1), (3, 2)], [(2, 1), (2, 2), (3, 1), (3, 2)]
    assert stored() == before
    url = "/admin/sale/edit/?id=2"
    assert bob.form(url).get("together", []) == []
    for address in ("/admin/sale/?together=1", "/admin/sale/?together.empty=0"):
        assert "/admin/sale/details/" not in bob.get(address), "no filter tells of it"
    assert "/admin/sale/details/?id=2" in bob.get("/admin/sale/?together.empty=1")
    assert bob.post(url, **{**bob.form(url), "together": ["1"]}).status_code == 422
    assert bob.post(url, **{**bob.form(url), "together": ["2"]}).status_code == 302
    assert stored() == with_own
    assert take_back(bob, "/admin/sale/details/?id=2").status_code == 302
    assert stored() == before

    file = bob.client.get("/admin/sale/export/csv/").text.strip()
    assert file.endswith(",")
    assert "No1" not in file
    _preview, form = bring(bob, "sale", f"{file}No2")
    assert bob.post("/admin/sale/import/apply/", **form).status_code == 302
    assert stored() == with_own
    preview, form = bring(bob, "sale", f"{file}No3")
    assert "outside your area" in preview
    assert not form, "there is nothing to confirm"


def restored(ann: Client, bob: Client) -> None:
    """Whoever reaches some rows alone sees and restores those among the deleted ones; links come back too."""
    assert "customer/details/?id=2" in ann.get("/admin/customer/")
    made = [client.post("/admin/sale/new/", **_sale(n + 6, n)).location for n, client in ((1, ann), (2, bob))]
    ids = [location.rpartition("=")[2] for location in made]
    for client, id_ in zip((ann, bob), ids, strict=True):
        assert client.post("/admin/sale/delete/", id=id_).status_code == 302
    seen = [
        re.findall(r'href="([^"]*/sale/restore/[^"]*)"', client.get("/admin/sale/deleted/")) for client in (ann, bob)
    ]
    assert (len(seen[0]), len(seen[1])) == (2, 1)
    (own,) = seen[1]
    (of_ann,) = set(seen[0]) - {own}
    bob.get(of_ann, 404)
    assert bob.post(of_ann, restore_reason="by mistake").status_code == 404
    bob.get("/admin/customer/deleted/", 403)
    assert bob.post(own, restore_reason="by mistake").status_code == 302
    assert f"sale/details/?id={ids[1]}" in bob.get("/admin/sale/")
    assert ann.post(of_ann, restore_reason="by mistake").status_code == 302
    assert "No7" in ann.get(f"/admin/sale/details/?id={ids[0]}")


def _sale(n: int, clerk: int) -> dict[str, Any]:
    """A sale of a clerk, together with one that both reach."""
    return {"number": f"No{n}", "sold_at": "2026-01-02 10:00", "clerk": str(clerk), "together": ["2"]}


def by_file(ann: Client) -> None:
    """A cell names several; what nothing is called is an error of the cell; an import is taken back."""
    preview, _form = bring(ann, "customer", "Customer no.,Name,Likes\nNo1,N*,No1，No9、No2\n")
    assert "There is no Genre “No9”" in preview
    _preview, form = bring(ann, "customer", 'Customer no.,Name,Likes\nNo1,N*,"No3\nNo1"\nNo8,Xi,No2\n')
    done = ann.post("/admin/customer/import/apply/", **form)
    assert done.status_code == 302
    assert _likes(ann) == [["No1", "No3"], ["No1"], [""], ["No2"]]
    undo = f"/admin/importbatch/undo/?id={done.location.rpartition('=')[2]}"
    assert ann.post(undo, **ann.form(undo)).status_code == 302
    assert _likes(ann) == [[""], ["No1"], [""]]
