"""English pages carry no Chinese signs: lists, brackets, months and periods are written as the reader's language does.
Papers and the handbook are Chinese for everybody; so is what the office has stored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from bureau.settings import settings
from panel.base import Base
from tests.engine.test_markup import PAGES
from tests.engine.test_words import Shown
from tests.factories import Stage

pytestmark = pytest.mark.framed("/")

ROOT = Path(__file__).resolve().parents[2]
SIGNS = re.compile(r"[、，：（）；。！？]|\d\s?[年月日]")
#: What is written in Chinese whoever reads it, and what is no page.
PAPERS = ("/help/", "/slip/", "paper=", "/duty/rota", "/file", "/template", "/draft/", "/kept/", "/ajax/", "/chart/")
#: Pages of tables: those that say more than others.
TABLES = {
    "office": ("case", "liaison", "community", "officer", "referral", "checklistitem", "importbatch"),
    "administrator": ("user", "userrole"),
    "auditor": ("auditentry", "loginlog", "exportlog"),
}
#: Helps that name a date as people may type it.
TYPED = "2025年7月14日"


def addresses(stage: Stage) -> dict[str, list[str]]:
    """One page of each kind, by who opens it."""
    found: dict[str, list[str]] = {}
    for role, _space, url in (kind[0].partition(" ") for kind in PAGES.values() if kind):
        if role != "nobody" and not any(words in url for words in PAPERS):
            found.setdefault(role, []).append(url.replace("MARKUP", "x"))
    for role, tables in TABLES.items():
        for table in tables:
            found.setdefault(role, []).append(f"/admin/{table}/")
            if table in stage.inside:
                found[role].append(f"/admin/{table}/details/?id={stage.inside[table]}")
    return found


def stored(stage: Stage) -> str:
    """Every text of the database with such a sign, and the texts that settings begin with."""
    texts = [str(declared.default) for declared in settings.DECLARED.values()]
    with stage.session() as session:
        for table in Base.metadata.sorted_tables:
            texts += [str(value) for row in session.execute(sa.select(table)) for value in row]
    return "\n".join(text for text in texts if SIGNS.search(text))


def test_english_pages_have_no_chinese_signs(stage: Stage) -> None:
    said: dict[str, list[str]] = {}
    for role, urls in addresses(stage).items():
        browser = stage.browse(role)
        browser.post("/language", {"locale": "en"})
        for url in urls:
            page = browser.get(url)
            if page.mimetype == "text/html" and page.status_code == 200:
                shown = Shown()
                shown.feed(page.text)
                said[f"{role} {url}"] = [text for text in shown.texts if SIGNS.search(text) and TYPED not in text]
    assert len(said) > 50
    data = stored(stage)
    parts = {address: [part for text in texts for part in text.split(" · ")] for address, texts in said.items()}
    wrong = {address: [part for part in texts if part not in data] for address, texts in parts.items()}
    assert {address: texts for address, texts in wrong.items() if any(map(SIGNS.search, texts))} == {}


def test_pages_join_texts_by_the_reader_s_language() -> None:
    """No page writes a Chinese sign between texts by itself; what writes Chinese papers and files does."""
    wrong = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for folder in ("panel/web", "templates")
        for file in sorted((ROOT / folder).rglob("*.*"))
        if file.suffix in (".py", ".html") and "rota" not in file.name
        for line in file.read_text().splitlines()
        if re.search(r"""["'}][、，：（；]|[、，：）；]["'{]""", line) and "re." not in line
    ]
    assert wrong == []
