"""Pictures and papers of a case: what is taken, what stays of it, who sees it, and what becomes of the files."""

from __future__ import annotations

import os
import re
import struct
import zlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from PIL import Image, PngImagePlugin

from bureau.cases import attachments
from bureau.cases.web import photos
from bureau.settings import settings
from bureau.upkeep import consistency
from bureau.upkeep.web.commands import MIGRATIONS
from models import Attachment, AttachmentPhase, CaseStatus
from panel.i18n import using_locale
from panel.kinds import now
from panel.security.records import AuditEntry
from panel.store import files
from panel.store.files import GRACE_PERIOD, FileError, Store
from tests import factories, steps
from tests.factories import Stage

MB = 1024 * 1024
ADDING = ("office", "leader", "officer", "liaison")
REMOVING = ("office", "leader", "officer")


def picture(colour: str = "red", size: tuple[int, int] = (60, 40), form: str = "JPEG", **more: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, **more)
    return out.getvalue()


def located() -> bytes:
    """A photo as a telephone takes it: turned, with place, maker and a remark."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "PhoneMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 45.0, 12.0), 3: "E", 4: (120.0, 45.0, 12.0)})
    return picture(exif=exif, comment=b"SecretRemark", xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>")


def pdf(text: bytes = b"minutes") -> bytes:
    return b"%PDF-1.7\n1 0 obj<<>>endobj\n" + text + b"\ntrailer<<>>\n%%EOF\n"


def bomb() -> bytes:
    """A PNG of a few bytes whose head tells of thirty thousand by thirty thousand pixels."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def upload(stage: Stage, account: str, id_: int, *given: tuple[str, bytes], phase: str = "before") -> Any:
    data = {"phase": phase, "photos": [(BytesIO(content), name) for name, content in given]}
    return stage.browse(account).post(f"/attachments/case/{id_}", data, content_type="multipart/form-data")


def flashed(stage: Stage, account: str, id_: int) -> str:
    return stage.browse(account).get(f"/admin/case/details/?id={id_}").text


def of_case(stage: Stage, id_: int) -> list[Attachment]:
    with stage.session() as session:
        return list(session.scalars(sa.select(Attachment).where(Attachment.case_id == id_).order_by(Attachment.id)))


def kept(stage: Stage) -> Store:
    return photos.store(stage.app)


def attached(stage: Stage, side: str = "inside", content: bytes | None = None) -> int:
    """A picture of the case inside or outside everybody's scope, put there past the screen."""
    with stage.session() as session:
        about = session.get_one(factories.MODELS["case"], getattr(stage, side)["case"])
        handed = files.read("现场.jpg", content or picture(), 10 * MB)
        (made,) = attachments.add(session, kept(stage), about, AttachmentPhase.BEFORE, [handed], most=99)
        return made.id


# ---- What is taken ----


def test_nothing_stays_of_a_picture_but_what_one_sees() -> None:
    raw = located()
    assert b"PhoneMaker" in raw
    assert b"SecretRemark" in raw
    made = files.read("IMG_1.jpg", raw, 10 * MB)
    for data in (made.data, made.small or b""):
        for trace in (b"PhoneMaker", b"SecretRemark", b"SecretXmp", b"Exif", b"GPS"):
            assert trace not in data
        with Image.open(BytesIO(data)) as opened:
            assert not opened.getexif()
            assert opened.height > opened.width  # turned upright, as it was to be shown
    text = PngImagePlugin.PngInfo()
    text.add_text("Location", "SecretPlace")
    drawn = files.read("a.png", picture(form="PNG", pnginfo=text), 10 * MB)
    assert (drawn.media_type, b"SecretPlace" in drawn.data) == (files.PNG, False)


def test_a_picture_is_kept_no_larger_than_needed_with_a_small_copy() -> None:
    made = files.read("big.webp", picture(size=(4000, 1000), form="WEBP"), 10 * MB)
    assert (made.media_type, made.width, made.height) == (files.JPEG, 3200, 800)
    assert made.name == "big.webp.jpg"
    with Image.open(BytesIO(made.small or b"")) as small:
        assert small.size == (320, 80)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jpg", b"", "空"),
        ("a.jpg", b"<html><script>alert(1)</script>", "只接受"),
        ("a.jpg", b"GIF89a" + b"\0" * 50, "只接受"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"<svg>" * 20, "损坏"),
        ("a.jpg", picture(size=(900, 900))[:600], "损坏"),
        ("a.pdf", b"%PDF-1.7\nhalf", "损坏"),
        ("a.png", bomb(), "像素"),
        ("a.jpg", picture() + b"\0" * (2 * MB), "2 MB"),
        ("a.tif", picture(form="TIFF"), "只接受"),
    ],
)
def test_what_is_no_whole_picture_or_paper_is_refused_in_a_sentence(name: str, data: bytes, said: str) -> None:
    with pytest.raises(FileError) as refused:
        files.read(name, data, 2 * MB)
    assert said in str(refused.value.message)
    assert name in str(refused.value.message)


