"""Encryption of archives: AES-256-GCM in blocks, so that an archive of any size needs little memory.

An encrypted archive is MAGIC, a random prefix, and the blocks: BLOCK bytes each, the last one shorter or empty, each
with its tag. The nonce of a block is the prefix, its number and whether it is the last, so that blocks can't be left
out, changed in order or cut off at the end."""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from panel.i18n import _
from panel.store.backups.errors import BackupError

MAGIC = b"CASEBAK1"
PREFIX, BLOCK, TAG = 7, 1 << 20, 16
#: Least characters of a key.
LEAST = 32


def is_encrypted(file: Path) -> bool:
    with file.open("rb") as start:
        return start.read(len(MAGIC)) == MAGIC


def new_key(file: Path) -> None:
    """Make a key file. Raises FileExistsError if there is a file."""
    with file.open("x") as out:
        file.chmod(0o600)
        out.write(secrets.token_hex(32) + "\n")


def read_key(file: Path) -> bytes:
    """The key of a key file. Raises BackupError if there is none."""
    try:
        text = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if len(text) < LEAST:
        raise BackupError(
            _(
                "The key file of the backups, {file}, is missing or too short: at least {n} characters.",
                file=file,
                n=LEAST,
            )
        )
    return sha256(b"casework backup:" + text.encode()).digest()


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class Encrypted:
    """A file to write to that is encrypted as it is written. It can't be read or sought."""

    def __init__(self, out: IO[bytes], key: bytes) -> None:
        self._out, self._cipher, self._number = out, AESGCM(key), 0
        self._prefix, self._waiting = secrets.token_bytes(PREFIX), bytearray()
        out.write(MAGIC + self._prefix)

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) > BLOCK:
            self._put(bytes(self._waiting[:BLOCK]), last=False)
            del self._waiting[:BLOCK]
        return len(data)

    def flush(self) -> None:
        """Nothing: a block is written when it is full."""

    def __enter__(self) -> Encrypted:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if kind is None:
            self._put(bytes(self._waiting), last=True)

    def _put(self, block: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), block, MAGIC))
        self._number += 1


def decrypt(file: Path, target: Path, key: bytes) -> None:
    """Decrypt an archive. Raises BackupError if it was changed or cut off, or belongs to another key."""
    cipher = AESGCM(key)
    with file.open("rb") as source, target.open("wb") as out:
        source.seek(len(MAGIC))
        prefix, number = source.read(PREFIX), 0
        block = source.read(BLOCK + TAG)
        while True:
            following = source.read(BLOCK + TAG)
            try:
                out.write(cipher.decrypt(_nonce(prefix, number, last=not following), block, MAGIC))
            except InvalidTag:
                raise BackupError(
                    _("{file} can't be decrypted: the key file is another one, or the archive is damaged.", file=file)
                ) from None
            if not following:
                return
            block, number = following, number + 1
