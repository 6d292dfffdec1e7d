"""The frame of a page: side bar, search, badges and bell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request, url_for

from panel.i18n import Message, listed, text
from panel.jobs.records import Job
from panel.notify import notices
from panel.notify.records import Notice
from panel.search import listing
from panel.security.granted import acting_as
from panel.security.policy import Actor, Permission
from panel.web.context import current_actor
from panel.web.pages import Frame, MenuGroup, MenuItem
from panel.web.panel import Link, Panel
from panel.web.system import find_pages, handbook_pages, job_pages
from panel.web.tables import left_lists

#: A menu of so few groups shows them all.
OPEN_GROUPS = 3


def frame(panel: Panel) -> Frame | None:
    """The frame for the logged-in account, with all its roles also on a page that acts by some of them; None without
    one."""
    actor = current_actor()
    if actor.user_id is None:
        return None
    with acting_as(panel.session, actor):
        return _frame(panel, actor)


def _frame(panel: Panel, actor: Actor) -> Frame:
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

    covered: dict[str, str] = {}
    for link in shown:
        for endpoint in link.covers:
            covered.setdefault(endpoint, link.endpoint)
    for link in shown:
        if link.first:
            add(link.group, _link_item(link, badges.get(link.endpoint, 0), covered))
    for view in readable:
        if view.endpoint in covered:
            continue
        url = left_lists.address(view.endpoint, url_for(f"{view.endpoint}.index_view"))
        active = request.blueprint == view.endpoint
        add(view.group, MenuItem(view.model.__labels__, url, view.icon, active, badges.get(view.endpoint, 0)))
    for link in shown:
        if not link.first:
            add(link.group, _link_item(link, badges.get(link.endpoint, 0), covered))
    return Frame(
        unit=panel.unit(),
        sub=panel.sub(),
        menu=_arranged(panel, groups),
        person=actor.name,
        roles=listed(str(role.label) for role in panel.policy.roles_of(actor)),
        banners=panel.banners(),
        search_hint=listed(str(v.model.__labels__) for v in find_pages.searched(panel)[:4]),
        locale=text.current_locale(),
        locales=text.LOCALES,
        bar=_bar(panel, actor, {view.endpoint for view in readable} - {*covered}, shown),
        unread=unread,
        unseen=unseen,
        help_url=handbook_pages.help_url(),
    )


def _bar(panel: Panel, actor: Actor, lists: set[str], links: Sequence[Link]) -> list[MenuItem]:
    """What a thumb reaches on a phone; nothing where it would be one place alone."""
    icons = {link.endpoint: link.icon for link in links} | {name: panel.views[name].icon for name in lists}
    found = []
    for thumb in panel.bar:
        if (endpoint := next((one for one in thumb.endpoints if one in icons), None)) is None:
            continue
        url = url_for(f"{endpoint}.index_view" if endpoint in lists else endpoint)
        url += f"?is={quick}" if (quick := thumb.opens(actor)) else ""
        active = endpoint in {request.blueprint, request.endpoint}
        found.append(MenuItem(thumb.label, url, icons[endpoint], active))
    return found if len(found) > 1 else []


def _link_item(link: Link, count: int, covered: Mapping[str, str]) -> MenuItem:
    url = url_for(link.endpoint)
    active = request.path == url or covered.get(request.blueprint or "") == link.endpoint
    return MenuItem(link.label, url, link.icon, active=active, count=count)


def _arranged(panel: Panel, groups: dict[Message, MenuGroup]) -> list[MenuGroup]:
    """The groups in the panel's order. A short menu has none folded."""
    for label, group in groups.items():
        at_hand = len(groups) <= OPEN_GROUPS or any(item.active for item in group.items)
        group.folded = label in panel.menu_folded and not at_hand
    order = {label: place for place, label in enumerate(panel.menu_order)}
    return [groups[label] for label in sorted(groups, key=lambda label: order.get(label, len(order)))]