def test_a_file_is_what_it_holds_not_what_it_is_called() -> None:
    assert files.read("照片.jpg", pdf(), MB).media_type == files.PDF
    lying = files.read("文书.pdf", picture(form="PNG"), MB)
    assert (lying.media_type, lying.name) == (files.PNG, "文书.pdf.png")
    assert files.read("../../etc/pass\nwd.jpg", picture(), MB).name == "passwd.jpg"
    assert len(files.read("长" * 400 + ".jpg", picture(), MB).name) <= files.NAME_LENGTH


# ---- Who ----


@pytest.mark.parametrize("role", factories.ROLE_NAMES)
def test_who_may_add_sees_and_takes_off(stage: Stage, role: str) -> None:
    id_, url = stage.inside["case"], f"/attachments/{attached(stage)}"
    business = role in (*ADDING, "viewer")
    answer = stage.browse(role).get(url)
    assert answer.status_code == (200 if business else 403)
    assert stage.browse(role).get(f"{url}/thumb").status_code == answer.status_code
    assert upload(stage, role, id_, ("新.jpg", picture("blue"))).status_code == (302 if role in ADDING else 403)
    assert len(of_case(stage, id_)) == (2 if role in ADDING else 1)
    gone = stage.browse(role).post(f"{url}/remove", {"reason": "拍错了"})
    assert gone.status_code == (302 if role in REMOVING else 403)
    assert (of_case(stage, id_)[0].removed_by == role) == (role in REMOVING)
    if business:
        page = flashed(stage, role, id_)
        assert ("/attachments/case/" in page) == (role in ADDING)
        assert ("/remove" in page) == (role in REMOVING)


def test_a_file_outside_ones_area_does_not_exist(stage: Stage) -> None:
    url, case = f"/attachments/{attached(stage, 'outside')}", stage.outside["case"]
    for role in ("leader", "officer", "liaison"):
        browser = stage.browse(role)
        assert [browser.get(url).status_code, browser.get(f"{url}/thumb").status_code] == [404, 404]
        assert upload(stage, role, case, ("a.jpg", picture())).status_code == 404
        assert browser.post(f"{url}/remove", {"reason": "x"}).status_code == (403 if role == "liaison" else 404)
    assert stage.browse("office").get(url).status_code == 200
    assert [one.removed_at for one in of_case(stage, case)] == [None]
    assert stage.visitor().get(url).status_code == 302


