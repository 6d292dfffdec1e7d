"""A workbook over the pages: upload, preview, confirm; what is no workbook, and what changed meanwhile."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from panel.sheets import MAX_BYTES
from panel.web.imports import prerequisites
from panel.web.imports.preview_state import delete_upload, pack, store_upload, unpack
from tests.factories import MODELS, Browser, Stage
from tests.workbooks import SAMPLES, Page, workbook

ROWS = Page([["街道", "社区", "姓名", "手机"], ["城东街道", "东栅社区", "李新", "13805730001"]])


def upload(browser: Browser, table: str, data: bytes, name: str = "来件.xlsx") -> TestResponse:
    return browser.post(f"/admin/{table}/import/", {"file": (io.BytesIO(data), name)})


def preview(browser: Browser, table: str, data: bytes) -> tuple[str, str]:
    """The address and the text of the preview of a file that can be read."""
    sent = upload(browser, table, data)
    assert sent.status_code == 302, sent.text
    return sent.location, browser.get(sent.location).text


def confirm(browser: Browser, table: str, page: str) -> TestResponse:
    values = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', page))
    assert set(values) == {"token", "digest"}
    return browser.post(f"/admin/{table}/import/apply/", values)


def test_what_the_preview_shows_is_what_confirm_writes(stage: Stage) -> None:
    browser = stage.browse("office")
    before = stage.count("liaison")
    _address, page = preview(browser, "liaison", workbook({"花名册": ROWS}))
    assert "李新" in page
    assert stage.count("liaison") == before
    done = confirm(browser, "liaison", page)
    assert (done.status_code, "/admin/importbatch/details/" in done.location) == (302, True)
    assert stage.count("liaison") == before + 1
    assert stage.count("importbatch") > 0


def test_a_change_between_preview_and_confirm_is_told_and_nothing_written(stage: Stage) -> None:
    browser = stage.browse("office")
    _address, page = preview(browser, "liaison", workbook({"花名册": ROWS}))
    with stage.session() as session:
        liaison = session.get_one(_model("liaison"), stage.inside["liaison"])
        liaison.name = "胡小珍"
    before = stage.count("liaison")
    again = confirm(browser, "liaison", page)
    assert again.status_code == 409
    assert "胡小珍" in again.text
    assert stage.count("liaison") == before


def _model(table: str) -> Any:
    from tests.factories import MODELS

    return MODELS[table]


def test_the_failed_rows_come_back_as_a_workbook_that_can_be_imported(stage: Stage) -> None:
    browser = stage.browse("office")
    rows = Page([*ROWS.rows, ["城西街道", "西马桥社区", "王明", "1380573"]])
    address, page = preview(browser, "liaison", workbook({"花名册": rows}))
    token = re.search(r"token=([^&\"]+)", address)
    assert token is not None
    sheet = load_workbook(io.BytesIO(browser.get(f"/admin/liaison/import/failed/?token={token[1]}").data)).worksheets[0]
    header = [cell.value for cell in sheet[1]]
    assert header == ["街道", "社区", "姓名", "手机", "失败原因"]
    assert sheet["D2"].fill.fgColor.rgb.endswith("FBE9E7")
    sheet["D2"] = "13805730002"
    corrected = io.BytesIO()
    sheet.parent.save(corrected)
    _address, page = preview(browser, "liaison", corrected.getvalue())
    assert confirm(browser, "liaison", page).status_code == 302


def bomb() -> bytes:
    """A workbook of a few kilobytes that unpacks to hundreds of megabytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (400 * 1024 * 1024))
    return made.getvalue()


BAD: dict[str, Any] = {
    "no workbook": "姓名,手机\n张三,1".encode,
    "nothing": lambda: b"",
    "cut short": lambda: workbook({"花名册": ROWS})[:1500],
    "an old one cut short": lambda: (SAMPLES / "communities.xls").read_bytes()[:2000],
    "another archive": lambda: _archive({"readme.txt": b"hello"}),
    "a bomb": bomb,
    "an empty sheet": lambda: workbook({"空": Page([])}),
    "too few columns": lambda: workbook({"名单": Page([["品名"], ["扫帚"]])}),
    "prose": lambda: "各位同志：\n请于本周五前上报，谢谢。\n".encode("gb18030"),
    "a header alone": lambda: workbook({"花名册": Page(ROWS.rows[:1])}),
}


