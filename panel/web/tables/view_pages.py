"""Saved views on the page of a list: the menu that opens them, and what saves, deletes and prefers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode

from flask import flash, redirect, request
from flask_admin.base import expose

from panel import ids
from panel.errors import UserError
from panel.i18n import Message, _, listed
from panel.search import saved_views
from panel.search.listing import Query
from panel.search.saved_views import OfferedView
from panel.search.view_records import SavedView
from panel.web.context import current_panel
from panel.web.pages import ViewItem, ViewMenu

#: In an address: the list as it is without a view, although it opens with one.
WITHOUT = "none"
NO_VIEW = _("There is no such view, or it isn't shared with you. The list is shown without it.")


def open_view(view: Any, views: Sequence[OfferedView]) -> Any:
    """The redirect to the view that the address names alone, or that the list opens with; None if it asks for more."""
    arguments = request.args.to_dict(flat=False)
    named = request.args.get("view", "")
    if named == WITHOUT or set(arguments) - {"view"}:
        return None
    session = current_panel().session
    wanted = saved_views.default_of(session, views) if not named else _named(views, named)
    if wanted is None:
        if named:
            flash(str(NO_VIEW), "warning")
            return redirect(f"{request.path}?view={WITHOUT}")
        return None
    query, dropped = saved_views.opened(session, wanted, view.model, view.quick_filters())
    if dropped:
        words = listed(dropped)
        what = {"name": wanted.name, "words": words}
        flash(str(_("The view “{name}” is shown without what isn't there for you: {words}", **what)), "warning")
    if named and query.arguments().keys() == {"view"}:
        return None
    return redirect(f"{request.path}?{urlencode(query.arguments(), doseq=True)}")


def _named(views: Sequence[OfferedView], name: str) -> SavedView | None:
    return next((one.view for one in views if one.view.id == ids.parse(name)), None)


def forget_unknown(query: Query, views: Sequence[OfferedView]) -> bool:
    """Drop a view from the query that isn't offered; returns whether one was named."""
    if query.view in ("", WITHOUT) or _named(views, query.view) is not None:
        return False
    query.view = ""
    return True


def menu(view: Any, query: Query, views: Sequence[OfferedView]) -> ViewMenu:
    """The menu of views."""
    session, model = current_panel().session, view.model
    labels = {role.name: role.label for role in current_panel().policy.roles.values()}
    items = []
    for one in views:
        role = labels.get(one.view.role, one.view.role)
        shared: Message | str = _("shared with {role}", role=role) if role else ""
        opens = listed(str(labels.get(role, role)) for role in one.of_roles)
        items.append(
            ViewItem(
                id=one.view.id,
                name=one.view.name,
                url=f"{request.path}?view={one.view.id}",
                note=shared,
                opens=_("opens for {roles}", roles=opens) if opens else "",
                mine=one.mine,
                active=query.view == str(one.view.id),
                may_change=saved_views.may_change(session, one.view, model),
                role=one.view.role,
            )
        )
    active = next((item for item in items if item.active), None)
    shown = next((one.view for one in views if active is not None and one.view.id == active.id), None)
    sharing = saved_views.readers(session, model) if saved_views.may_share(session, model) else []
    arguments = saved_views.query_text(query)
    return ViewMenu(
        items=items,
        active=active,
        changed=shown is not None and arguments != _stored(view, shown),
        arguments=arguments,
        save_url=view.get_url(".views_view"),
        roles=[(role.name, role.label) for role in sharing],
    )


def _stored(view: Any, shown: SavedView) -> str:
    """The query of a view as the actor sees it."""
    query, _dropped = saved_views.opened(current_panel().session, shown, view.model, view.quick_filters())
    return saved_views.query_text(query)


class SavedViews:
    """Mix-in of SchemaView with the route that saves views."""

    model: Any
    get_url: Any

    @expose("/views/", methods=("POST",))
    def views_view(self) -> Any:
        """Save, replace, delete or prefer a view, and lead back to the list."""
        session, form = current_panel().session, request.form
        arguments = parse_qs(form.get("arguments", ""))
        query = saved_views.read(session, self.model, arguments)
        offered = saved_views.offered(session, self.model)
        wanted = _named(offered, form.get("view", ""))
        try:
            message = self._act(form.get("act", ""), query, wanted)
            session.commit()
        except UserError as problem:
            session.rollback()
            flash(str(problem.message), "danger")
            query.view = form.get("view", "")
        else:
            flash(str(message), "success")
        back = urlencode(query.arguments(), doseq=True)
        return redirect(f"{self.get_url('.index_view')}?{back or f'view={WITHOUT}'}")

    def _act(self, act: str, query: Query, wanted: SavedView | None) -> Message:
        """Carry out an act on a view and say what was done; `query.view` becomes the view that is shown then."""
        session, form = current_panel().session, request.form
        if act == "save":
            role = form.get("view_role", "")
            made = saved_views.save(session, self.model, query, form.get("view_name", ""), role)
            if form.get("view_default") == "1":
                saved_views.set_default(session, self.model, made, role)
            query.view = str(made.id)
            return _("The view “{name}” is saved.", name=made.name)
        if wanted is None or act not in ("replace", "delete", "prefer", "prefer_not"):
            raise UserError(NO_VIEW)
        query.view, name = str(wanted.id), wanted.name
        if act == "replace":
            saved_views.replace(session, self.model, wanted, query)
            return _("The view “{name}” is saved.", name=name)
        if act == "delete":
            saved_views.remove(session, self.model, wanted)
            query.view = ""
            return _("The view “{name}” is deleted.", name=name)
        role = form.get("view_role", "")
        saved_views.set_default(session, self.model, wanted if act == "prefer" else None, role)
        if act == "prefer":
            return _("The list opens with the view “{name}” from now on.", name=name)
        return _("The list opens without the view “{name}” from now on.", name=name)
