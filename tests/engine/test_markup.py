"""What people type is text wherever it is shown: on no page markup, in no file a formula.

Every text of every record holds markup and begins as a formula does; whoever can see it clicks through every page."""

from __future__ import annotations

import csv
import html
import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from defusedxml import ElementTree
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import models
from bureau.cases import events
from bureau.cases.state import stepping
from bureau.figures.groups import Grouping
from bureau.figures.web.charts import CHARTS
from bureau.ledger.web import files as ledgers
from bureau.registers.registers import REGISTERS
from bureau.settings import settings
from panel.base import Base, Record
from panel.fields import Field, Personal, fields
from panel.jobs.records import Job, JobState
from panel.kinds import Label, Text
from panel.notify.records import Notice, WebhookDelivery
from panel.security.policy import Permission
from panel.sheets.write import fast
from tests import factories
from tests.factories import MODELS, TABLES, Browser, Stage, granted
from tests.ledgers import JUNE, MAY, local

#: The menu is the same on every page: home has it.
pytestmark = pytest.mark.framed("/")

#: Ends an attribute of either kind of quotation mark, and would be an element; `&amp;` must not become `&`.
MARKUP = "'\"><b xx>&amp;."
SCRIPT = "</p><script xx>alert(1)</script>"
#: What a spreadsheet takes for a formula, or for the beginning of a cell of its own.
LEADS = ("=", "+", "-", "@")
#: Between two of them stands more than a cell of a list shows.
FILLING = "这是一段很长的文字，" * 5
#: The photo has no file, the import no row that failed, and the first accounts are there.
GONE = {"/attachments/1", "/admin/importbatch/failed/?id=1", "/start"}
_numbers = itertools.count(1)
ROLES = ("office", "leader", "officer", "liaison", "viewer", "administrator", "security", "auditor")


def is_free(declared: Field) -> bool:
    """Whether a field holds what people type: neither a name that the program gives nor one of a table."""
    return (
        isinstance(declared.kind, Text) and not isinstance(declared.kind, Label) and declared.name not in {"table_name"}
    )


def poison(declared: Field) -> str:
    """Markup as a value of a field, another one each time."""
    kind, n = declared.kind, next(_numbers)
    assert isinstance(kind, Text)
    short = f"{LEADS[n % len(LEADS)]}{n}{MARKUP}"
    long = f"{short}{FILLING}{SCRIPT}"
    return (long if kind.length >= len(long) else short)[: kind.length]


def spoil(session: Session, stage: Stage) -> None:
    """Give every text of every record markup, those of settings and of logs too."""
    for key, declared in settings.DECLARED.items():
        if type(declared.kind) is Text:
            settings.put(session, key, f"={MARKUP}"[: declared.kind.length])
    for table, model in MODELS.items():
        free = [f for f in fields(model) if is_free(f)]
        if model.__append_only__ and table != "caseevent":
            given = {f.attr: poison(f) for f in free}
            factories.another(session, table, stage.inside, **given)
        elif issubclass(model, Record) or not model.__append_only__:
            for record in session.scalars(sa.select(model).order_by(model.id)):
                for f in free:
                    setattr(record, f.attr, poison(f))
    session.flush()
    for case in session.scalars(sa.select(models.Case)):
        events.append(session, case, "note", case.status, case.status, None, f"={MARKUP}", f"={MARKUP}")


def occasions(session: Session, stage: Stage) -> None:
    """What pages of their own show: an agreement, something to approve, a ledger that waits and one that is handed up,
    a notice, a job, a message, a photo, a rota that has been written."""
    said, office, case = f"={MARKUP}", stage.district.users["office"], stage.inside["case"]
    settings.put(session, "factor_roles", "viewer")
    about = session.get_one(models.Case, case)
    agreed = dict.fromkeys(("party_a", "party_b", "dispute", "agreement"), said)
    number, day = "TJ-2026-900001", date(2026, 8, 1)
    status = models.MediationStatus.AGREED
    session.add(models.Mediation(mediation_no=number, case_id=case, status=status, perform_by=day, **agreed))
    asked = dict.fromkeys(("reason", "asked_by"), said)
    kind, waits = models.ChangeKind.EXTENSION, models.ChangeStatus.ASKED
    session.add(models.DeadlineChange(case_id=case, kind=kind, status=waits, days=1, **asked))
    session.add(Notice(owner_id=office, kind="assigned", mark="m", table_name="case", record_id=case, actor_name=said))
    session.add(Job(kind="import.apply", owner_id=office, title=said, message=said, state=JobState.FAILED))
    session.add(WebhookDelivery(kind="assigned", mark="m", problem=said, payload={"case_no": said}))
    photo = {"file_name": f"{said}.jpg", "media_type": "image/jpeg", "size": 1, "sha256": "0" * 64, "added_by": said}
    session.add(models.Attachment(case_id=case, phase=models.AttachmentPhase.BEFORE, **photo))
    with stepping():
        about.reported_at = about.accepted_at = local("05-04 09:00")
    session.flush()
    for month in (MAY, JUNE):
        assert ledgers.draw_up(session, month, models.Basis.ACCEPTED) is not None
    ledgers.hand_up(session, ledgers.checked_params(session, MAY, models.Basis.ACCEPTED, None))


