"""Tables out: what is filtered, inside one's area, masked as on screen, typed; what goes out comes back unchanged."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

import models
from admin_app import FEATURES
from bureau.upkeep.imports import keep_days
from panel.base import name_in_files
from panel.exports import workbooks
from panel.exports.workbooks import template_columns
from panel.fields import Field, fields
from panel.i18n import DEFAULT_LOCALE, using_locale
from panel.imports.plans import Plan
from panel.imports.rules import importable
from panel.kinds import Amount, Choice, Day, Flag, Mobile, Moment, Telephone, Whole, today
from panel.security.policy import Permission
from panel.web import features
from panel.web.downloads import ascii_name
from tests.factories import MODELS, Stage, clock, demanded, granted
from tests.steps import new_case
from tests.workbooks import Office, cells, counts, errors, opened, saved, table

REGISTRY = features.registry(FEATURES, keep_days)
IMPORTABLE = [
    name for name, model in MODELS.items() if importable(model) and granted("office", Permission.IMPORT, name)
]
DIRTY = '=HYPERLINK("http://example.com","x")'


def exported(office: Office, name: str) -> bytes:
    target = BytesIO()
    with office.session() as session:
        workbooks.export(session, MODELS[name], [], target)
    return target.getvalue()


def template(stage: Stage, name: str) -> bytes:
    target = BytesIO()
    with stage.session() as session:
        workbooks.template(session, MODELS[name], target, REGISTRY)
    return target.getvalue()


@pytest.fixture(scope="module")
def templates(standing: Stage) -> dict[str, bytes]:
    """Of every table that has one."""
    with clock(), using_locale(DEFAULT_LOCALE):
        return {name: template(standing, name) for name in IMPORTABLE}


@pytest.fixture(scope="module")
def peopled(growing: Stage) -> Stage:
    """Every table with several records, odd ones among them."""
    with clock():
        people(growing)
    return growing


def people(stage: Stage) -> None:
    for name in IMPORTABLE:
        for _number in range(3):
            stage.add(name)
    stage.add("community", name="百花社区", street_id=stage.outside["street"], alias_names="百花、老百花")
    stage.add("community", name="百花社区", street_id=stage.inside["street"])
    stage.add("officer", name="沈建平", badge_no="B7", squad_id=stage.inside["squad"])
    stage.add(
        "liaison", name="胡秀珍", note=f"{DIRTY}\n第二行 _x0041_", start_on=date(2021, 1, 1), end_on=date(2021, 2, 1)
    )
    stage.add("liaison", name="胡秀珍", community_id=stage.outside["community"])
    stage.add("checklistitem", code="ZF03", name="饲养家禽", version_no=2)
    stage.add("department", name=DIRTY)
    stage.add("case", description=f"{DIRTY}；#N/A", place="+1-1", hotline_no="0012345")
    stage.add("action", note="-1+1", kind=models.ActionKind.PERSUASION)


#: On PostgreSQL some tables try every kind of column.
ROUND_TRIPS = [
    pytest.param(
        name,
        person,
        id=f"{name}-{person or 'system'}",
        marks=[pytest.mark.database] if name in ("case", "community", "liaison", "referral") else [],
    )
    for name in IMPORTABLE
    for person in ("", "office")
]


@pytest.mark.parametrize(("name", "person"), ROUND_TRIPS)
def test_what_goes_out_comes_back_unchanged(peopled: Stage, name: str, person: str) -> None:
    office = Office(peopled, person)
    made = office.plan(name, exported(office, name))
    assert not errors(made)
    assert counts(made) == {"unchanged": peopled.count(name)}
    assert (made.questions, made.left_out) == ([], [])
    assert not any(row.changes for row in made.rows)


@pytest.mark.database
@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_table_can_be_exported(standing: Stage, name: str) -> None:
    header, *rows = cells(exported(Office(standing), name))
    assert len(rows) == standing.count(name)
    assert all(isinstance(label, str) for label in header)


@pytest.mark.database
def test_numbers_and_days_are_numbers_and_days(peopled: Stage) -> None:
    with peopled.session() as session:
        community = session.get_one(models.Community, peopled.inside["community"])
        community.households, community.noise_zone = 1386, 2
    book = opened(exported(Office(peopled, "office"), "community")).worksheets[0]
    labels = {cell.value: cell.column_letter for cell in book[1]}
    row = next(cell.row for cell in book[labels["名称"]] if cell.value == "东栅社区")
    assert book[f"{labels['户数']}{row}"].value == 1386
    assert book[f"{labels['户数']}{row}"].data_type == "n"
    case = opened(exported(Office(peopled, "office"), "case")).worksheets[0]
    labels = {cell.value: cell.column_letter for cell in case[1]}
    reported = case[f"{labels['上报时间']}2"]
    assert isinstance(reported.value, datetime)
    assert reported.number_format == "yyyy-mm-dd hh:mm"
    assert reported.value.date() == today()
    liaison = opened(exported(Office(peopled, "office"), "liaison")).worksheets[0]
    letter = next(cell.column_letter for cell in liaison[1] if cell.value == "任职日期")
    started = next(cell for cell in liaison[letter] if cell.value and cell.row > 1)
    assert isinstance(started.value, datetime)
    assert started.number_format == "yyyy-mm-dd"


def test_text_stays_text_and_no_formula_is_alive(peopled: Stage) -> None:
    for name in ("liaison", "department", "case", "action"):
        sheet = opened(exported(Office(peopled, "office"), name)).worksheets[0]
        found = [cell for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in found if cell.data_type in ("f", "e")]
    departments = opened(exported(Office(peopled, "office"), "department")).worksheets[0]
    assert DIRTY in [cell.value for cell in departments["A"]]
    raw = load_workbook(BytesIO(exported(Office(peopled, "office"), "case")), data_only=False).worksheets[0]
    assert "0012345" in [cell.value for row in raw.iter_rows() for cell in row]


def test_personal_data_of_private_people_is_masked(peopled: Stage) -> None:
    rows = cells(exported(Office(peopled, "office"), "caseparty"))
    assert "张*" in {row[4] for row in rows}
    assert all("****" in row[5] for row in rows[1:])


def test_one_exports_ones_own_area_alone(stage: Stage) -> None:
    names = {row[0] for row in cells(exported(Office(stage, "leader"), "community"))[1:]}
    assert names == {"东栅社区"}
    with stage.session() as session:
        session.get_one(models.Case, stage.inside["case"]).lead_officer_id = stage.outside["officer"]
    rows = cells(exported(Office(stage, "leader"), "case"))
    assert [row[rows[0].index("主办队员")] for row in rows[1:]] == ["不可见"]


# As a person gets it: from the list, with its filters, search and order.


def listed(stage: Stage, person: str, name: str, query: str = "") -> list[list[Any]]:
    answer = stage.browse(person).get(f"/admin/{name}/export/xlsx/{query}")
    assert answer.status_code == 200
    return cells(answer.data)


@pytest.mark.database
def test_the_filters_search_and_order_of_the_list_hold(peopled: Stage) -> None:
    everything = listed(peopled, "office", "liaison")
    assert len(everything) - 1 == peopled.count("liaison")
    found = listed(peopled, "office", "liaison", "?q=胡秀珍")
    assert {row[0] for row in found[1:]} == {"胡秀珍"}
    inside = peopled.inside["community"]
    filtered = listed(peopled, "office", "liaison", f"?community={inside}&end_on.empty=1")
    assert [row[0] for row in filtered[1:]] == ["胡秀珍"]
    overdue = listed(peopled, "office", "case", "?is=open&sort=reported_at")
    times = [row[overdue[0].index("上报时间")] for row in overdue[1:]]
    assert times == sorted(times)
    backwards = listed(peopled, "office", "case", "?is=open&sort=-reported_at")
    assert [row[0] for row in backwards[1:]] == [row[0] for row in overdue[1:]][::-1]
    assert len(listed(peopled, "office", "case", "?is=overdue")) == 1
    assert len(listed(peopled, "office", "case", "?reported_at=nonsense")) == 1


def test_masks_hold_for_whoever_sees_them_on_screen(stage: Stage) -> None:
    assert {row[5] for row in listed(stage, "leader", "liaison")[1:]} == {"13800001111"}
    assert stage.browse("viewer").get("/admin/liaison/export/xlsx/").status_code == 403
    assert stage.browse("office").get("/admin/liaison/export/pdf/").status_code == 404


def test_a_download_has_a_chinese_name_and_one_in_ascii(standing: Stage) -> None:
    named = standing.browse("office").get("/admin/liaison/export/xlsx/").headers["Content-Disposition"]
    assert named.startswith("attachment; filename=shequlianluoyuan")
    assert "filename*=UTF-8''%E7%A4%BE%E5%8C%BA" in named


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("长安街道 台账（6月）.xlsx", "zhanganjiedao-taizhang-6yue.xlsx"),
        ('a"\r\n;b.csv', "a-b.csv"),
        ("？.xlsx", "file.xlsx"),
    ],
)
def test_the_name_in_ascii_holds_nothing_that_a_header_means(name: str, plain: str) -> None:
    assert ascii_name(name) == plain


# Templates.


@pytest.mark.parametrize("name", IMPORTABLE)
def test_a_template_has_every_label_with_help_and_marks_what_is_required(
    templates: dict[str, bytes], name: str
) -> None:
    sheet = opened(templates[name]).worksheets[0]
    rules = REGISTRY.rules_of(MODELS[name])
    columns = template_columns(MODELS[name], rules)
    required = {f.name for f in rules.required()}
    for cell, column in zip(sheet[1], columns, strict=True):
        f = column.above or column.field
        marked = column.above is None and f is not None and f.name in required
        assert cell.value == f"{column.label}{'*' if marked else ''}"
        help = str(f.help) if f is not None and f.help else None
        assert (cell.comment.text if cell.comment else None) == help
    typed = {f.name for f in fields(MODELS[name]) if not f.readonly and f.kind.control != "data"}
    assert {c.field.name for c in columns if c.field} >= typed


def test_drop_downs_offer_choices_and_references(templates: dict[str, bytes]) -> None:
    book = opened(templates["liaison"])
    sheet = book.worksheets[0]
    labels = {cell.value: cell.column_letter for cell in sheet[1]}
    offered = {}
    for validation in sheet.data_validations.dataValidation:
        title, span = validation.formula1.replace("$", "").replace("'", "").split("!")
        values = [cell.value for row in book[title][span] for cell in row]
        offered[str(validation.sqref).split(":")[0].rstrip("0123456789")] = values
    assert offered[labels["性别"]] == ["男", "女"]
    assert {"东栅社区", "西马桥社区"} <= set(offered[labels["社区*"]])
    assert {"城东街道", "城西街道"} <= set(offered[labels["街道"]])
    assert labels["账号"] not in offered
    assert book["_"].sheet_state == "veryHidden"


def test_phone_like_columns_are_text(templates: dict[str, bytes]) -> None:
    for name in ("liaison", "officer", "caseparty", "department"):
        sheet = opened(templates[name]).worksheets[0]
        for cell, column in zip(sheet[1], template_columns(MODELS[name], REGISTRY.rules_of(MODELS[name])), strict=True):
            if column.field and isinstance(column.field.kind, Mobile | Telephone):
                assert sheet.column_dimensions[cell.column_letter].number_format == "@"
                assert sheet.cell(200, cell.column).number_format == "@"


@pytest.mark.parametrize("name", IMPORTABLE)
def test_the_example_row_is_not_imported(standing: Stage, templates: dict[str, bytes], name: str) -> None:
    data = templates[name]
    assert cells(data)[1][0].startswith("示例：")
    filled = fill(standing, name, data, rows=1)
    assert [row.number for row in Office(standing).plan(name, filled).rows] == [3]


@pytest.mark.parametrize("name", IMPORTABLE)
def test_a_filled_template_comes_back_without_a_failure(stage: Stage, templates: dict[str, bytes], name: str) -> None:
    filled = fill(stage, name, templates[name], rows=3)
    first: Plan = Office(stage).run(name, filled)
    assert not errors(first)
    assert counts(first) == {"new": 3}
    assert counts(Office(stage).run(name, filled)) == {"unchanged": 3}


def fill(stage: Stage, name: str, data: bytes, rows: int) -> bytes:
    """A template filled in as far as it may be, below the example."""
    book = opened(data)
    sheet = book.worksheets[0]
    columns = template_columns(MODELS[name], REGISTRY.rules_of(MODELS[name]))
    for number in range(rows):
        given = demanded(name, stage.inside)
        for index, column in enumerate(columns, start=1):
            if column.field is not None and not column.field.readonly:
                value = typed(stage, name, column.field, column.above, given, number)
                sheet.cell(3 + number, index, value)
    return saved(book)


def typed(stage: Stage, name: str, f: Field, above: Field | None, given: dict[str, Any], number: int) -> Any:
    """What one types into a cell."""
    only = {
        "case": ("community", "place", "description", "reported_at"),
        "referral": ("case", "department"),
        "hotlineorder": ("order_no", "content", "community", "sent_at"),
        "feedback": ("case", "target", "channel", "content"),
    }
    if above is not None:
        return "城东街道"
    if name == "referral" and f.name == "case":
        return stage.get("case", new_case(stage, models.CaseStatus.HANDLING, "officer")).case_no
    if name in only and f.name not in only[name]:
        return None
    if f.reference and f.reference.table in ("user", "officer") and f.attr not in given:
        return None
    if f.reference:
        record = stage.get(f.reference.table, given.get(f.attr) or stage.inside[f.reference.table])
        return getattr(record, "case_no", None) or name_in_files(record)
    if f.attr in given:
        value = given[f.attr]
        return (
            f.kind.format(value)
            if isinstance(f.kind, Choice | Flag)
            else value.replace(tzinfo=None)
            if isinstance(f.kind, Moment)
            else value
        )
    samples: dict[type, Any] = {
        Mobile: f"1391111{number:04}",
        Telephone: "0573-82712611",
        Day: today() if name == "surveyentry" else date(2100, 2, 1),  # it was seen, and not in the future
        Moment: f"2026-07-0{number + 1} 09:30",
        Whole: getattr(f.kind, "low", 0) + number,
    }
    if isinstance(f.kind, Choice):
        return str(next(iter(f.kind.choices)).label)
    if isinstance(f.kind, Flag):
        return "否"
    if isinstance(f.kind, Amount):
        return None
    return samples.get(type(f.kind), None if f.kind.control == "data" else f"填{number}")


def test_a_template_is_for_those_who_may_import(stage: Stage) -> None:
    assert stage.browse("office").get("/admin/liaison/template/").status_code == 200
    assert stage.browse("leader").get("/admin/liaison/template/").status_code == 403
    assert table(("社区",)) != stage.browse("office").get("/admin/liaison/template/").data
