"""Reading the form of a page."""

from __future__ import annotations

import html
import re


def form_values(page: str) -> dict[str, str]:
    """The values of the page's record form by name: inputs, selected options, text areas."""
    match = re.search(r'<form class="card record\b.*?</form>', page, re.S)
    text = match[0] if match else page
    values: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", text, re.S):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" not in attributes or attributes.get("type") in ("submit", "button"):
            continue
        if attributes.get("type") in ("radio", "checkbox") and not re.search(r"\bchecked\b", tag):
            continue
        values[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, body in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'<option\b[^>]*value="([^"]*)"[^>]*\bselected', body)
        values[name] = html.unescape(chosen[1]) if chosen else ""
    for name, body in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.S):
        values[name] = html.unescape(body.removeprefix("\n"))
    return values