class Shown(HTMLParser):
    """What of our markup a page holds as markup, and what it holds as text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name.startswith("xx") or "<" in name for name, _value in attrs):
            self.alive.append(self.get_starttag_text() or tag)
        self.texts += [value for _name, value in attrs if value and " xx" in value]

    def handle_data(self, data: str) -> None:
        if " xx" in data:
            self.texts.append(data)

    @property
    def garbled(self) -> list[str]:
        """Texts in which the markup isn't what it was: escaped twice, or half of it taken for something else."""
        found = [text for text in self.texts if re.search(r"&(lt|gt|#39|#34|quot);", text) or "&amp;amp;" in text]
        return found + [text for text in self.texts if re.search(r"<b xx>&[^a…]", text)]


def complaints(page: TestResponse) -> list[str]:
    """What is wrong with an answer, whatever it is."""
    if page.mimetype == "text/html":
        shown = Shown(page.text)
        return [*shown.alive, *shown.garbled]
    if page.mimetype.endswith("sheet"):
        return formulas(page.data)
    if page.mimetype.endswith("wordprocessingml.document"):
        return unread(page.data)
    if page.mimetype == "text/csv":
        return risky(page.data)
    if page.mimetype == "image/svg+xml":
        return re.findall(r"<(?:b|script) xx", page.text)
    return []


def formulas(data: bytes) -> list[str]:
    """The cells of a workbook that are worked out."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        sheets = {name: file.read(name).decode() for name in file.namelist() if "worksheets/sheet" in name}
    return [f"{name}: {found}" for name, text in sheets.items() for found in re.findall(r"<f\b.*?</f>", text)]


def unread(data: bytes) -> list[str]:
    """Whether a Word document is no document any more."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        try:
            ElementTree.fromstring(file.read("word/document.xml"))
        except ElementTree.ParseError as error:
            return [str(error)]
    return []


def risky(data: bytes) -> list[str]:
    """The cells of a CSV that a spreadsheet would work out."""
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\r"))]


def test_markup_that_is_alive_would_be_found() -> None:
    escaped = "&#39;&#34;&gt;&lt;b xx&gt;&amp;amp;."
    assert not (shown := Shown(f'<p title="{escaped}">{escaped}</p>')).alive
    assert shown.texts == [MARKUP, MARKUP]
    assert not shown.garbled
    for page in (
        SCRIPT,
        f"<p>{MARKUP}</p>",
        f'<p title="{MARKUP}"></p>',
        f"<p title='{MARKUP}'></p>",
        f"<i a={MARKUP}></i>",
    ):
        assert Shown(page).alive, page
    assert Shown(f"<p>{escaped.replace('&', '&amp;')}</p>").garbled
    assert Shown("<p>&lt;b xx&gt;& more</p>").garbled


@pytest.fixture(scope="module")
def spoiled(growing: Stage) -> Stage:
    with factories.clock():
        for role in ROLES:
            growing.browse(role).get("/")
        with growing.session() as session:
            spoil(session, growing)
            occasions(session, growing)
    return growing


@pytest.mark.parametrize("role", ["office", "liaison", "administrator", "auditor"])
def test_nothing_that_one_clicks_to_is_markup_or_a_formula(spoiled: Stage, role: str) -> None:
    seen = 0
    for address, page in spoiled.browse(role).crawl():
        assert page.status_code in (200, 302) or address in GONE, address
        assert complaints(page) == [], address
        seen += page.mimetype == "text/html" and " xx&gt;" in page.text
    assert seen > 5


