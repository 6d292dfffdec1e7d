"""Kinds of value: what is formatted is read back; what can't be read is refused with a reason, and nothing else."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bureau.settings.settings import DECLARED
from models import CaseStatus, Gender, ListKind, Source
from panel.fields import fields
from panel.i18n import LOCALES, using_locale
from panel.kinds import (
    EXCEL_EPOCH,
    Amount,
    Choice,
    Code,
    Day,
    Email,
    Flag,
    FullName,
    Invalid,
    Kind,
    Level,
    Link,
    Mobile,
    Moment,
    PersonName,
    Place,
    Reference,
    Telephone,
    Text,
    Time,
    Whole,
)
from tests.factories import MODELS

#: Every kind that a declared column or a setting has, each once, and those that other panels use.
DECLARED_KINDS: list[Kind] = [
    *{repr(f.kind): f.kind for model in MODELS.values() for f in fields(model)}.values(),
    *(declared.kind for declared in DECLARED.values()),
    *(Amount(signed=True), Email(), Link(), Time()),
]

#: A date-time without a zone, as cells hold them.
clock = datetime.fromisoformat
words = st.text(max_size=60)
digit_strings = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
VALUES: list[tuple[Kind, st.SearchStrategy[Any]]] = [
    (Mobile(), digit_strings),
    (Telephone(), st.from_regex(r"\A0[1-9][0-9]{1,2}-[1-9][0-9]{6,7}(-[0-9]{1,4})?\Z")),
    (Whole(), st.integers(0, 2_000_000_000)),
    (Whole(-5, 5), st.integers(-5, 5)),
    (Amount(), st.decimals(0, 10**11 - 1, places=2)),
    (Amount(3), st.decimals(0, 10**11 - 1, places=3)),
    (Amount(signed=True), st.decimals(1 - 10**11, 10**11 - 1, places=2)),
    (Email(), st.from_regex(r"\A[a-z0-9]{1,20}(\.[a-z0-9]{1,20})?@[a-z0-9]{1,20}\.(cn|org|com\.cn)\Z")),
    (Link(), st.from_regex(r"\Ahttps?://[a-z0-9]{1,20}(\.[a-z]{2,5}){1,2}(:80)?(/[A-Za-z0-9%&=路径.-]{0,20})?\Z")),
    (Time(), st.times().map(lambda t: t.replace(microsecond=0))),
    (Flag(), st.booleans()),
    (Day(), st.dates(date(1900, 1, 1), date(2200, 12, 31))),
    # China has kept one time since 1992; before, an hour of each autumn came twice.
    (
        Moment(),
        st.datetimes(clock("1992-01-01"), clock("2200-12-30")).map(lambda m: m.replace(microsecond=0, tzinfo=UTC)),
    ),
    (Choice(CaseStatus), st.sampled_from(list(CaseStatus))),
    (Choice(Source), st.sampled_from(list(Source))),
    (Reference("case"), st.integers(1, 2**31 - 1)),
    *(
        (kind, words.map(lambda text, kind=kind: read(kind, text)))
        for kind in (Text(200), Text(2000, lines=4), PersonName(60), FullName(60), Place(120), Code(60))
    ),
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**5000, 10**5001),
    st.floats(allow_nan=True, allow_infinity=True),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.text(st.characters(codec=None)),
    st.text("0123456789.-/:年月日 Ee+＋，１２\u3000\u00a0*", max_size=30),
    st.text("0123456789:时点分半上下午 apm：/.@htps", max_size=20),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)


def read(kind: Kind, raw: Any) -> Any:
    """What is read, or None for what is refused."""
    try:
        return kind.parse(raw)
    except Invalid as problem:
        return None if str(problem.message) else "refused without a reason"


@settings(max_examples=300)
@given(data=st.data())
def test_what_is_formatted_is_read_back(data: st.DataObject) -> None:
    kind, values = data.draw(st.sampled_from(VALUES))
    value = data.draw(values)
    with using_locale(data.draw(st.sampled_from(list(LOCALES)))):
        assert kind.parse(kind.format(value)) == value


@settings(max_examples=400)
@given(kind=st.sampled_from(DECLARED_KINDS), raw=ANYTHING)
def test_whatever_stands_in_a_cell_is_read_or_refused(kind: Kind, raw: Any) -> None:
    value = read(kind, raw)
    if value is not None and kind.control != "data":
        assert kind.parse(kind.format(value)) == value
        assert isinstance(kind.mask(value), str)


@given(value=st.datetimes(clock("1990-01-01"), clock("2100-12-31")))
def test_a_serial_number_is_the_moment_that_excel_means(value: datetime) -> None:
    serial = (value - EXCEL_EPOCH) / timedelta(days=1)
    found = Moment().parse(serial)
    assert found is not None
    assert abs(found.replace(tzinfo=None) - value) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (1.38e10, "13800000000"),
        (13800000000, "13800000000"),
        ("13800000000.0", "13800000000"),
        ("138 0000-0000", "13800000000"),
        ("138-0000-0000", "13800000000"),
        ("１３８ ００００ ００００", "13800000000"),
        ("138\u00a00000\u30000000", "13800000000"),
        ("+86 13800000000", "13800000000"),
        ("+86-138-0000-0000", "13800000000"),
        ("008613800000000", "13800000000"),
        ("(+86)13800000000", "13800000000"),
        ("'13800000000", "13800000000"),
        ("\u200b13800000000\u200b", "13800000000"),
        ("", None),
        ("\u3000", None),
        (None, None),
    ],
)
def test_a_mobile_number_is_read_however_it_was_typed(raw: Any, value: str | None) -> None:
    assert Mobile().parse(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("13800000000/13900000000", "two numbers"),
        ("13800000000、13900000000", "two numbers"),
        ("13800000000 13900000000", "two numbers"),
        ("13800000000或13900000000", "two numbers"),
        ("1.38E+10", "shortened"),
        ("1380573", "11 digits, this one has 7"),
        (138000000005, "11 digits, this one has 12"),
        ("12800000000", "begins with 13 to 19"),
        ("0573-82712611", "11 digits, this one has 12"),
        ("无", "no mobile number"),
        ("待定", "no mobile number"),
        ("１３８０００００００o", "no mobile number"),
        (-13800000000, "no mobile number"),
        (330402199001011234.0, "shortened"),
        (True, "11 digits"),
    ],
)
def test_a_mobile_number_that_is_none_is_refused_with_the_reason(raw: Any, reason: str) -> None:
    refused(Mobile(), raw, reason)


@pytest.mark.parametrize("raw", [330402199001011234.0, 330402199001011234, 3.30402e17, "3.30402E+17", math.inf])
def test_a_number_that_lost_its_last_digits_is_refused_not_guessed(raw: Any) -> None:
    refused(Code(30), raw, "lost digits")


@pytest.mark.parametrize(
    ("raw", "value"), [(12345.0, "12345"), ("Ａ－１０ ２", "A-102"), ("330402199001011234", "330402199001011234")]
)
def test_a_code_is_text_without_spaces(raw: Any, value: str) -> None:
    assert Code(30).parse(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("2021.5.3", date(2021, 5, 3)),
        ("2021-5-3", date(2021, 5, 3)),
        ("2021/05/03", date(2021, 5, 3)),
        ("2021年5月3日", date(2021, 5, 3)),
        ("2021 年 5 月 3 日", date(2021, 5, 3)),
        ("２０２１．５．３", date(2021, 5, 3)),
        ("20210503", date(2021, 5, 3)),
        (20210503, date(2021, 5, 3)),
        (20210503.0, date(2021, 5, 3)),
        (44319, date(2021, 5, 3)),
        (44319.75, date(2021, 5, 3)),
        ("2021-05-03 00:00:00", date(2021, 5, 3)),
        ("2021-05-03T08:30", date(2021, 5, 3)),
        ("2021年5月3日（星期一）", date(2021, 5, 3)),
        ("2021.5.3起", date(2021, 5, 3)),
        ("2021.5.3—至今", date(2021, 5, 3)),
        (clock("2021-05-03 23:59"), date(2021, 5, 3)),
        (datetime(2021, 5, 2, 20, 0, tzinfo=UTC), date(2021, 5, 3)),
        ("至今", None),
        ("2021年5月", date(2021, 5, 1)),
        ("2021.05", date(2021, 5, 1)),
        ("2021-5", date(2021, 5, 1)),
        (2021.5, date(2021, 5, 1)),
        ("2021年5月至今", date(2021, 5, 1)),
        ("二〇二一年五月三日", date(2021, 5, 3)),
        ("二零二一年十二月三十一日（星期五）", date(2021, 12, 31)),
        ("21.5.3", date(2021, 5, 3)),
        ("21/5/3", date(2021, 5, 3)),
        ("98年5月3日", date(1998, 5, 3)),
        ("21年5月", date(2021, 5, 1)),
        ("二O二一年五月三日", date(2021, 5, 3)),
        ("2021、5、3", date(2021, 5, 3)),
        ("2021 05 03", date(2021, 5, 3)),
        ("2021.5.3-", date(2021, 5, 3)),
        ("2021-05-03T00:00:00Z", date(2021, 5, 3)),
        ("2021-05-02T16:00:00.000Z", date(2021, 5, 3)),
        ("44319", date(2021, 5, 3)),
        ("2021-05-03 下午2:30", date(2021, 5, 3)),
    ],
)
def test_a_day_is_read_however_it_was_typed(raw: Any, value: date | None) -> None:
    assert Day().parse(raw) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (2021, "The day is missing"),
        ("2021年", "The day is missing"),
        (2021.1, "January or October"),
        ("2021-13-01", "no month 13"),
        ("2021-02-30", "has no day 30"),
        ("1021-02-03", "The year 1021"),
        (date(1, 1, 1), "The year 1"),
        (45, "no date"),
        (True, "no date"),
        ("去年", "no date"),
        ("2021.5.3或4日", "no date"),
        ("05/03/26", "no date"),
        ("99999", "no date"),
        ("2021年5月中旬", "no date"),
        ("2021.5-2024.4", "no date"),
    ],
)
def test_a_day_that_is_none_is_refused_with_the_reason(raw: Any, reason: str) -> None:
    refused(Day(), raw, reason)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("2026-05-01 06:09", "2026-05-01 06:09"),
        ("2026年5月1日 6时9分", "2026-05-01 06:09"),
        ("2026-05-01", "2026-05-01 00:00"),
        (46143.25625, "2026-05-01 06:09"),
        (clock("2026-05-01 06:08:59.999999"), "2026-05-01 06:09"),
        (datetime(2026, 4, 30, 22, 9, tzinfo=UTC), "2026-05-01 06:09"),
        (date(2026, 5, 1), "2026-05-01 00:00"),
        ("2026年5月1日下午两点半", "2026-05-01 14:30"),
        ("2026-05-01 14：30", "2026-05-01 14:30"),
        ("2026/5/1 2:30 PM", "2026-05-01 14:30"),
        ("2026-04-30T22:09:00Z", "2026-05-01 06:09"),
        ("2026-05-01T06:09:00+08:00", "2026-05-01 06:09"),
        ("46143.5", "2026-05-01 12:00"),
    ],
)
def test_a_moment_is_the_offices_own_time(raw: Any, shown: str) -> None:
    assert Moment().format(Moment().parse(raw)) == shown


@pytest.mark.parametrize("raw", ["2026-05-01 25:00", "2026-05-01 06:61", "2026-05-01 下午"])
def test_a_time_of_day_that_is_none_is_refused(raw: str) -> None:
    refused(Moment(), raw, "Example: 2025-07-14 09:30")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("张  三", "张三"),
        ("张\u3000三", "张三"),
        ("\u00a0张三\u2003", "张三"),
        ("张\u200b三", "张三"),
        ("𠮷 田", "𠮷田"),
        ("阿依 · 古丽", "阿依·古丽"),
        ("John  Smith", "John Smith"),
        ("Ｊｏｈｎ", "John"),
        *((f"阿依{dot}古丽", "阿依·古丽") for dot in "·•・．‧"),
        ("邵翠芳\u202c", "邵翠芳"),
        ("章\xad翠\u2063芳\ufe0f", "章翠芳"),
    ],
)
def test_white_space_of_every_width_is_no_part_of_a_chinese_name(raw: str, value: str) -> None:
    assert PersonName().parse(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("0573-82712611", "0573-82712611"),
        ("0573 82712611", "0573-82712611"),
        ("（0573）82712611", "0573-82712611"),
        ("0573—82712611转802", "0573-82712611-802"),
        ("０５７３－８２７１２６１１", "0573-82712611"),
        (82712611.0, "82712611"),
    ],
)
def test_an_office_telephone_is_digits_dashes_and_an_extension(raw: Any, value: str) -> None:
    assert Telephone().parse(raw) == value


@pytest.mark.parametrize("raw", ["82712611/82712612", "1234", "12345678901234567890123", "٠٥٧٣٨٢٧١٢٦١١", "电话"])
def test_a_telephone_that_is_none_is_refused(raw: str) -> None:
    refused(Telephone(), raw, "no telephone number")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Flag(), "√", True),
        (Flag(), "Ｙ", True),
        (Flag(), 1.0, True),
        (Flag(), "×", False),
        (Flag(), "否", False),
        (Whole(), "1,738", 1738),
        (Whole(), 1738.0, 1738),
        (Whole(), "１７３８", 1738),
        (Whole(), "1,234,567.0", 1234567),
        (Whole(measure="户"), "2,130户", 2130),
        (Whole(), "1,200 人", 1200),
        (Whole(0, 4), "2类区", 2),
        (Amount(), "1，234，567.5", Decimal("1234567.50")),
        (Amount(), "¥ 12 元", Decimal("12.00")),
        (Amount(), "￥1,200.5元", Decimal("1200.50")),
        (Amount(), 0.125, Decimal("0.13")),
        (Choice(Source), 12345.0, Source.HOTLINE),
        (Choice(Source), "居民投诉", Source.RESIDENT),
        (Choice(Source), "Resident's complaint", Source.RESIDENT),
        (Choice(Source), " resident ", Source.RESIDENT),
        *((Choice(Gender), word, Gender.FEMALE) for word in ("女性", "女士", "F", "female")),
        *((Choice(Gender), word, Gender.MALE) for word in ("男性", "先生", "m", "Male")),
    ],
)
def test_what_people_type_for_it_is_understood(kind: Kind, raw: Any, value: Any) -> None:
    assert kind.parse(raw) == value


#: Commas, also full-width ones, that don't stand between groups of three digits.
NO_THOUSANDS = ("1,99", "1，99", "12,3456", "1,2,3", "1,234,56", ",5", "5,", "0.5,000", "1234,567", "1,,000")


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        (Flag(), 2, "是 or 否"),
        (Whole(), 1.5, "no whole number"),
        (Whole(), "50左右", "no whole number"),
        (Whole(unit_field="limit_unit"), "3天", "no whole number"),
        (Whole(0, 4), 5, "between 0 and 4"),
        (Amount(), "1_000", "no amount"),
        (Amount(), "1 99", "no amount"),
        (Amount(), "200元50", "no amount"),
        (Amount(), "一,二", "no amount"),
        (Level(), "48,5", "no measured value"),
        *((kind, text, "only separate thousands") for kind in (Whole(), Amount()) for text in NO_THOUSANDS),
        (Amount(), "nan", "no amount"),
        (Amount(), -1, "must not be negative"),
        (Amount(), "99999999999.999", "at most 11 digits"),
        (Choice(Source), "上级", "none of"),
        (Text(5), "一二三四五六", "6 characters, at most 5"),
    ],
)
def test_what_is_out_of_bounds_is_refused(kind: Kind, raw: Any, reason: str) -> None:
    refused(kind, raw, reason)


def refused(kind: Kind, raw: Any, reason: str) -> None:
    with using_locale("en"), pytest.raises(Invalid) as problem:
        kind.parse(raw)
    with using_locale("en"):
        assert reason in str(problem.value.message)


def test_a_list_is_known_by_its_short_name_too() -> None:
    kind = Choice(ListKind)
    assert (kind.parse("执法"), kind.parse("服务清单")) == (ListKind.ENFORCEMENT, ListKind.SERVICE)


def test_a_short_address_is_masked_as_well() -> None:
    assert Place().mask("东塔路3号") == "东塔****"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("(1,234.50)", "-1234.50"),
        ("（5）", "-5.00"),
        ("－5", "-5.00"),
        ("−5", "-5.00"),
        ("-5.00", "-5.00"),
        ("-¥5", "-5.00"),
        ("¥-5", "-5.00"),
        ("(¥5)", "-5.00"),
        (-0.001, "0.00"),
        ("7", "7.00"),
    ],
)
def test_an_amount_below_zero_is_read_however_accountants_write_it(raw: Any, value: str) -> None:
    kind = Amount(signed=True)
    assert kind.format(kind.parse(raw)) == value


@pytest.mark.parametrize("raw", ["(5)", "-5", "－5"])
def test_an_amount_that_is_not_declared_signed_is_never_below_zero(raw: str) -> None:
    with pytest.raises(Invalid):
        Amount().parse(raw)


@pytest.mark.parametrize("raw", ["(-5)", "-(5)", "--5", "()", "(1,99)", "-1e11"])
def test_a_signed_amount_that_is_none_is_refused(raw: str) -> None:
    with pytest.raises(Invalid):
        Amount(signed=True).parse(raw)


def test_an_email_address_is_tidied_and_masked() -> None:
    assert Email().parse(" mailto:Li.Na＠Example.ORG ") == "Li.Na@example.org"
    assert Email().mask("Li.Na@example.org") == "L***@example.org"


@pytest.mark.parametrize("raw", ["a", "a@b", "@b.cn", "a b@c.cn", "a@b..cn", "a@b.cn; c@d.cn", "a..b@c.cn", 5])
def test_an_email_address_that_is_none_is_refused(raw: Any) -> None:
    with pytest.raises(Invalid):
        Email().parse(raw)


@given(value=st.times().map(lambda t: t.replace(microsecond=0)))
def test_a_day_fraction_is_the_time_that_excel_means(value: time) -> None:
    since_midnight = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    assert Time().parse(since_midnight / timedelta(days=1)) == value
    assert Time().parse(since_midnight) == value
    assert Time().parse(EXCEL_EPOCH + since_midnight) == value
    assert Time().load(Time().store(value)) == value


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("8:30", "08:30"),
        ("8:5", "08:05"),
        ("08:30:00", "08:30"),
        ("08:30:15", "08:30:15"),
        ("８：３０", "08:30"),
        ("8点", "08:00"),
        ("8点半", "08:30"),
        ("8点钟", "08:00"),
        ("8时30分", "08:30"),
        ("下午2:30", "14:30"),
        ("下午两点三刻", "14:45"),
        ("下午 2点一刻", "14:15"),
        ("下午14:30", "14:30"),
        ("上午9点", "09:00"),
        ("中午12:30", "12:30"),
        ("中午1点", "13:00"),
        ("凌晨12:30", "00:30"),
        ("晚上8点三刻", "20:45"),
        ("2:30 PM", "14:30"),
        ("12:05 am", "00:05"),
        (0, "00:00"),
        (0.5, "12:00"),
        (time(8, 30, 0, 999), "08:30"),
        ("", ""),
    ],
)
def test_a_time_of_day_is_read_however_it_was_typed(raw: Any, shown: str) -> None:
    assert Time().format(Time().parse(raw)) == shown


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("24:00", "no time of day"),
        ("8:60", "no time of day"),
        ("8:", "no time of day"),
        ("8", "no time of day"),
        ("830", "no time of day"),
        ("8:30-17:00", "no time of day"),
        ("8点半30分", "no time of day"),
        (1, "no time of day"),
        (0.9999999, "no time of day"),
        (-0.5, "no time of day"),
        (math.nan, "no time of day"),
        (True, "no time of day"),
        ("上午12:30", "in two ways"),
        ("晚上12点", "in two ways"),
        ("14:30 am", "in two ways"),
        (clock("2025-07-14 08:30"), "This is a date"),
    ],
)
def test_a_time_of_day_that_none_can_be_sure_of_is_refused_with_the_reason(raw: Any, reason: str) -> None:
    refused(Time(), raw, reason)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("http://a.cn", "http://a.cn"),
        (" HTTPS://WWW.A.CN/Path?x=1#y ", "https://www.a.cn/Path?x=1#y"),
        ("https：／／a.cn/x", "https://a.cn/x"),
        ("https://例子.中国/路径?q=甲", "https://例子.中国/路径?q=甲"),
        ("http://10.0.0.8:8080/", "http://10.0.0.8:8080/"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://a.cn/\u202e\u200bx", "http://a.cn/x"),
        ("", None),
    ],
)
def test_a_link_is_an_address_of_the_web(raw: str, value: str | None) -> None:
    assert Link().parse(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.cn",
        "//a.cn",
        "www.a.cn",
        "http:/a.cn",
        "http://",
        "http://a.cn@evil.cn/",
        "http://a.cn\\@evil.cn",
        "http://a.cn:99999/",
        'http://a.cn/"onclick=x',
        "http://a.cn/<b>",
        "http://a.cn/a b",
        5,
    ],
)
def test_a_link_to_anything_else_is_refused(raw: Any) -> None:
    refused(Link(), raw, "no web address")


def test_a_link_has_a_length() -> None:
    refused(Link(), f"http://a.cn/{'x' * 500}", "Too long")
