"""The frame of a page: side bar, search, badges and bell."""

from __future__ import annotations

from flask import request, url_for

from panel.i18n import Message, text
from panel.jobs.records import Job
from panel.notify import notices
from panel.notify.records import Notice
from panel.search import listing
from panel.security.policy import Permission
from panel.web.context import current_actor
from panel.web.pages import Frame, MenuGroup, MenuItem
from panel.web.panel import Link, Panel
from panel.web.system import job_pages


def frame(panel: Panel) -> Frame | None:
    """The frame for the logged-in account; None without one."""
    actor = current_actor()
    if actor.user_id is None:
        return None
    readable = [v for v in panel.views.values() if panel.policy.may(actor, Permission.READ, v.model)]
    shown = [link for link in panel.links if link.may()]
    counted = {v.endpoint: (v.model, v.quick_filters()[v.badge].condition(actor)) for v in readable if v.badge}
    counted |= {link.endpoint: link.badge(actor) for link in shown if link.badge}
    bell = [(Notice, notices.unread(actor)), (Job, job_pages.unseen())]
    *numbers, unread, unseen = listing.counts(panel.session, [*counted.values(), *bell])
    badges = dict(zip(counted, numbers, strict=True))
    groups: dict[Message, MenuGroup] = {}

    def add(group: Message, item: MenuItem) -> None:
        groups.setdefault(group, MenuGroup(group, [])).items.append(item)

    for link in shown:
        if link.first:
            add(link.group, _link_item(link, badges.get(link.endpoint, 0)))
    for view in readable:
        url = url_for(f"{view.endpoint}.index_view")
        active = request.blueprint == view.endpoint
        add(view.group, MenuItem(view.model.__labels__, url, view.icon, active, badges.get(view.endpoint, 0)))
    for link in shown:
        if not link.first:
            add(link.group, _link_item(link, badges.get(link.endpoint, 0)))
    search_view = panel.views.get(panel.search_table)
    if search_view is None or search_view not in readable:
        search_view = next((v for v in readable if listing.searchable(v.model)), None)
    return Frame(
        unit=panel.unit(),
        sub=panel.sub(),
        menu=list(groups.values()),
        person=actor.name,
        roles="、".join(str(role.label) for role in panel.policy.roles_of(actor)),
        banner=panel.banner(),
        search_url=url_for(f"{search_view.endpoint}.index_view") if search_view else None,
        search_hint="、".join(str(f.label) for f in listing.searchable(search_view.model)[:4]) if search_view else "",
        locale=text.current_locale(),
        locales=text.LOCALES,
        unread=unread,
        unseen=unseen,
    )


def _link_item(link: Link, count: int) -> MenuItem:
    url = url_for(link.endpoint)
    return MenuItem(link.label, url, link.icon, active=request.path == url, count=count)