#: The pages that are none of a table's, by endpoint: who opens them, and where.
PAGES: dict[str, tuple[str, ...]] = {
    "home": ("office /", "liaison /", "leader /"),
    "accounts": ("administrator /accounts", "security /accounts"),
    "accounts_link": ("administrator /accounts/link?person=liaison:1",),
    "approvals": ("leader /approvals",),
    "archives": ("administrator /archives",),
    "attachment": ("office /attachments/1",),
    "backups": ("administrator /backups",),
    "briefing": ("office /briefing?case1=1",),
    "briefing_file": ("office /briefing/file?month=2026-07&case1=1&case2=2",),
    "briefing_template": ("office /briefing/template",),
    "calendar": ("office /calendar",),
    "calendar_recompute": ("office /calendar/recompute",),
    "case_file": ("office /cases/1/file",),
    "case.item_facts": ("office /admin/case/item/?case=1&item=1",),
    "case.step_view": ("officer /admin/case/step/?id=1&step=note",),
    "checklists": ("office /lists", "office /lists?q=MARKUP&category=MARKUP"),
    "communities_merge": ("office /communities/merge?community=1", "office /communities/merge?community=1&into=2"),
    "duty": ("officer /duty",),
    "duty_visit": ("officer /duty/1", "liaison /duty/1"),
    "duty_rota": ("office /duty/rota?month=2026-06",),
    "duty_rota_file": ("office /duty/rota/file?month=2026-06",),
    "duty_week": ("office /duty/week?on=2026-06-15", "leader /duty/week?on=2026-06-15"),
    "figures": tuple(f"office /figures?from=2026-05-01&to=2026-07-31&by={by.value}" for by in Grouping),
    "figures_chart": tuple(
        f"office /figures/chart/{name}?from=2026-05-01&to=2026-07-31&by={by.value}"
        for name in CHARTS
        for by in Grouping
    ),
    "figures_file": tuple(f"office /figures/file?from=2026-05-01&to=2026-07-31&by={by.value}" for by in Grouping),
    "find.index": ("office /find/?q=MARKUP", "office /find/?q=MARKUP&part=1", "office /find/?part=1"),
    "first.page": ("nobody /start",),
    "first_steps": ("office /first-steps",),
    "handbook.show": ("office /help/",),
    "handover": ("office /handover",),
    "hotline": ("office /hotline",),
    "hotline_again": ("office /hotline/replies?month=2026-07",),
    "importbatch.rejected_view": ("office /admin/importbatch/failed/?id=1",),
    "importbatch.undo_view": ("office /admin/importbatch/undo/?id=1",),
    "jobs.index": ("office /jobs/",),
    "jobs.show": ("office /jobs/1",),
    "jobs.state": ("office /jobs/ajax/1",),
    "ledgers": tuple(f"office /ledgers?month=2026-0{n}&by={by.value}" for n in (5, 6, 7) for by in models.Basis),
    "ledgers_asked": ("office /ledgers/hand-up?month=2026-07",),
    "ledgers_draft": ("office /ledgers/draft/2",),
    "ledgers_file": ("office /ledgers/file?month=2026-07&by=accepted", "leader /ledgers/file?month=2026-07&by=closed"),
    "ledgers_kept": ("office /ledgers/kept/1",),
    "liaison.compare_view": ("office /admin/liaison/compare/",),
    "liaison.compared_view": (),
    "mediation.paper_view": ("office /admin/mediation/paper/?paper=agreement&id=3",),
    "notices.index": ("office /notices/",),
    "referral.clear_slip_view": ("office /admin/referral/slip/clear/?id=1",),
    "referral.enclosures_view": ("office /admin/referral/enclosures/?id=1",),
    "referral.slip_view": ("office /admin/referral/slip/?id=1",),
    "registers": tuple(f"office /registers?name={name}" for name in REGISTERS),
    "retention": ("office /retention",),
    "registers_file": tuple(f"office /registers/file?name={name}&month=2026-07&day=2026-07-15" for name in REGISTERS),
    "report_people": ("liaison /report/people?community=1",),
    "report": ("liaison /report?item=MARKUP",),
    "report_suggest": ("liaison /report/suggest?q=MARKUP",),
    "session.code": ("nobody /login/code",),
    "session.factor": ("viewer /second-factor",),
    "session.login": ("nobody /login?next=MARKUP",),
    "session.matrix": ("office /roles",),
    "session.mine": ("office /sessions",),
    "session.password": ("office /password",),
    "settings": ("office /settings",),
    "survey": ("office /survey",),
    "view_as.page": ("auditor /view-as/1", "auditor /view-as/1?table=case"),
    "webhook.index": ("administrator /webhook/",),
    "webhook.show": ("administrator /webhook/1",),
    "webhook.edit": ("administrator /webhook/settings",),
}
#: Files of the program, or of bytes that are no text; and what leads on to another page.
PLAIN = {
    "static",
    "admin.static",
    "admin.index",
    "attachment_small",
    "handbook.picture",
    "jobs.file",
    "archives_file",
    "backups_file",
}


