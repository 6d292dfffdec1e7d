"""Passwords: hashing by argon2, the rules of 等保 2.0, and temporary passwords."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from panel.i18n import _, pinyin
from panel.kinds import Invalid

MIN_LENGTH = 8
MAX_LENGTH = 128
#: The power of ten of guesses that a password withstands: below it are a word with a year, a row of keys, a date.
LEAST_GUESSES = 7.5
#: Words that passwords of Chinese offices are made of, and of accounts everywhere; others are in the lists of zxcvbn.
OFFICE_WORDS = (
    *("zonghe", "zhifa", "zonghezhifa", "zhzf", "chengguan", "shequ", "jiedao", "banshichu", "juweihui", "wangge"),
    *("zhengfu", "zhengwu", "danwei", "bangong", "bangongshi", "neiqin", "duiyuan", "lianluoyuan", "guanliyuan"),
    *("xitong", "anquan", "shenji", "yonghu", "mima", "ceshi", "zhongguo", "pingan", "woaini", "nihao", "huanying"),
    *("admin", "root", "test", "user", "guest", "demo", "office", "welcome", "login", "system", "secret", "china"),
    *("renmin", "fuwu", "gongzuo", "shouji", "beijing", "shanghai", "zhejiang", "jiaxing", "nanhu", "hangzhou"),
)
#: How many passwords back none comes again, the present one included.
EARLIER = 5
#: Characters of temporary passwords, without those that look alike on paper.
_LETTERS = "abcdefghijkmnpqrstuvwxyz"
_DIGITS = "23456789"


class Passwords:
    """Hashes and verifies passwords. `cost` is argon2's time cost; 1, for tests, lowers the memory cost too."""

    def __init__(self, cost: int = 3) -> None:
        self._hasher = PasswordHasher(time_cost=cost, memory_cost=65536 if cost > 1 else 1024)

    @cached_property
    def _decoy(self) -> str:
        """The hash that is verified for an unknown account, so that the response time doesn't reveal that it is
        unknown. Computed at the first log-in, because it takes 64 MB, which commands don't need."""
        return self.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def is_one_of(self, password: str, hashes: Iterable[str]) -> bool:
        """Whether the password has one of these hashes; each takes the time of a log-in."""
        return any(self.matches(password, hashed) for hashed in hashes if hashed)

    def matches(self, password: str, hashed: str | None) -> bool:
        try:
            return self._hasher.verify(hashed or self._decoy, password) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False


def check(password: str, username: str, words: Iterable[str] = ()) -> None:
    """Raise Invalid, naming the broken rule, if the password isn't allowed. `words` are names, places and telephones of
    its person, which it must not contain either, in characters or in pinyin."""
    if len(password) < MIN_LENGTH:
        raise Invalid(_("The password needs at least {n} characters.", n=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        raise Invalid(_("The password is too long: at most {n} characters.", n=MAX_LENGTH))
    classes = sum(bool(re.search(pattern, password)) for pattern in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    if classes < 3:
        raise Invalid(_("The password needs three of: capital letters, small letters, digits, signs."))
    if username and username.lower() in password.lower():
        raise Invalid(_("The password must not contain the user name."))
    personal = {form for word in words for form in _forms(word)}
    squeezed = re.sub(r"[\W_]", "", password.lower())
    if any(form in password.lower() or form in squeezed for form in personal):
        raise Invalid(_("The password must not contain the name, the unit, the community or a telephone."))
    if _guesses(password, [username, *personal]) < LEAST_GUESSES:
        raise Invalid(_("This password is too common and is guessed first. Choose one that nobody would think of."))


def _forms(word: str) -> set[str]:
    """A word as a password may hold it: in characters, in pinyin, and six digits in a row of a number."""
    plain = "".join(word.split()).lower()
    digits = re.sub(r"\D", "", plain)
    if len(digits) >= 6:
        return {digits[i : i + 6] for i in range(len(digits) - 5)}
    spelled = "".join(map(pinyin.spelling, plain))
    return {form for form in (plain, spelled) if len(form) >= (2 if not form.isascii() else 4)}


def _guesses(password: str, words: list[str]) -> float:
    """The power of ten of the guesses after which a password is found by somebody who tries the common ones, words,
    dates and rows of keys first, with the usual replacements and endings."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take 0.2 s and are needed when a password is changed

    found = zxcvbn(password, user_inputs=[*OFFICE_WORDS, *words], max_length=MAX_LENGTH)
    return float(found["guesses_log10"])


def temporary() -> str:
    """A random password for a new account; it must be changed at the first log-in."""
    letters = "".join(secrets.choice(_LETTERS) for _i in range(6))
    digits = "".join(secrets.choice(_DIGITS) for _i in range(3))
    return f"{secrets.choice(string.ascii_uppercase.replace('O', 'A').replace('I', 'B'))}{letters}-{digits}"
