"""Every file that leaves is in the export log: a row for each download and each page that is made to be printed."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import flask
import sqlalchemy as sa
from werkzeug.routing import Rule

from admin_app import FEATURES
from panel.exports.records import ExportFormat, ExportLog
from panel.security.policy import table_of
from panel.web import downloads
from tests.factories import Stage
from tests.factories.tables import MODELS

LOG = table_of(ExportLog)
#: What lets a file leave, or a page that is made to be printed.
LEAVING = {downloads.send_download, downloads.noting_print, flask.send_file, flask.send_from_directory}
#: What a walk over the district finds at least: files of pages, workbooks of tables, papers to print.
FOUND = {
    *("briefing_file", "briefing_template", "case_file", "duty_rota_file", "figures_file", "hotline_again"),
    *("ledgers_file", "ledgers_kept", "registers_file", "referral.slip_view"),
    *("caseparty.export", "caseparty.template_view"),
}


def addresses(stage: Stage) -> Iterator[tuple[str, str]]:
    """The address of every page, with the records of the district; of what all tables have, that of one table."""
    urls = stage.app.url_map.bind("localhost")
    for rule in stage.app.url_map.iter_rules():
        table, _dot, _name = rule.endpoint.partition(".")
        common = table in MODELS and table not in ("caseparty", "mediation", "referral", "importbatch")
        if "GET" not in (rule.methods or ()) or common or rule.endpoint.startswith(("session.", "static")):
            continue
        given = {argument: _value(stage, rule, argument) for argument in rule.arguments}
        query = f"?id={stage.district.inside.get(table, 1)}" if table in MODELS else ""
        yield rule.endpoint, f"{urls.build(rule.endpoint, given)}{query or '?month=2026-06'}"


def _value(stage: Stage, rule: Rule, argument: str) -> Any:
    if argument == "export_type":
        return "csv"
    return stage.district.inside["case"] if rule.endpoint.startswith("case") else 1


def entries(stage: Stage) -> list[Any]:
    with stage.session() as session:
        return list(session.execute(sa.select(LOG).order_by(LOG.c.id)).all())


def test_every_file_that_leaves_is_in_the_log_once(growing: Stage) -> None:
    left = set()
    office = growing.browse("office")
    office.post("/ledgers/draw-up", {"month": "2026-06"})
    office.post("/ledgers/hand-up", {"month": "2026-05"})
    known = len(entries(growing))
    for endpoint, address in addresses(growing):
        for role in ("office", "administrator"):
            answer = growing.browse(role).client.get(address)
            attached = "attachment" in answer.headers.get("Content-Disposition", "")
            printed = '<section class="paper' in answer.text if answer.mimetype == "text/html" else False
            rows = entries(growing)
            if answer.status_code == 200 and (attached or printed):
                left.add(endpoint)
                assert len(rows) == known + 1, address
                assert rows[-1].file_name, address
            else:
                assert len(rows) == known, address
            known = len(rows)
    assert left >= FOUND


def _sends(function: Any, seen: set[Any]) -> bool:
    """Whether a function leads to one that lets a file leave, by the names in its code and in those that it calls."""
    if function in seen or not isinstance(function, FunctionType):
        return False
    if function in LEAVING:
        return True
    seen.add(function)
    if not function.__module__.startswith(("bureau.", "panel.")) or len(seen) > 2000:
        return False
    codes, names = [function.__code__], set()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    called = [function.__globals__.get(name) for name in sorted(names)]
    of_modules = [getattr(part, name, None) for part in called if isinstance(part, ModuleType) for name in names]
    return any(_sends(other, seen) for other in (*called, *of_modules) if isinstance(other, FunctionType))


def test_every_route_that_sends_a_file_declares_the_rights_that_it_needs() -> None:
    """Or says which ones it asks for itself: so that a second role that merely reads doesn't widen the file."""
    routes = [route for feature in FEATURES for route in feature.site().routes]
    sending = [route for route in routes if _sends(route.function, set())]
    found = {route.endpoint for route in sending}
    assert {"attachment", "case_file", "ledgers_kept", "hotline_answer", "backups_file"} <= found
    assert [route.endpoint for route in sending if not (route.grants or route.asks)] == []
    assert [route.endpoint for route in routes if route.asks and route not in sending] == []


def test_the_format_follows_from_the_name() -> None:
    assert ExportFormat.of_file("a.docx") is ExportFormat.DOCX
    assert ExportFormat.of_file("a.png") is ExportFormat.OTHER