@pytest.mark.parametrize("address", [address for addresses in PAGES.values() for address in addresses])
def test_a_page_of_its_own_shows_text(spoiled: Stage, address: str) -> None:
    role, _space, url = address.partition(" ")
    browser = spoiled.visitor() if role == "nobody" else spoiled.browse(role)
    page = browser.get(url.replace("MARKUP", quote(MARKUP)))
    assert page.status_code in ((200, 302, 404) if url in GONE else (200, 302))
    assert complaints(page) == []


def test_no_page_is_left_out(spoiled: Stage) -> None:
    rules = list(spoiled.app.url_map.iter_rules())
    common = {rule.endpoint.rpartition(".")[2] for rule in rules if rule.endpoint.startswith(("street.", "caseparty."))}
    own = {
        rule.endpoint
        for rule in rules
        if "GET" in (rule.methods or ()) and rule.endpoint.rpartition(".")[2] not in common
    }
    assert own - PLAIN == set(PAGES)


def reader(table: str, *acts: Permission) -> str:
    """Somebody who may do this to a table."""
    return next((role for role in ROLES if all(granted(role, act, table) for act in (Permission.READ, *acts))), "")


def told(page: TestResponse) -> int:
    """How many values on a page are markup as text, once nothing is wrong with it."""
    assert page.status_code in (200, 422), page.status_code
    assert complaints(page) == []
    return len(Shown(page.text).texts)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_shows_its_texts_in_lists_details_and_forms(spoiled: Stage, table: str) -> None:
    browser, model = spoiled.browse(reader(table)), MODELS[table]
    plain = [f for f in fields(model) if is_free(f) and f.personal is Personal.NO]
    with spoiled.session() as session:
        id_ = session.scalars(sa.select(model.id).order_by(model.id.desc()).limit(1)).one()
    listed = told(browser.get(f"/admin/{table}/?size=100"))
    assert listed or not [f for f in plain if f.listed]
    assert told(browser.get(f"/admin/{table}/details/?id={id_}")) or not plain
    for page in ("edit", "confirm", "new"):
        if (answer := browser.get(f"/admin/{table}/{page}/?id={id_}")).status_code == 200:
            told(answer)
    for f in spoiled.panel.views[table].references:
        answer = browser.get(f"/admin/{table}/ajax/lookup/?name={f.name}&query=")
        assert answer.mimetype == "application/json", "it is no page"
    told(browser.get(f"/admin/{table}/", query_string={"q": MARKUP, "sort": MARKUP, "is": MARKUP}))
    told(browser.get(f"/admin/{table}/", query_string={f.name: MARKUP for f in fields(model)}))


@pytest.mark.parametrize("table", [table for table in TABLES if reader(table, Permission.CREATE)])
def test_what_is_wrong_in_a_form_is_told_as_text(spoiled: Stage, table: str) -> None:
    browser = spoiled.browse(reader(table, Permission.CREATE))
    given = dict.fromkeys(browser.form(f"/admin/{table}/new/"), MARKUP)
    page = browser.post(f"/admin/{table}/new/", {**given, "csrf_token": browser.token()})
    if page.status_code == 422:
        assert told(page)


@pytest.mark.parametrize("table", [table for table in TABLES if reader(table, Permission.EXPORT)])
@pytest.mark.parametrize("writer", ["fast", "openpyxl"])
def test_no_file_of_a_table_is_worked_out(
    spoiled: Stage, monkeypatch: pytest.MonkeyPatch, table: str, writer: str
) -> None:
    if writer == "openpyxl":
        monkeypatch.setattr(fast, "rust", None)
    browser = spoiled.browse(reader(table, Permission.EXPORT))
    for form in ("xlsx", "csv"):
        page = browser.get(f"/admin/{table}/export/{form}/")
        assert page.status_code == 200
        assert page.mimetype.endswith("sheet" if form == "xlsx" else "csv")
        assert complaints(page) == []


def steps_offered(page: str) -> Iterator[str]:
    yield from dict.fromkeys(re.findall(r"/admin/case/step/\?id=\d+&amp;step=\w+", page))


