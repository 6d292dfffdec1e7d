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


_NOTHING = ("无", "暂无", "空", "不适用", "n/a", "n.a.", "none", "null")
_VACANT = ("缺", "暂缺", "空缺", "出缺", "缺员", "缺额", "待定", "未定", "待配", "待补", "待聘", "待配备", "待任命")
_ABOVE = ("〃", "″", '"', '""', "''", "“", "”", "“”", "ditto", "同上", "同前", "如上", "上同")
WORDS: dict[str, Word] = {
    **dict.fromkeys(_NOTHING, Word.NOTHING),
    **dict.fromkeys(_VACANT, Word.VACANT),
    **dict.fromkeys(_ABOVE, Word.ABOVE),
}
#: A cell that holds only dashes, strokes or dots.
_STROKES = re.compile(r"(?:[-‐-―─━−–—/\\]|\s){1,8}|[.…。]{2,8}")
_AROUND = re.compile(r"[(\[【〔]\s*(.*?)\s*[)\]】〕]|(.*?)[。.!]?")
#: Longer texts are no such words.
LONGEST = 8
#: The first characters of the words, to tell at once that a text is none of them.
_FIRST = frozenset("".join(word[0] + word[0].upper() for word in WORDS)) | frozenset(
    "-‐‑‒–—―─━−/\\.…。([【〔（［＂／－＼＇．ＮｎＤｄ"
)


def word_of(text: str) -> Word | None:
    """The meaning of a tidy text that is one of the words, in brackets or not; None for any other text."""
    if not text or text[0] not in _FIRST or len(text) > LONGEST:
        return None
    plain = narrow(text).lower()
    if _STROKES.fullmatch(plain):
        return Word.NOTHING
    match = _AROUND.fullmatch(plain)
    return WORDS.get(plain) or (WORDS.get(match[1] or match[2] or "") if match else None)