def test_a_file_is_served_shut(stage: Stage) -> None:
    id_ = stage.inside["case"]
    upload(stage, "liaison", id_, ("东栅 现场.jpg", picture()), ("协议书.pdf", pdf()))
    photo, paper = of_case(stage, id_)
    answer = stage.browse("officer").get(f"/attachments/{photo.id}")
    assert (answer.mimetype, answer.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "%E4%B8%9C%E6%A0%85" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    again = stage.browse("officer").get(f"/attachments/{photo.id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    answer = stage.browse("officer").get(f"/attachments/{paper.id}")
    assert (answer.mimetype, answer.data) == ("application/pdf", pdf())
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert paper.phase is AttachmentPhase.DOCUMENT
    assert stage.browse("officer").get(f"/attachments/{paper.id}/thumb").status_code == 404


# ---- Adding and taking off ----


@pytest.mark.database
def test_the_same_file_twice_is_stored_once(stage: Stage) -> None:
    id_, other = stage.inside["case"], steps.new_case(stage)
    assert upload(stage, "office", id_, ("a.jpg", picture()), ("b.jpg", picture())).status_code == 302
    upload(stage, "office", id_, ("c.jpg", picture()))
    assert "已经" in flashed(stage, "office", id_)
    upload(stage, "office", other, ("d.jpg", picture()))
    assert [len(of_case(stage, one)) for one in (id_, other)] == [1, 1]
    (digest,) = kept(stage).digests()
    assert digest == of_case(stage, id_)[0].sha256
    assert kept(stage).path(digest).stat().st_mode & 0o077 == 0
    assert kept(stage).folder.stat().st_mode & 0o077 == 0


def test_one_bad_file_and_none_is_taken(stage: Stage) -> None:
    id_ = stage.inside["case"]
    upload(stage, "officer", id_, ("good.jpg", picture()), ("evil.jpg", b"MZ\x90\0"))
    assert not of_case(stage, id_)
    assert "evil.jpg" in flashed(stage, "officer", id_)
    upload(stage, "officer", id_)
    assert "请先选择文件" in flashed(stage, "officer", id_)
    assert not list(kept(stage).digests())


def test_a_case_has_so_many_and_a_file_is_so_large(stage: Stage) -> None:
    id_ = stage.inside["case"]
    with stage.session() as session:
        settings.put(session, "attachments_most", 2)
        settings.put(session, "attachment_size", 1)
    upload(stage, "office", id_, ("a.jpg", picture("red")))
    upload(stage, "office", id_, ("b.jpg", picture("blue")), ("c.jpg", picture("green")))
    assert "最多 2 个附件" in flashed(stage, "office", id_)
    assert len(of_case(stage, id_)) == 1
    upload(stage, "office", id_, ("b.jpg", picture("blue") + b"\0" * MB))
    assert "最大 1 MB" in flashed(stage, "office", id_)
    upload(stage, "office", id_, ("b.jpg", picture("blue")))
    assert "/attachments/case/" not in flashed(stage, "office", id_)


def test_taken_off_it_stays_in_the_trail_and_is_served_no_more(stage: Stage) -> None:
    id_, one = stage.inside["case"], attached(stage)
    browser = stage.browse("officer")
    browser.post(f"/attachments/{one}/remove", {"reason": "  "})
    assert "请说明" in flashed(stage, "officer", id_)
    assert of_case(stage, id_)[0].removed_at is None
    browser.post(f"/attachments/{one}/remove", {"reason": "误拍路人"})
    page = flashed(stage, "officer", id_)
    assert "误拍路人" in page
    assert f"/attachments/{one}/thumb" not in page
    assert browser.get(f"/attachments/{one}").status_code == 404
    browser.post(f"/attachments/{one}/remove", {"reason": "再来"})
    assert of_case(stage, id_)[0].removed_reason == "误拍路人"
    with stage.session() as session:
        acts = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.table_name == "attachment")).all()
    assert [str(act) for act in acts] == ["create", "edit"]


def test_the_form_needs_its_token(stage: Stage) -> None:
    client = stage.browse("office").client
    assert client.post(f"/attachments/case/{stage.inside['case']}").status_code == 400
    assert client.post(f"/attachments/{attached(stage)}/remove", data={"reason": "x"}).status_code == 400


# ---- What becomes of the files ----


def aged(store: Store) -> None:
    """Make every file two days old."""
    for path in store.folder.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_atime, factories.MOMENT.timestamp() - 2 * GRACE_PERIOD.total_seconds()))


@pytest.mark.database
def test_a_file_goes_when_nothing_names_it_any_more(stage: Stage) -> None:
    store, one = kept(stage), attached(stage)
    with stage.session() as session:
        digest = session.get_one(Attachment, one).sha256
        store.put(files.read("never saved.jpg", picture("blue"), MB))
        assert attachments.clear(session, store) == 0  # somebody may be about to save it
        aged(store)
        assert attachments.clear(session, store) == 1
    assert list(store.digests()) == [digest]
    assert len(list(store.folder.rglob("*.small"))) == 1
    stage.browse("office").post(f"/attachments/{one}/remove", {"reason": "误拍"})
    with stage.session() as session:
        assert attachments.clear(session, store) == 0
        session.get_one(Attachment, one).removed_at -= 2 * GRACE_PERIOD  # type: ignore[operator]
        session.flush()
        assert attachments.clear(session, store) == 1
    assert not list(store.digests())


@pytest.mark.database
@pytest.mark.parametrize(("seconds", "kept_on"), [(-1, True), (0, False)])
def test_a_file_that_was_taken_off_is_kept_for_a_day(stage: Stage, seconds: int, *, kept_on: bool) -> None:
    store, one = kept(stage), attached(stage)
    aged(store)
    removed = now()
    with stage.session() as session:
        row = session.get_one(Attachment, one)
        row.removed_at, row.removed_by, row.removed_reason = removed, "office", "误拍"
    moment = removed + timedelta(days=1, seconds=seconds)
    with time_machine.travel(moment, tick=False), stage.session() as session:
        assert attachments.clear(session, store) == (0 if kept_on else 1)


@pytest.mark.parametrize(("seconds", "kept_on"), [(1, True), (0, False)])
def test_a_file_that_nothing_names_is_kept_for_a_day(tmp_path: Path, seconds: int, *, kept_on: bool) -> None:
    store, made = Store(tmp_path / "kept"), files.read("a.jpg", picture(), MB)
    store.put(made)
    with time_machine.travel(factories.MOMENT, tick=False):
        handed_in = (now() - timedelta(days=1)).timestamp() + seconds
        for path in store.path(made.sha256).parent.iterdir():
            os.utime(path, (handed_in, handed_in))
        assert store.delete_unused(()) == (0 if kept_on else 1)
    assert store.verify(made.sha256) is (True if kept_on else None)