@pytest.mark.parametrize("role", ["office", "leader", "officer"])
def test_a_step_shows_texts_and_tells_what_is_wrong_as_text(spoiled: Stage, role: str) -> None:
    browser = spoiled.browse(role)
    page = browser.get(f"/admin/case/details/?id={spoiled.inside['case']}").text
    offered = [html.unescape(address) for address in steps_offered(page)]
    assert offered
    forms = {address: (told(browser.get(address)), browser.form(address))[1] for address in offered}
    for address, form in forms.items():
        given = {name: MARKUP for name in form if name not in {"csrf_token", "version"}}
        answer = browser.post(address, {**form, **given})
        assert answer.status_code < 500
        assert complaints(answer) == []


def upload(browser: Browser, address: str, *rows: tuple[str, ...]) -> TestResponse:
    """The page after a file was handed in whose name is markup as well."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    data = {"file": (io.BytesIO(out.getvalue().encode("utf-8-sig")), f"{MARKUP}.csv")}
    answer = browser.post(address, data, content_type="multipart/form-data")
    return browser.get(answer.location) if answer.status_code == 302 else answer


def test_an_import_shows_files_as_text_from_its_preview_to_its_undoing(spoiled: Stage) -> None:
    office, address = spoiled.browse("office"), "/admin/community/import/"
    street = spoiled.get("street", spoiled.inside["street"]).name
    told(upload(office, address, (MARKUP, "x"), (MARKUP, "1")))
    told(upload(office, address, ("街道", "社区", MARKUP), (MARKUP, MARKUP, MARKUP)))
    headers = ("街道", "社区", "地址", "户数")
    preview = upload(office, address, headers, (street, MARKUP, MARKUP, "1"), (street, "乙", "", MARKUP))
    assert told(preview) > 3
    failed = re.findall(r'href="(/admin/community/import/failed/[^"]*)"', preview.text)
    assert failed, "the rows that can't be imported are offered as a file"
    assert complaints(office.get(html.unescape(failed[0]))) == []
    told(run(office, upload(office, address, headers, (street, MARKUP, MARKUP, "1"), (street, f"{MARKUP}乙", "", "2"))))
    done = run(office, upload(office, address, headers, (street, MARKUP, f"{MARKUP} 2 号", "1")))
    told(done)
    batch = int(done.request.args["id"])
    told(office.get(f"/admin/importrow/?batch={batch}"))
    assert told(office.get(f"/admin/importbatch/undo/?id={batch}")) > 2, "what changes back"
    assert told(office.get(f"/admin/importbatch/undo/?id={batch - 1}")) > 2, "what was changed since, and what goes"


def run(browser: Browser, preview: TestResponse) -> TestResponse:
    """The page of the batch, after a preview was confirmed."""
    told(preview)
    form = dict(re.findall(r'name="(token|digest)" value="([^"]+)"', preview.text))
    return browser.get(browser.post("/admin/community/import/apply/", form).location)


def test_a_roster_is_compared_as_text(spoiled: Stage) -> None:
    street, community = (spoiled.get(table, spoiled.inside[table]).name for table in ("street", "community"))
    rows = [(street, community, f"{MARKUP}甲", MARKUP, ""), (street, MARKUP, "乙", "", MARKUP)]
    assert (
        told(
            upload(spoiled.browse("office"), "/admin/liaison/compare/", ("街道", "社区", "姓名", "职务", "手机"), *rows)
        )
        > 5
    )


def test_a_step_of_many_cases_is_told_as_text(spoiled: Stage) -> None:
    office = spoiled.browse("office")
    asked = office.post("/admin/case/action/", {"action": "dispatch", "rowid": str(spoiled.inside["case"])})
    told(asked)
    rows = re.findall(r'name="row" value="([\d.]+)"', asked.text)
    given = {"step": "dispatch", "row": rows, "handler": str(spoiled.inside["officer"]), "note": MARKUP}
    assert told(office.post("/admin/case/bulk/", given)) > 1


def test_a_log_in_that_fails_shows_the_name_as_text(spoiled: Stage) -> None:
    page = spoiled.visitor().log_in(MARKUP, MARKUP)
    assert complaints(page) == []
    assert Shown(page.text).texts


def test_every_table_with_texts_has_been_spoiled(spoiled: Stage) -> None:
    with spoiled.session() as session:
        for mapper in Base.registry.mappers:
            model: Any = mapper.class_
            if model.__tablename__ in MODELS:
                for f in (f for f in fields(model) if is_free(f)):
                    # Other names of a community are parted at the semicolon of the markup.
                    text = MARKUP.partition(";")[0] if f.attr == "alias_names" else MARKUP
                    # Not by SQL: some are stored encrypted.
                    values = session.scalars(sa.select(getattr(model, f.attr)))
                    assert any(text in value for value in values if value), f"{model.__tablename__}.{f.name}"
