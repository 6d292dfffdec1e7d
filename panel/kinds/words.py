"""Kinds of texts: addresses, codes, telephone numbers, e-mail and web addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sqlalchemy import String
from sqlalchemy import Text as LongString
from sqlalchemy.types import TypeEngine

from panel.i18n import _
from panel.kinds.base import EXACT, SHORTENED, Invalid, Kind, digits, narrow, number_of, tidy, visible


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A line of text of at most `length` characters. With `lines` > 1 it keeps line breaks."""

    length: int
    lines: int = 1
    any_text: ClassVar[bool] = True

    @property
    def control(self) -> str:  # type: ignore[override]
        return "textarea" if self.lines > 1 else "text"

    def sql(self) -> TypeEngine[Any]:
        return String(self.length) if self.length <= 500 else LongString()

    def parse(self, raw: object) -> str | None:
        if self.lines > 1 and isinstance(raw, str):
            text = "\n".join(tidy(line) for line in visible(raw).splitlines()).strip()
        else:
            text = tidy(raw)
        if len(text) > self.length:
            raise Invalid(_("Too long: {n} characters, at most {length} are allowed.", n=len(text), length=self.length))
        return text or None


@dataclass(frozen=True, slots=True)
class Place(Text):
    """A postal address or place. Masked but for its first six characters, at most half of it."""

    length: int = 120

    def mask(self, value: Any) -> str:
        return f"{value[: min(6, len(value) // 2)]}****" if value else ""


@dataclass(frozen=True, slots=True)
class Code(Text):
    """An identifier such as a badge or document number: text without spaces. Numbers that Excel has rounded are
    refused."""

    length: int = 40

    def parse(self, raw: object) -> str | None:
        text = narrow(tidy(raw)).replace(" ", "")
        number = number_of(raw)
        if (number is not None and not abs(number) < EXACT) or SHORTENED.fullmatch(text):
            raise Invalid(_("This number lost digits in Excel. Format the cell as text and type it again."))
        return Text.parse(self, text)


#: Numbers that are typed as they are stored.
_MOBILE, _TELEPHONE = re.compile("1[3-9][0-9]{9}"), re.compile("0[0-9]{2,3}-[0-9]{7,8}")


@dataclass(frozen=True, slots=True)
class Mobile(Kind):
    """One mainland mobile number of 11 digits; +86 and separators are dropped. Masked as 138****1234."""

    control: ClassVar[str] = "tel"

    def sql(self) -> TypeEngine[Any]:
        return String(11)

    def parse(self, raw: object) -> str | None:
        if type(raw) is str and _MOBILE.fullmatch(raw):
            return raw
        text = narrow(tidy(raw))
        if not text:
            return None
        text = re.sub(r"^(1[3-9]\d{9})\.0+$", r"\1", text)
        if SHORTENED.fullmatch(text):
            raise Invalid(_("Excel has shortened this number. Format the cell as text and type it again."))
        number_text = digits(text)
        if re.search(r"\d\s*[/、,;或]\s*\d", text) or re.fullmatch(r"(1[3-9]\d{9}){2,}", number_text):
            raise Invalid(_("There are two numbers in one place. Keep one mobile number, for example 13812345678."))
        if re.fullmatch(r"(\+|00)?86\d{11}", number_text):
            number_text = number_text[-11:]
        if not number_text.isascii() or not number_text.isdigit() or (number_of(raw) or 0) < 0:
            raise Invalid(_("This is no mobile number. It has 11 digits, for example 13812345678."))
        if len(number_text) != 11:
            raise Invalid(
                _("A mobile number has 11 digits, this one has {n}. Example: 13812345678.", n=len(number_text))
            )
        if not re.fullmatch(r"1[3-9]\d{9}", number_text):
            raise Invalid(_("A mobile number begins with 13 to 19, for example 13812345678."))
        return number_text

    def mask(self, value: Any) -> str:
        return f"{value[:3]}****{value[-4:]}" if value else ""


