"""Chinese numerals of days and times as digits: 二〇二六年五月十二日, 下午两点."""

from __future__ import annotations

import re

_DIGITS = {**dict(zip("〇一二三四五六七八九", range(10), strict=True)), **dict.fromkeys("零○Oo0", 0), "两": 2}
_TENS = {"十": 1, "廿": 2, "卅": 3}
#: A numeral; not that of a weekday (星期一) or of a quarter of an hour (三刻).
_NUMERAL = re.compile(r"(?<![期周拜])[〇零○一二三四五六七八九十廿卅两](?:[〇零○一二三四五六七八九十廿卅两Oo0]*(?!刻))")
_NUMBER = re.compile(r"([一二三四五六七八九]?)([十廿卅])([一二三四五六七八九]?)")


def arabic(text: str) -> str:
    """The text with its Chinese numerals as digits: years digit by digit, other numbers up to 99."""
    return text if text.isascii() else _NUMERAL.sub(_converted, text)


def _converted(match: re.Match[str]) -> str:
    numeral = match[0]
    if number := _NUMBER.fullmatch(numeral):
        tens = _DIGITS[number[1]] if number[1] else _TENS[number[2]]
        return str(10 * tens + (_DIGITS[number[3]] if number[3] else 0))
    return "".join(str(_DIGITS[digit]) if digit in _DIGITS else digit for digit in numeral)