def left_behind(session: sa.orm.Session, store: Store) -> list[str]:
    """What the command `check` says of files that nobody cleared away."""
    with using_locale("en"):
        found = [str(sentence) for sentence in consistency.check(session, store, MIGRATIONS)]
    return [sentence for sentence in found if "belong to no attachment" in sentence]


@pytest.mark.database
@pytest.mark.parametrize(("seconds", "told"), [(1, False), (0, True)])
def test_a_file_that_should_have_been_cleared_away_is_told_after_two_days(
    stage: Stage, seconds: int, *, told: bool
) -> None:
    store, one = kept(stage), attached(stage)
    with time_machine.travel(factories.MOMENT + timedelta(days=9), tick=False), stage.session() as session:
        row = session.get_one(Attachment, one)
        path, handed_in = store.path(row.sha256), (now() - timedelta(days=2)).timestamp() + seconds
        os.utime(path, (handed_in, handed_in))
        row.removed_by, row.removed_reason = "office", "误拍"
        row.removed_at = now() - timedelta(days=1, seconds=-1)
        session.flush()
        assert not left_behind(session, store), "it is to be kept on"
        row.removed_at = now() - timedelta(days=1)
        session.flush()
        assert bool(left_behind(session, store)) is told


def test_a_clearing_that_was_cut_off_loses_nothing(tmp_path: Path) -> None:
    store, made = Store(tmp_path / "kept"), files.read("a.jpg", picture(), MB)
    store.put(made)
    path = store.path(made.sha256)
    path.rename(path.with_name(path.name + ".going"))
    store.delete_unused({made.sha256})
    assert store.verify(made.sha256)
    store.put(made)
    assert [len(list(path.parent.glob("new-*"))), len(list(path.parent.iterdir()))] == [0, 2]


# ---- With a report, with a step ----


def test_photos_come_with_a_report(stage: Stage) -> None:
    browser = stage.browse("liaison")
    given = browser.form("/report") | {"place": "东塔路 9 号", "description": "路面结冰", "asked": "1"}
    bad = browser.post("/report", given | {"photos": (BytesIO(b"MZ"), "x.jpg")}, content_type="multipart/form-data")
    assert bad.status_code == 422
    assert 'href="#f-photos"' in bad.text
    before = stage.count("case")
    answer = browser.post(
        "/report", given | {"photos": (BytesIO(picture()), "冰.jpg")}, content_type="multipart/form-data"
    )
    assert (answer.status_code, stage.count("case")) == (302, before + 1)
    id_ = int(re.findall(r"id=(\d+)", answer.location)[0])
    (one,) = of_case(stage, id_)
    assert (one.phase, one.file_name, one.added_by) == (AttachmentPhase.BEFORE, "冰.jpg", "liaison")


def test_photos_come_with_the_handling_and_not_without(stage: Stage) -> None:
    id_ = steps.new_case(stage, CaseStatus.HANDLING, "officer")
    browser, url = stage.browse("officer"), f"/admin/case/step/?id={id_}&step=handle"
    given = browser.form(url) | {"outcome": "persuasion", "result": ""}
    photo = {"photos": (BytesIO(picture()), "后.jpg")}
    lacking = browser.post(url, given | photo, content_type="multipart/form-data")
    assert (lacking.status_code, of_case(stage, id_)) == (422, [])
    assert "重新选择" in lacking.text
    given["result"], photo = "自行拆除", {"photos": (BytesIO(picture()), "后.jpg")}
    assert browser.post(url, given | photo, content_type="multipart/form-data").status_code == 302
    (one,) = of_case(stage, id_)
    assert one.phase is AttachmentPhase.AFTER
    assert stage.get("case", id_).status is CaseStatus.HANDLED


def test_twenty_photos_cost_one_statement_as_one_does(stage: Stage) -> None:
    id_ = stage.inside["case"]
    with stage.app.app_context():
        engine = stage.panel.db.engine
    costs = []
    for colours in (range(1), range(1, 20)):
        with stage.session() as session:
            about = session.get_one(factories.MODELS["case"], id_)
            handed = [files.read(f"{n}.jpg", picture(f"rgb({n * 12},0,0)"), MB) for n in colours]
            attachments.add(session, kept(stage), about, AttachmentPhase.AFTER, handed, most=20)
        with factories.counted(engine) as sent:
            page = flashed(stage, "officer", id_)
        costs.append(sum("FROM attachment" in statement for statement in sent))
    assert page.count("/thumb") == 20
    assert costs == [1, 1]