def _archive(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_can_not_be_taken_gets_one_clear_sentence(stage: Stage, what: str) -> None:
    browser = stage.browse("office")
    before = stage.count("liaison")
    answer = upload(browser, "liaison", BAD[what]())
    assert answer.status_code == 422
    assert re.search(r"[\u4e00-\u9fff]{4,}[^<]*。", answer.text)
    for word in ("Traceback", "calamine", "zipfile", "openpyxl", "Error"):
        assert word not in answer.text
    assert stage.count("liaison") == before


def test_another_table_is_told_at_once_what_it_lacks_and_can_be_told_by_hand(stage: Stage) -> None:
    browser = stage.browse("office")
    sent = upload(browser, "liaison", workbook({"名单": Page([["品名", "单价", "数量"], ["扫帚", 12, 3]])}))
    assert (sent.status_code, "/import/columns/" in sent.location) == (302, True)
    page = browser.get(sent.location).text
    assert "没有找到表头" in page or "必须" in page
    assert "品名" in page


def test_an_upload_that_is_too_large_is_refused_in_one_sentence(stage: Stage) -> None:
    answer = upload(stage.browse("office"), "liaison", b"PK\x03\x04" + b"0" * (MAX_BYTES + 2 * 1024 * 1024))
    assert answer.status_code == 413
    assert "<h1>文件过大</h1>" in answer.text
    assert "文件太大" in answer.text


@pytest.mark.parametrize("token", ["", "none", "eyJmaWxlIjoiLi4vLi4vcGFuZWwuZGIifQ.forged.signature"])
def test_a_forged_preview_does_not_exist(stage: Stage, token: str) -> None:
    assert stage.browse("office").get(f"/admin/liaison/import/preview/?token={token}").status_code == 404


def test_a_preview_is_its_owners_alone(stage: Stage) -> None:
    address, _page = preview(stage.browse("office"), "liaison", workbook({"花名册": ROWS}))
    with stage.session() as session:
        from tests.factories import account

        account(session, stage.panel, "second", "office")
    assert stage.browse("second").get(address).status_code == 404


@pytest.mark.parametrize("role", ["leader", "officer", "liaison", "viewer", "administrator", "security", "auditor"])
def test_only_the_office_imports(stage: Stage, role: str) -> None:
    assert upload(stage.browse(role), "liaison", workbook({"花名册": ROWS})).status_code == 403


def locked(data: bytes, password: str) -> bytes:
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, target)
    return target.getvalue()


def test_a_protected_workbook_is_opened_by_its_password_which_is_kept_nowhere(standing: Stage) -> None:
    browser = standing.browse("office")
    asked = upload(browser, "liaison", locked(workbook({"花名册": ROWS}), "机密-2026"))
    assert asked.status_code == 422
    assert 'type="password"' in asked.text
    token = {"token": re.findall(r'name="token" value="([^"]+)"', asked.text)[0]}
    wrong = browser.post("/admin/liaison/import/", {**token, "password": "机密"})
    assert wrong.status_code == 422
    assert "密码不对" in wrong.text
    opened = browser.post("/admin/liaison/import/", {**token, "password": "机密-2026"})
    assert opened.status_code == 302, opened.text
    assert "李新" in browser.get(opened.location).text
    folder = Path(standing.app.instance_path)
    assert not [file for file in folder.rglob("*") if file.is_file() and "机密-2026".encode() in file.read_bytes()]


def test_another_account_opens_no_protected_workbook_that_waits(standing: Stage) -> None:
    asked = upload(standing.browse("office"), "liaison", locked(workbook({"花名册": ROWS}), "a"))
    given = {"token": re.findall(r'name="token" value="([^"]+)"', asked.text)[0], "password": "a"}
    assert standing.browse("viewer").post("/admin/liaison/import/", given).status_code == 403
    assert standing.browse("office").post("/admin/officer/import/", given).status_code == 404


HEADER = "街道\t社区\t姓名\t备注"


def test_pasted_cells_come_in_as_a_file_does(standing: Stage) -> None:
    browser = standing.browse("office")
    sent = browser.post("/admin/liaison/import/", {"pasted": f"{HEADER}\r\n城东街道\t东栅社区\t李新\t兼\r\n"})
    assert sent.status_code == 302, sent.text
    page = browser.get(sent.location).text
    assert "李新" in page
    assert "粘贴的内容" in page


def test_what_was_pasted_in_vain_stands_there_still(standing: Stage) -> None:
    sent = standing.browse("office").post("/admin/liaison/import/", {"pasted": "只有一句话"})
    assert sent.status_code == 422
    assert "只有一句话</textarea>" in sent.text


def test_a_megabyte_of_pasted_rows_is_read(standing: Stage) -> None:
    """Flask refuses more than half of one."""
    rows = "\r\n".join(f"城东街道\t东栅社区\t李\t{'长' * 180}" for _n in range(1500))
    assert len(rows.encode()) > 800_000
    sent = standing.browse("office").post("/admin/liaison/import/", {"pasted": f"{HEADER}\r\n{rows}"})
    assert sent.status_code == 302


def test_however_many_answers_the_address_of_a_preview_stays_short(standing: Stage) -> None:
    with standing.app.test_request_context():
        state = {"file": store_upload(b"x"), "name": "来件.xlsx", "table": "liaison", "rows": 3, "good": True}
        answers = {"replace": {"community": {f"社区{n}": f"社区{n + 1}" for n in range(300)}}}
        for one in (state, {**state, **answers}):
            token = pack(one)
            assert len(token) < 2_000
            assert unpack(token, "liaison") == {**one, "user": None}
        delete_upload(str(state["file"]))
        assert "replace" not in unpack(token, "liaison"), "what was stored goes with the upload"


def test_an_empty_system_says_what_must_come_first(empty_app: Flask) -> None:
    with empty_app.app_context():
        panel = empty_app.extensions["panel"]
        named = {
            table: [
                str(model.__labels__) for model in prerequisites.missing(panel.session, MODELS[table], panel.registry)
            ]
            for table in ("street", "community", "liaison", "case")
        }
    assert named == {
        "street": [],
        "community": ["街道"],
        "liaison": ["街道", "社区"],
        "case": ["街道", "社区"],
    }


def test_the_page_of_an_import_says_nothing_of_what_is_there(standing: Stage) -> None:
    assert "请先导入" not in standing.browse("office").get("/admin/liaison/import/").text
