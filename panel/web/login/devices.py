"""Browsers: what they are called, and which accounts have logged in with them."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from panel.i18n import Message, _

#: The cookie that tells a browser that an account has logged in with before. It logs nobody in: it only keeps failures
#: elsewhere from closing this browser to its own people.
COOKIE = "device"
KEPT = timedelta(days=180)
#: Most accounts of one browser; the oldest goes first.
MOST = 12

#: Names of browsers by what their User-Agent holds, the special ones first: most say that they are Chrome and Safari.
_BROWSERS = (
    ("dingtalk", _("DingTalk")),
    ("micromessenger", _("WeChat")),
    ("qqbrowser", _("QQ browser")),
    ("360se|360ee|qihu", _("360 browser")),
    ("edg", Message("Edge")),
    ("firefox", Message("Firefox")),
    ("chrome|crios", Message("Chrome")),
    ("safari", Message("Safari")),
)
_SYSTEMS = (
    ("iphone", Message("iPhone")),
    ("ipad", Message("iPad")),
    ("android", _("Android")),
    ("windows", Message("Windows")),
    ("mac os", Message("Mac")),
    ("uos|uniontech", _("UOS")),
    ("kylin", _("Kylin")),
    ("linux", Message("Linux")),
)


def words(agent: str) -> str:
    """A User-Agent in words: Edge · Windows."""
    found = [
        next((str(name) for pattern, name in names if re.search(pattern, agent.lower())), "")
        for names in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(filter(None, found)) or str(_("Another program"))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="device")


def _known() -> dict[int, str]:
    """The ids that this browser has for its accounts."""
    try:
        pairs = _serializer().loads(request.cookies.get(COOKIE, ""))
        return {int(user_id): str(id_) for user_id, id_ in pairs}
    except (BadSignature, TypeError, ValueError):
        return {}


def known_as(user_id: int | None) -> str:
    """The id of this browser for an account that has logged in with it; "" if it hasn't."""
    return _known().get(user_id, "") if user_id is not None else ""


def remember(user_id: int) -> None:
    """Give this browser an id for the account, with the answer to this request."""
    known = _known()
    known[user_id] = known.pop(user_id, "") or secrets.token_urlsafe(9)
    value = _serializer().dumps([*known.items()][-MOST:])

    @after_this_request
    def keep(response: Response) -> Response:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(
            COOKIE, str(value), max_age=KEPT, httponly=True, samesite="Lax", secure=secure, path="/login"
        )
        return response
