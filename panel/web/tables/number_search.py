"""The search box of a list, where records are found by a whole private number: it is posted, so that what was typed
stands in no address before it is known to be none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import redirect, request
from flask_admin.base import expose

from panel.base import Base
from panel.kinds import tidy
from panel.search import listing, private_numbers
from panel.security import comparisons
from panel.web.context import current_panel
from panel.web.downloads import logging_file
from panel.web.guards import safe_target
from panel.web.rows import place


def is_asked(model: type[Base]) -> bool:
    """Whether the records of a table are found by a private number, by whoever may see it."""
    return any(private_numbers.holders(model))


def sealed(models: Sequence[type[Base]], words: str) -> str:
    """The words sealed for an address, if they are a whole number by which records of one of these tables are found; ""
    for other words. For whoever may see such numbers it is counted and noted; for others nothing is looked up."""
    panel = current_panel()
    asked = [(model, number) for model in models if (number := private_numbers.whole(model, words))]
    if not asked:
        return ""
    answered, number = False, asked[0][1]
    for model, one in asked:
        if private_numbers.may(panel.session, model):
            found = len(private_numbers.found(panel.session, model, one))
            table = next(private_numbers.holders(model)).model.__tablename__
            with logging_file() as log:
                answered = comparisons.note_search(log, table, found, most=panel.compare_limit(log))
            break
    return private_numbers.seal(panel.session, number, answered=answered)


class NumberSearch:
    """Mix-in of SchemaView."""

    model: Any
    get_url: Any

    @expose("/search/", methods=("POST",))
    def search_view(self) -> Any:
        """Lead to the list that the words find, with the filters of the one that they were typed in."""
        words = tidy(request.form.get("q"))[: listing.MAX_VALUE]
        within = (safe_target(request.form.get("url")) or "").partition("?")[2].partition("#")[0]
        query = place.query_of(self, within)
        number = sealed([self.model], words)
        arguments = query.arguments(page=1, q="" if number else words, sealed=number)
        url = self.get_url(".index_view")
        return redirect(f"{url}?{urlencode(arguments or {'view': 'none'}, doseq=True)}", 303)
