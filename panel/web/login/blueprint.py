"""The blueprint of the pages of log-in, sessions and passwords."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("session", __name__)
