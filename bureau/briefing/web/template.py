"""The Word template of the month in words: the panel's own, and what may stand in one that the office uploads.

A template knows the words of bureau/briefing/content.py and nothing else: docxtpl fills it in in Jinja's sandbox, which
lets no template reach into the program."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from panel.errors import UserError
from panel.i18n import _

#: The words of a template: simple ones, and lists with the words of their entries.
WORDS = ("单位", "月份", "统计周期", "制表日期")
LISTS: dict[str, tuple[str, ...]] = {
    "数量": ("名称", "件数", "环比", "同比"),
    "指标": ("名称", "本月", "上月", "去年同月", "环比", "同比"),
    "高发事项": ("名称", "件数", "占比"),
    "办理较慢社区": ("名称", "应结", "按期", "按期结案率"),
    "案例": ("标题", "编号", "日期", "社区", "事项", "情况", "处置方式", "结果"),
}
#: Largest template, in bytes, as a file and unpacked.
MAX_SIZE, MAX_UNPACKED = 2_000_000, 20_000_000
HEADING, BODY = "黑体", "仿宋"
#: Width between the margins, in centimetres.
WIDTH = 15.6


def fill(template: bytes, words: dict[str, Any]) -> bytes:
    """The document of a template. Raises UserError for a template that can't be filled in."""
    document = DocxTemplate(BytesIO(template))
    try:
        document.render(words, jinja_env=_environment(), autoescape=True)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise UserError(_("The template can't be filled in: {problem}", problem=_words_of(error))) from None
    target = BytesIO()
    document.save(target)
    return target.getvalue()


def check(file: bytes, sample: dict[str, Any]) -> None:
    """Raise UserError unless the file is a Word template that uses known words alone and can be filled in."""
    if len(file) > MAX_SIZE:
        raise UserError(_("The template is larger than {n} MB.", n=MAX_SIZE // 1_000_000))
    try:
        with zipfile.ZipFile(BytesIO(file)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise UserError(_("The template is larger than {n} MB.", n=MAX_UNPACKED // 1_000_000))
            if "word/document.xml" not in archive.namelist():
                raise UserError(NOT_WORD)
        document = DocxTemplate(BytesIO(file))
        unknown = document.get_undeclared_template_variables(jinja_env=_environment()) - {*WORDS, *LISTS}
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise UserError(NOT_WORD) from None
    except TemplateError as error:
        raise UserError(_("The template can't be filled in: {problem}", problem=_words_of(error))) from None
    if unknown:
        raise UserError(
            _(
                "The template has words that nobody knows: {words}. Known: {known}.",
                words="、".join(sorted(unknown)),
                known="、".join((*WORDS, *LISTS)),
            )
        )
    fill(file, sample)


NOT_WORD = _("This is no Word document (.docx). Save it as .docx and choose it again.")


def sample() -> dict[str, Any]:
    """Words to try a template with."""
    lists = {name: [dict.fromkeys(words, "—")] for name, words in LISTS.items()}
    return {**dict.fromkeys(WORDS, "—"), **lists}


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)


def _words_of(error: Exception) -> str:
    """Jinja's sentence about an error, which names the word or the line."""
    return str(getattr(error, "message", None) or error)[:200]


def own() -> bytes:
    """The panel's own template."""
    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin, section.right_margin, section.top_margin, section.bottom_margin = (
        Cm(2.8),
        Cm(2.6),
        Cm(3.5),
        Cm(3),
    )
    _font(document.styles["Normal"], BODY, 16)
    _line(document, "综合执法与社区服务工作简报", HEADING, 22, centred=True)
    _line(document, "（{{ 月份 }}）", BODY, 16, centred=True)
    _line(document, "{{ 单位 }}　　{{ 制表日期 }}", BODY, 16, centred=True)
    _line(document, "一、总体情况", HEADING, 16)
    _line(
        document,
        "{{ 统计周期 }}，{% for 项 in 数量 %}{{ 项.名称 }}{{ 项.件数 }}件（环比{{ 项.环比 }}，同比{{ 项.同比 }}）"
        "{% if loop.last %}。{% else %}，{% endif %}{% endfor %}",
        indent=True,
    )
    _line(document, "二、主要指标", HEADING, 16)
    _line(document, "环比、同比：比率为百分点之差，其余为数值之差。", size=12, indent=True)
    _table(document, "指标", ("名称", "本月", "上月", "去年同月", "环比", "同比"), first=5)
    _line(document, "三、高发事项", HEADING, 16)
    _table(document, "高发事项", ("名称", "件数", "占比"))
    _line(document, "四、办理较慢的社区", HEADING, 16)
    _line(document, "{%p if 办理较慢社区 %}")
    _table(document, "办理较慢社区", ("名称", "应结", "按期", "按期结案率"))
    _line(document, "{%p else %}")
    _line(document, "各社区均按期办结，或应结案件不足三件。", indent=True)
    _line(document, "{%p endif %}")
    _line(document, "五、典型案例", HEADING, 16)
    _line(document, "{%p for 例 in 案例 %}")
    _line(document, "{{ loop.index }}．{{ 例.标题 }}", HEADING, 16, indent=True)
    _line(
        document,
        "{{ 例.日期 }}，{{ 例.社区 }}反映：{{ 例.情况 }}{% if 例.处置方式 %}（处置方式：{{ 例.处置方式 }}）{% endif %}"
        "办理结果：{{ 例.结果 }}",
        indent=True,
    )
    _line(document, "{%p endfor %}")
    target = BytesIO()
    document.save(target)
    return target.getvalue()


def _font(style: Any, name: str, size: float) -> None:
    style.font.name, style.font.size = name, Pt(size)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _line(
    document: Any, text: str, font: str = BODY, size: float = 16, *, centred: bool = False, indent: bool = False
) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.line_spacing = Pt(28)
    paragraph.paragraph_format.space_after = Pt(0)
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if indent:
        paragraph.paragraph_format.first_line_indent = Pt(2 * size)
    _font(paragraph.add_run(text), font, size)


def _table(document: Any, name: str, words: tuple[str, ...], *, first: float = 6) -> None:
    """A table with a row for each entry of a list: docxtpl repeats the row between the two marks. `first` is the width
    of the first column in centimetres."""
    table = document.add_table(rows=4, cols=len(words), style="Table Grid")
    table.autofit = False
    rest = (WIDTH - first) / (len(words) - 1)
    for column, width in zip(table.columns, (first, *[rest] * (len(words) - 1)), strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    table.alignment = 1
    for cell, word in zip(table.rows[0].cells, words, strict=True):
        _cell(cell, word, HEADING)
    _cell(table.rows[1].cells[0], f"{{%tr for 行 in {name} %}}", BODY)
    for cell, word in zip(table.rows[2].cells, words, strict=True):
        _cell(cell, f"{{{{ 行.{word} }}}}", BODY)
    _cell(table.rows[3].cells[0], "{%tr endfor %}", BODY)


def _cell(cell: Any, text: str, font: str) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _font(paragraph.add_run(text), font, 10.5)
