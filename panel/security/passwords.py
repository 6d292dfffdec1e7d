"""Passwords: hashing by argon2, the rules of 等保 2.0, and temporary passwords."""

from __future__ import annotations

import re
import secrets
import string
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from panel.i18n import _
from panel.kinds import Invalid

MIN_LENGTH = 8
MAX_LENGTH = 128
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

    def matches(self, password: str, hashed: str | None) -> bool:
        try:
            return self._hasher.verify(hashed or self._decoy, password) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False


def check(password: str, username: str) -> None:
    """Raise Invalid, naming the broken rule, if the password isn't allowed."""
    if len(password) < MIN_LENGTH:
        raise Invalid(_("The password needs at least {n} characters.", n=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        raise Invalid(_("The password is too long: at most {n} characters.", n=MAX_LENGTH))
    classes = sum(bool(re.search(pattern, password)) for pattern in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    if classes < 3:
        raise Invalid(_("The password needs three of: capital letters, small letters, digits, signs."))
    if username and username.lower() in password.lower():
        raise Invalid(_("The password must not contain the user name."))


def temporary() -> str:
    """A random password for a new account; it must be changed at the first log-in."""
    letters = "".join(secrets.choice(_LETTERS) for _i in range(6))
    digits = "".join(secrets.choice(_DIGITS) for _i in range(3))
    return f"{secrets.choice(string.ascii_uppercase.replace('O', 'A').replace('I', 'B'))}{letters}-{digits}"
