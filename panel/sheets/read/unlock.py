"""Open a workbook that is protected by a password. The password is kept nowhere."""

from __future__ import annotations

import subprocess
import sys

from panel.i18n import _
from panel.sheets.read.reader import MAX_BYTES, TIMEOUT, UnreadableFile
from panel.sheets.read.reader_process import MEMORY, PER_BYTE

WRONG = _("The password doesn't open this workbook. Type it again.")
NO_WAY = _("This kind of protected file can't be opened here. Save it without a password and try again.")
#: The library runs apart from the panel, as the reader does: the file says how much work its password takes. It writes
#: "1" and the opened file, "0" for a wrong password, or nothing.
_START = """
import sys
sys.path[:] = sys.argv[3:]
from io import BytesIO
from panel.sheets.read.reader_process import limit
import msoffcrypto
from msoffcrypto.exceptions import DecryptionError, InvalidKeyError
password = sys.stdin.buffer.readline().decode().rstrip("\\n")
data = sys.stdin.buffer.read()
limit(int(sys.argv[1]) + int(sys.argv[2]) * len(data))
opened = BytesIO()
try:
    file = msoffcrypto.OfficeFile(BytesIO(data))
    file.load_key(password=password)
    file.decrypt(opened)
except (InvalidKeyError, DecryptionError):
    sys.stdout.buffer.write(b"0")
else:
    sys.stdout.buffer.write(b"1" + opened.getvalue())
"""


def unlock(data: bytes, password: str) -> bytes:
    """The file without its protection. Raises UnreadableFile for a wrong password or a kind that isn't known."""
    command = [sys.executable, "-c", _START, str(MEMORY), str(PER_BYTE), *sys.path]
    given = password.replace("\n", "").encode() + b"\n" + data
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=TIMEOUT, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise UnreadableFile(NO_WAY) from None
    if done.stdout[:1] == b"1" and 1 < len(done.stdout) <= MAX_BYTES:
        return done.stdout[1:]
    raise UnreadableFile(WRONG if done.stdout[:1] == b"0" else NO_WAY)
