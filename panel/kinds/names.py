"""Kinds of names of people: what stands around a name, and which cells hold two names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from panel.i18n import _, listed
from panel.kinds.base import Invalid, Reading, narrow, tidy
from panel.kinds.cell_words import word_of
from panel.kinds.words import Text

_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
_CHINESE = re.compile(f"[{_HAN}]")
#: Dots between the parts of a name, which stand for one: 阿依·古丽. A full stop is one only between Chinese characters.
OTHER_DOTS = "•・‧∙⋅･"
_DOTS = re.compile(rf"\s*[·{OTHER_DOTS}]\s*|(?<=[{_HAN}])\.(?=[{_HAN}])")
_GAP = re.compile(rf"(?<=[{_HAN}·]) (?=[{_HAN}·])")
_BRACKETED = re.compile(r"\s*[(\[【〔][^)\]】〕]*(?:[)\]】〕]\s*|$)")
#: Posts and forms of address behind a name, with what is put before them (副主任, 社区书记, 兼主任).
_TITLE = (
    r"(?:(?:社区|居委会|党委|党总支|党支部|总支|支部|常务|执行|专职|兼职|代理|村|副|兼)*"
    r"(?:主任|书记|支书|委员|主席|站长|队长|中队长|所长|科长|局长|组长|片长|楼长|网格员|网格长|联络员|协管员|社工|专干|干事|文书|助理"
    r"|经理|负责人|老师|先生|女士|同志)|兼职|专职|兼)"
)
#: The last characters of _TITLE.
_LAST = frozenset("任记书员委席长格络社工干事理人师生士志职兼")
_WRAPPED = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]+)[)\]】〕]")
_SIGN = r"[/、,;:|\s-]"
_BEHIND = re.compile(rf"(?P<name>.*?)(?:{_SIGN}*{_TITLE}|{_SIGN}+(?:男|女|代|正|副)性?)")
_ALONE = frozenset({"男", "女", "男性", "女性", "代", "正", "副"})
#: A post in front of a name: 主任张三, 社区书记：李四.
_BEFORE = re.compile(
    rf"(?:社区|党委|党总支|支部|副)*(?:主任|书记|委员|站长|网格员|网格长|联络员){_SIGN}*(?P<name>[{_HAN}·]{{2,}})"
)
_BETWEEN = re.compile(r"\s*[/、,;|&+]\s*")
_TOGETHER = re.compile(rf"([{_HAN}]{{2,3}})[和与及跟]([{_HAN}]{{2,3}})")
#: Signs that are part of no name.
_SIGNS = re.compile(r"[→⇒↔>=<~*#%@&?!√✓×☆★○●□■△▲①-⑳]")
#: Surnames of two characters, which people write apart from the given name: 欧阳 娜娜.
_LONG_SURNAME = re.compile(
    "欧阳|司马|上官|诸葛|东方|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|端木|轩辕|南宫|独孤|司空|澹台|公冶|宗政|濮阳"
    "|淳于|单于|太叔|申屠|钟离|闻人|鲜于|闾丘|亓官|呼延|百里|东郭|南门|西门|拓跋|赫连|纳兰|万俟|完颜|第五"
)


def one_dot(text: str) -> str:
    """A name with each of the dots that people write in names as the same one."""
    return _DOTS.sub("·", text) if not text.isalnum() else text


#: Stands for a name that was removed when its time was over.
ERASED = "已匿名"


@dataclass(frozen=True, slots=True)
class PersonName(Text):
    """A name as somebody is called: of a person (also 王先生), of several, of a shop. White space inside a Chinese name
    (张  三) is removed. With `alone`, two names and digits are refused. Masked as 张*."""

    length: int = 40
    alone: bool = False
    person: ClassVar[bool] = True

    def parse(self, raw: object) -> str | None:
        text = Text.parse(self, one_dot(narrow(tidy(raw))))
        if text and self.alone:
            _names_in(text)
        return _GAP.sub("", text) if text else None

    def mask(self, value: Any) -> str:
        return value if value == ERASED else f"{value[0]}*" if value else ""


@dataclass(frozen=True, slots=True)
class FullName(PersonName):
    """The full name of one person. A title or bracket behind it is dropped (张三（主任）, 李四 兼); two names,
    digits and other signs are refused."""

    remarks: ClassVar[bool] = True

    def parse(self, raw: object) -> str | None:
        return self.read(raw).value  # type: ignore[no-any-return]

    def read(self, raw: object) -> Reading:
        text = one_dot(narrow(tidy(raw)))
        if wrapped := _WRAPPED.fullmatch(text):
            text = wrapped[1]
        if not text or _is_plain(text):
            return Reading(Text.parse(self, text))
        if word_of(text) is not None:
            raise Invalid(_("“{value}” is nobody's name.", value=text))
        names = _names_in(text)
        if not _CHINESE.search(text):
            return Reading(Text.parse(self, text))
        surname = names and (len(names[0]) < 2 or _LONG_SURNAME.fullmatch(names[0]))
        if not names or _SIGNS.search(names[0]) or (surname and len(names[0]) < len(_GAP.sub("", text))):
            raise Invalid(_("“{value}” is no full name.", value=text))
        name = Text.parse(self, names[0])
        dropped = name is not None and name != _GAP.sub("", text)
        return Reading(name, _("“{value}” is read as {result}.", value=text, result=name) if dropped else None)


def _is_plain(text: str) -> bool:
    """Whether a text is a name and nothing else at first sight, as nearly every one is."""
    titled = (text[-1] in _LAST and _BEHIND.fullmatch(text)) or (len(text) > 3 and _BEFORE.fullmatch(text))
    return text.isalpha() and not titled and not _TOGETHER.fullmatch(text) and word_of(text) is None


def _names_in(text: str) -> list[str]:
    """The name in a cell, without what stands behind it; none where only a title stands there. Raises Invalid for two
    names and for digits."""
    if re.search(r"\d", text):
        raise Invalid(_("A name has no digits. Keep the name alone; a telephone has its own column."))
    names: list[str] = []
    for part in _BETWEEN.split(_BRACKETED.sub("/", text).strip()):
        if name := _without_title(part):
            names += _apart(name)
    names = list(dict.fromkeys(names))
    if len(names) > 1 and _CHINESE.search(text):
        raise Invalid(_("Two names in one cell: {names}. Give each person a row.", names=listed(names)))
    return names


def _without_title(text: str) -> str:
    """A name without the titles in front and behind; "" for a title alone."""
    text = "" if text.strip() in _ALONE else text.strip()
    if (match := _BEFORE.fullmatch(text)) and not re.fullmatch(_TITLE, match["name"]):
        text = match["name"]
    while text and (match := _BEHIND.fullmatch(text)):
        text = match["name"].strip()
    return text


def _apart(text: str) -> list[str]:
    """Names that stand beside each other: two of two or three Chinese characters each, with a space or 和 between."""
    if match := _TOGETHER.fullmatch(text):
        return [match[1], match[2]]
    words = text.split(" ")
    han = [word for word in words if re.fullmatch(f"[{_HAN}]{{2,4}}", word)]
    if len(han) == len(words) > 1 and not _LONG_SURNAME.fullmatch(words[0]):
        return words
    return [_GAP.sub("", text)]


def key_of(text: object) -> str:
    """The form of a name for comparison: narrow, in lower case, with one kind of dot, without white space. A text that
    is in this form already is returned itself, so that it takes no second copy in memory."""
    plain = one_dot(narrow(tidy(text)))
    low = plain.lower()
    parts = (plain if low == plain else low).split()
    return parts[0] if len(parts) == 1 else "".join(parts)
