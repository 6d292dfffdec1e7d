"""Every sentence for people exists in Simplified Chinese; `forgotten` finds one that a page shows in English."""

from __future__ import annotations

import ast
import re
import string
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from panel.i18n import CATALOGUES
from panel.imports.layout.vocabulary import known_labels
from panel.security.policy import model_of
from tests.factories import MODELS, Stage

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = {"_": None, "n_": (1, 2)}
#: Latin words that stand on Chinese pages as they are: names of programs, standards, kinds of file, a language.
LATIN = {
    "English",
    "Excel",
    "GB",
    "IP",
    "JPEG",
    "JavaScript",
    "MB",
    "JXNH",
    "NH",
    "PDF",
    "PNG",
    "TJ",
    "WPS",
    "Word",
    "ZIP",
    "WebP",
    "csv",
    "dB",
    "docx",
    "ods",
    "xls",
    "xlsm",
    "xlsx",
}


@cache
def extracted() -> frozenset[str | tuple[str, str]]:
    """What `make messages` finds."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, KEYWORDS, directory_filter=lambda path: "/." not in str(path))
    return frozenset(m if isinstance(m, str) else (m[0], m[1]) for _file, _line, m, _comments, _context in found)


@cache
def catalogue() -> Catalog:
    with (CATALOGUES / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale="zh_Hans_CN", abort_invalid=True)


def values_of(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


def entry_ids(entry: Message) -> tuple[str, ...]:
    return (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)


def entry_texts(entry: Message) -> tuple[str, ...]:
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)


def test_every_sentence_has_a_translation() -> None:
    words = catalogue()
    left = []
    for msgid in extracted():
        entry = words.get(msgid if isinstance(msgid, str) else msgid[0])
        if entry is None or entry.fuzzy or not all(entry_texts(entry)):
            left.append(msgid)
    assert not left, "make messages, then translate these"


def test_nothing_is_translated_that_nobody_says() -> None:
    said = {msgid if isinstance(msgid, str) else msgid[0] for msgid in extracted()}
    known = {entry_ids(entry)[0] for entry in catalogue() if entry.id}
    assert known - said == set()


def test_a_translation_names_the_same_values() -> None:
    wrong = []
    for entry in catalogue():
        named = values_of(entry_ids(entry)[-1])
        if any(text and values_of(text) != named for text in entry_texts(entry)):
            wrong.append(entry.id)
    assert not wrong


def test_a_number_has_no_format_of_its_own() -> None:
    """{n} is a count and is grouped when it is shown, 2,317."""
    texts = [text for entry in catalogue() for text in (*entry_ids(entry), *entry_texts(entry))]
    assert not [text for text in texts if "{n:" in text]


def test_every_marked_sentence_is_extracted() -> None:
    """The extractor doesn't see a sentence that stands inside an f-string, and nobody sees one made at run time."""
    single = {msgid if isinstance(msgid, str) else msgid[0] for msgid in extracted()}
    wrong = []
    for folder in ("panel", "bureau", "seed", "."):
        for file in (ROOT / folder).glob("*.py" if folder == "." else "**/*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
                    first = node.args[0]
                    if not isinstance(first, ast.Constant) or first.value not in single:
                        wrong.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert not wrong


#: One thing has one word: what is said instead of each.
OTHER_WORDS = {
    "超期": "逾期",
    "超时": "逾期",
    "反映人": "投诉人",
    "诉求人": "投诉人",
    "派给你": "派给您",
    "打开列表": "查看全部（n）",
    "上交去向": "反映渠道",
    "登记簿册": "登记台账",
    "案件明细": "案件办理记录",
    "先办这些": "优先办理",
    "列对应": "字段对应",
    "按描述可能是": "系统推荐事项",
    "此件未办": "该件未办理",
    "办成": "成功、未办理",
    "现已存为": "当前系统值",
    "账号角色": "角色授权",
    "锁定至": "锁定截止时间",
    "离任时间": "离任日期",
    "文件指纹": "文件校验值",
    "未授权的一律拒绝": "未列出的操作均无权限",
    "收到什么样就传什么样": "无需整理，原表上传即可",
    "选定事项时确定的内容": "受理事项信息（受理时版本）",
    "此步备注": "说明内容",
    "是不是下面这些": "是否属于以下事项",
}


def test_one_thing_has_one_word() -> None:
    """On every page and in the manual. The other words stay understood in workbooks."""
    said = [text for entry in catalogue() if entry.id for text in entry_texts(entry)]
    said += [(ROOT / name).read_text() for name in ("README.zh-CN.md", "docs/handbook.zh-CN.md")]
    assert [(word, text[:40]) for word in OTHER_WORDS for text in said if word in text] == []


def test_the_handbook_names_buttons_as_pages_do() -> None:
    """What it says to click is on a page: 点“导入 n 行”."""
    said = {entry_texts(entry)[0].replace("{n}", "n").strip("…") for entry in catalogue() if entry.id}
    text = (ROOT / "docs" / "handbook.zh-CN.md").read_text()
    named = {words.strip("*…") for words in re.findall(r"点“([^”]+)”", text)}
    assert len(named) > 30
    assert named - said == set()


#: What the office writes above its columns, and what it means; the label comes first, then other ways to say it.
HEADERS = {
    "street": {"name": "名称 街道 街道名称", "code": "编码 代码"},
    "squad": {"name": "名称 分队 分队名称", "is_pilot": "试点"},
    "department": {
        "name": "名称 部门 部门名称",
        "contact": "联系人",
        "phone": "电话 联系电话",
        "sign_limit": "签收时限",
        "reply_limit": "反馈时限",
    },
    "community": {
        "name": "名称 社区 社区名称",
        "street": "街道 所属街道",
        "squad": "分队 所属分队",
        "households": "户数",
        "address": "地址",
        "dog_key_zone": "养犬重点管理区",
        "noise_zone": "声功能区",
        "alias_names": "别名",
        "status": "状态",
    },
    "liaison": {
        "name": "姓名 联络员 联络员姓名",
        "gender": "性别",
        "community": "社区 社区名称 所属社区",
        "post": "职务",
        "mobile": "手机 手机号 手机号码 联系电话 移动电话",
        "telephone": "办公电话 固定电话",
        "start_on": "任职日期 起始时间 任职时间 开始日期",
        "end_on": "离任日期 离任时间",
        "note": "备注",
    },
    "officer": {
        "name": "姓名 队员 队员姓名",
        "squad": "分队 所属分队",
        "badge_no": "执法证号 证号 执法证编号",
        "badge_until": "证件有效期",
        "kind": "类别",
        "mobile": "手机",
    },
    "checklistitem": {
        "code": "编码 事项编码",
        "name": "名称 事项 事项名称",
        "list_kind": "清单 清单类别",
        "category": "类别",
        "legal_basis": "法律依据",
        "department": "牵头部门",
        "limit_value": "时限",
        "needs_measurement": "需检测",
        "mediable": "可调解",
        "valid_from": "生效日期 生效",
        "valid_until": "失效日期 失效",
    },
    "case": {
        "case_no": "案件编号",
        "source": "来源",
        "reported_at": "上报时间 发生时间",
        "accepted_at": "受理时间",
        "community": "社区",
        "place": "地点",
        "item": "清单事项 事项 事项名称",
        "title": "标题",
        "description": "描述 问题描述",
        "urgency": "紧急程度",
        "liaison": "社区联络员 联络员",
        "lead_officer": "主办队员 主办",
        "handler": "承办人 承办",
        "due_at": "到期时间 到期",
        "outcome": "处置方式",
        "result": "结果 处理结果",
        "quantity": "成果数量",
        "master": "主案",
        "hotline_no": "12345工单号 工单号",
    },
    "referral": {
        "document_no": "文书号",
        "case": "案件编号",
        "department": "协同部门 部门",
        "kind": "类型",
        "sent_at": "发出时间 发出",
        "signed_at": "签收时间 签收",
        "reply_due_at": "应反馈时间 应反馈",
        "replied_at": "反馈时间 反馈",
        "return_reason": "退回原因",
        "reply": "反馈内容",
        "joint_on": "联合行动日期",
    },
}


@pytest.mark.parametrize("table", HEADERS)
def test_headers_as_the_office_writes_them_are_understood(table: str, growing: Stage) -> None:
    known = known_labels(model_of(table), growing.panel.registry.rules_of(model_of(table)))
    meant = {header: name for name, headers in HEADERS[table].items() for header in headers.split()}
    assert {header: known.meaning(header) for header in meant} == meant


@cache
def untranslated() -> frozenset[str]:
    """The English sentences whose Chinese is another text: no Chinese page shows one of them."""
    return frozenset(text for entry in catalogue() for text in entry_ids(entry) if text not in entry_texts(entry))


def forgotten(page: str, names: set[str]) -> list[str]:
    """Texts of a page that are English, but for `names` and what stands on Chinese pages as it is."""
    shown = Shown()
    shown.feed(page)
    return [
        text[:80]
        for text in shown.texts
        if text in untranslated() or set(re.findall(r"(?<![-\w])[A-Za-z]{2,}\b", text)) - LATIN - names
    ]


class Shown(HTMLParser):
    """Every text that a page shows or reads out."""

    ATTRIBUTES = {"title", "placeholder", "aria-label", "alt"}

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        for name, value in attrs:
            if value and (name in self.ATTRIBUTES or name.startswith(("data-words", "data-confirm"))):
                self.texts.append(value.strip())

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.texts.append(data.strip())


def test_pages_speak_english_to_those_who_want_it(stage: Stage) -> None:
    browser = stage.browse("office")
    browser.post("/language", {"locale": "en"})
    shown = Shown()
    shown.feed(browser.get(f"/admin/{MODELS['case'].__tablename__}/").text)
    assert "Cases" in shown.texts
    assert "案件" not in shown.texts
