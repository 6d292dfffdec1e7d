"""Words that people write in a cell in place of a value: that there is none, nobody, or the same as above.

Kinds declare how they stand to them: `any_text` and `person` of panel.kinds.base.Kind."""

from __future__ import annotations

import re
from enum import Enum

from panel.kinds.base import narrow


class Word(Enum):
    """What a word in a cell stands for."""

    #: There is no value.
    NOTHING = "nothing"
    #: There is nobody yet: the post is vacant. Other kinds than those of people read it as a text.
    VACANT = "vacant"
    #: The value of the cell above.
    ABOVE = "above"


_NOTHING = frozenset({"无", "暂无", "空", "不适用", "n/a", "n.a.", "none", "null"})
_ABOVE = frozenset({"〃", "〞", "″", '"', '""', "''", "“", "”", "“”", "ditto"})
_AS_ABOVE = re.compile("[同如][上前][一]?[行条例栏项户]?|上同")
_NOBODY = re.compile(
    "(?:暂时?|尚|目前|现|岗位|人员|职位)?(?:空缺|空岗|缺岗|缺员|缺额|缺编|出缺|缺位|缺人|缺|空编|无人选?|"
    "(?:未|待)(?:定|配|补|聘|选|任命|任|配备|配齐|确定|明确|落实|安排|补充|补选|选举|招聘|招录|招))|(?:暂|尚)空"
)
#: A cell that holds only dashes, strokes or dots.
_STROKES = re.compile(r"(?:[-‐-―─━−–—/\\]|\s){1,8}|[.…。]{2,8}")
_WRAPPED = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]")
#: What may follow a word: a stop, or a remark in brackets, as in 暂缺（待选举）.
_BEHIND = re.compile(r"(?:[。.,;!]|[(\[【〔][^()\[\]【】〔〕]*[)\]】〕])$")
#: Longer texts are no such words.
LONGEST = 14
#: The first characters of the words, to tell at once that a text is none of them.
_FIRST = frozenset("无暂空不nN〃〞″\"'“”dD同如上尚目现岗人职缺出未待-‐‑‒–—―─━−/\\.…。([【〔（［＂／－＼＇．ＮｎＤｄ")


def word_of(text: str) -> Word | None:
    """The meaning of a tidy text that is one of the words, in brackets or not; None for any other text."""
    if not text or text[0] not in _FIRST or len(text) > LONGEST:
        return None
    plain = narrow(text).lower()
    if _STROKES.fullmatch(plain):
        return Word.NOTHING
    plain = plain.replace(" ", "")
    if wrapped := _WRAPPED.fullmatch(plain):
        plain = wrapped[1]
    return _meaning(plain) or _meaning(_BEHIND.sub("", plain))


def _meaning(plain: str) -> Word | None:
    if plain in _NOTHING:
        return Word.NOTHING
    if plain in _ABOVE or _AS_ABOVE.fullmatch(plain):
        return Word.ABOVE
    return Word.VACANT if _NOBODY.fullmatch(plain) else None
