"""Kinds of numbers and flags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from sqlalchemy import Boolean, Integer, Numeric
from sqlalchemy.types import TypeEngine

from panel.i18n import _
from panel.kinds.base import Invalid, Kind, Reading, narrow, tidy
from panel.kinds.numerals import arabic

#: Currency signs around an amount.
_CURRENCY = re.compile(r"^[¥￥]\s*|\s*元$")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")


def _ungrouped(text: str) -> str:
    """Remove thousands separators. Raises Invalid for any other comma, which may be a decimal one (1,99 isn't 199)."""
    if re.fullmatch(r"[+-]?[0-9.,]*,[0-9.,]*", text) and not _GROUPED.fullmatch(text):
        raise Invalid(_("A comma may only separate thousands, as in 1,234; decimals stand after a point, as in 1.99."))
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def _accounting(text: str) -> str:
    """Rewrite a negative amount in accounting notation, (1,234.50) or ¥−5, with a leading minus."""
    text = text.replace("\u2212", "-")
    if match := re.fullmatch(r"\(\s*([^-+()]+?)\s*\)", text):
        return "-" + _CURRENCY.sub("", match[1])
    return re.sub(r"^-\s*[¥￥]?\s*", "-", text)


#: A number with the measure word or unit behind it: 2,130户, 1个工作日.
_MEASURED = re.compile(r"([+-]?[0-9][0-9,.]*)\s*[(\[]?([\u4e00-\u9fff]{1,6}?)[)\]]?")
#: Measure words, which say nothing beside the label of the column.
_MEASURES = re.compile(
    "个?(?:[户人名位次件起处只条头家辆台项幢栋间套张份例宗笔天日年月周级类]|户次|人次|小时|分钟|工作日|类区)|个"
)
#: Words behind a number that isn't exact.
_ABOUT = frozenset({"左右", "多", "余", "以上", "以下", "以内", "上下"})


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number from `low` to `high`, with or without a measure word (1,200人). `measure` is the one that goes
    without saying. `unit_field` names the field that holds the unit: an import reads both from one cell (1个工作日)."""

    low: int = 0
    high: int = 2_000_000_000
    measure: str = ""
    unit_field: str = ""
    control: ClassVar[str] = "number"
    excel: ClassVar[str] = "0"
    remarks: ClassVar[bool] = True

    def sql(self) -> TypeEngine[Any]:
        return Integer()

    def parse(self, raw: object) -> int | None:
        return self._read(raw).value  # type: ignore[no-any-return]

    def read(self, raw: object) -> Reading:
        text = re.sub(r"(?<=[^\d])[之以]?内$", "", arabic(narrow(tidy(raw)))) if isinstance(raw, str) else ""
        match = _MEASURED.fullmatch(text) if self.unit_field else None
        if match is None or match[2] in _ABOUT:
            return self._read(raw)
        return Reading(self._number(match[1]), unit=match[2])

    def _read(self, raw: object) -> Reading:
        text = narrow(tidy(raw))
        if not self.unit_field and (match := _MEASURED.fullmatch(text)) and _MEASURES.fullmatch(match[2]):
            value = self._number(match[1])
            said = match[2] in (self.measure, f"个{self.measure}")
            return Reading(value, None if said else _("“{value}” is read as {result}.", value=text, result=value))
        return Reading(self._number(text))

    def _number(self, text: str) -> int | None:
        text = _ungrouped(text)
        if not text:
            return None
        text = re.sub(r"(?<=\d)\.0+$", "", text)
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
            raise Invalid(_("This is no whole number. Example: {low}.", low=max(self.low, 1)))
        value = int(text)
        if not self.low <= value <= self.high:
            raise Invalid(_("The number must lie between {low} and {high}.", low=self.low, high=self.high))
        return value


@dataclass(frozen=True, slots=True)
class Amount(Kind):
    """A decimal number, rounded half up to `places` digits after the point; not negative unless `signed`."""

    places: int = 2
    signed: bool = False
    control: ClassVar[str] = "number"
    excel: ClassVar[str] = "0.00"

    def sql(self) -> TypeEngine[Any]:
        return Numeric(14, self.places)

    def parse(self, raw: object) -> Decimal | None:
        text = _CURRENCY.sub("", narrow(tidy(raw)))
        if self.signed:
            text = _accounting(text)
        text = _ungrouped(text)
        if not text:
            return None
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text):
            raise Invalid(_("This is no amount. Example: 200.00."))
        value = Decimal(text)
        if (value < 0 and not self.signed) or abs(value) >= 10**12:
            raise self._out_of_bounds()
        value = value.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP)
        if abs(value) >= 10**11:
            raise self._out_of_bounds()
        return value or abs(value)  # no negative zero

    def _out_of_bounds(self) -> Invalid:
        if self.signed:
            return Invalid(_("The amount must have at most 11 digits."))
        return Invalid(_("The amount must not be negative and must have at most 11 digits."))

    def format(self, value: Any) -> str:
        return "" if value is None else f"{value:.{self.places}f}"

    def store(self, value: Any) -> Any:
        return None if value is None else self.format(value)

    def load(self, stored: Any) -> Any:
        return None if stored is None else self.parse(stored)


@dataclass(frozen=True, slots=True)
class Level(Amount):
    """A measured level in dB with one digit after the point, from 0 to 999.9."""

    places: int = 1
    excel: ClassVar[str] = "0.0"

    def parse(self, raw: object) -> Decimal | None:
        text = re.sub(r"(?i)db(\([a-z]\))?$", "", narrow(tidy(raw)).replace(" ", ""))
        if text and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", text):
            raise Invalid(_("This is no measured value. Example: 48.5."))
        return Decimal(text).quantize(Decimal("0.1"), ROUND_HALF_UP) if text else None


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """Yes or no."""

    control: ClassVar[str] = "flag"
    YES: ClassVar[frozenset[str]] = frozenset({"1", "是", "有", "y", "yes", "true", "√", "✓", "✔", "对", "on"})
    NO: ClassVar[frozenset[str]] = frozenset({"0", "否", "无", "n", "no", "false", "×", "✗", "x", "错", "off"})

    def sql(self) -> TypeEngine[Any]:
        return Boolean()

    def parse(self, raw: object) -> bool | None:
        text = narrow(tidy(raw)).lower()
        if not text:
            return None
        if text in self.YES:
            return True
        if text in self.NO:
            return False
        raise Invalid(_("Write 是 or 否."))

    def format(self, value: Any) -> str:
        return "" if value is None else str(_("yes") if value else _("no"))

    def show(self, stored: Any) -> str:
        return self.format(stored)