@dataclass(frozen=True, slots=True)
class Telephone(Kind):
    """A telephone number of digits and dashes, with an extension (0573-82712611-802). Masked but for its last four
    digits."""

    control: ClassVar[str] = "tel"

    def sql(self) -> TypeEngine[Any]:
        return String(30)

    def parse(self, raw: object) -> str | None:
        if type(raw) is str and _TELEPHONE.fullmatch(raw):
            return raw
        text = re.sub(r"[‐-―－–—]", "-", narrow(tidy(raw)))
        text = re.sub(r"\s*-\s*", "-", text)
        text = re.sub(r"^[(（](\d{3,4})[)）]\s*", r"\1-", text)
        text = re.sub(r"\s*(转|ext\.?)\s*", "-", text, flags=re.IGNORECASE).replace(" ", "-")
        if not text:
            return None
        if (
            not re.fullmatch(r"\+?[0-9]+(-[0-9]+)*", text)
            or not 5 <= len(re.sub(r"\D", "", text)) <= 20
            or len(text) > 30
        ):
            raise Invalid(_("This is no telephone number. Example: 0573-82712611, or 0573-82712611-802."))
        return text

    def mask(self, value: Any) -> str:
        return f"****{value[-4:]}" if value else ""


#: A landline: area code (010, 02x or of four digits), number, extension; or a service number.
_LANDLINE = re.compile(r"(?:(010|02\d|0[3-9]\d{2}))?([2-9]\d{6,7})(?:x(\d{1,6}))?|([48]00)(\d{3})(\d{4})")
_EXTENSION = re.compile(
    r"(?<=\d)\s*(?:-(?=\d{1,6}$)(?<=\d{7}-)|转|分机号?|ext\.?|#|\*)\s*:?\s*(?=\d{1,6}$)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Phone(Mobile):
    """A telephone of a person: a mobile number or a landline, whose area code is set off by a dash."""

    def sql(self) -> TypeEngine[Any]:
        return String(30)

    def parse(self, raw: object) -> str | None:
        try:
            return Mobile.parse(self, raw)
        except Invalid as problem:
            plain = re.sub(r"[‐-―－–—]", "-", narrow(tidy(raw)))
            match = _LANDLINE.fullmatch(digits(_EXTENSION.sub("x", plain)))
            if match is None and plain.startswith(("1", "+")):
                raise problem from None
            if match is None:
                raise Invalid(_("This is no telephone number. Example: 13812345678 or 0573-82712611.")) from None
        return "-".join(filter(None, match.groups()))

    def mask(self, value: Any) -> str:
        return Mobile.mask(self, value) if value and re.fullmatch(r"1\d{10}", value) else Telephone().mask(value)


@dataclass(frozen=True, slots=True)
class Email(Kind):
    """An e-mail address with its domain in lower case. Masked but for its first letter and domain.

    Its control is a plain text input: a browser's check for e-mail addresses would refuse what parse() cleans, and
    parts of an address in a filter."""

    def sql(self) -> TypeEngine[Any]:
        return String(254)

    def parse(self, raw: object) -> str | None:
        text = re.sub(r"^(?i:mailto:)", "", narrow(tidy(raw)))
        if not text:
            return None
        name, _at, domain = text.rpartition("@")
        if (
            len(text) > 254
            or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", name)
            or len(name) > 64
            or not re.fullmatch(
                r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]", domain
            )
        ):
            raise Invalid(_("This is no e-mail address. Example: office@example.org."))
        return f"{name}@{domain.lower()}"

    def mask(self, value: Any) -> str:
        return f"{value[0]}***@{value.rpartition('@')[2]}" if value else ""


@dataclass(frozen=True, slots=True)
class Link(Kind):
    """A web address with http or https, without user name and password. Shown as a link."""

    length: int = 500
    control: ClassVar[str] = "url"

    def sql(self) -> TypeEngine[Any]:
        return String(self.length)

    def parse(self, raw: object) -> str | None:
        text = tidy(raw)
        if not text:
            return None
        if len(text) > self.length:
            raise Invalid(_("Too long: {n} characters, at most {length} are allowed.", n=len(text), length=self.length))
        if not (match := re.fullmatch(r"(https?)[:：][/／]{2}([^/?#]+)([/?#].*)?", text, re.IGNORECASE)):
            raise Invalid(_("This is no web address. Write all of it, for example https://www.example.org/page."))
        scheme, host, rest = match[1].lower(), narrow(match[2]).lower(), match[3] or ""
        address = f"{scheme}://{host}{rest}"
        if not _HOST.fullmatch(host) or not _PATH.fullmatch(rest) or not _is_parsable(address):
            raise Invalid(_("This is no web address. Write all of it, for example https://www.example.org/page."))
        return address


#: A host name or IP address with an optional port. `user@` is refused, because it makes one site look like another.
_HOST = re.compile(r"(\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_PATH = re.compile(r"[^\s\\<>\"`]*")


def _is_parsable(address: str) -> bool:
    """Whether the standard library can parse the address and its port is valid."""
    try:
        return address.isprintable() and bool(urlsplit(address).hostname) and urlsplit(address).port != 0
    except ValueError:
        return False
