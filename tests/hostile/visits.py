"""Which pages are opened, and what is done there: everything, or a part that stands for it."""

from __future__ import annotations

import re

from tests.hostile.browser import Visit
from tests.hostile.texts import polyglots

# Forms that come back with what was typed.
FORMS = (
    "/deployments/new/", "/keys/new/", "/account/password/",
    "/admin/auth/user/add/", "/admin/auth/group/add/", "/admin/designs/design/add/",
    "/admin/deployments/apikey/add/", "/admin/executor/modelconnection/add/",
    "/admin/deployments/deployment/add/", "/admin/django_celery_beat/crontabschedule/add/",
)  # fmt: skip
# Actions for all rows of a list: a question that names them, or what is said afterwards.
ACTIONS = {
    "/admin/auth/user/": ["delete_selected"],
    "/admin/deployments/deployment/": ["delete_selected"],
    "/admin/executor/modelconnection/": ["disable"],
}
MORE_ACTIONS = {
    "/admin/auth/group/": ["delete_selected"],
    "/admin/designs/design/": ["delete_selected"],
    "/admin/executor/modelconnection/": ["disable", "delete_selected"],
}
# Verbs whose success is told by a message that names the row.
TOLD_OF = re.compile(r"/admin/.*/(publish|clone|restore|rerun)/$")
SHOWS_ROWS = re.compile(
    r"/(account/|(deployments|designs|executions|keys|schedules)/([\w-]{36}/)?)?$"
)
# Pages of one template with the name of a row in it, what is refused, and what leads to a page that
# is opened anyway: some stand for all.
ALIKE = re.compile(
    r"/admin/.*/(history|delete|add|callback-secret|resume|cancel|rotate|revoke|test|live|page)/$"
    r"|/admin/.*/(occurrences|execute)/$|/(account|deployments)/.*/(end|switch|status)/$"
    r"|/executions/.*/(cancel|rerun|resume)/$"
)
STANDING_FOR_THEM = re.compile(
    r"/admin/deployments/deployment/.*/(history|delete|execute)/$|/admin/(auth/user|deployments/schedule)/.*/delete/$"
    r"|/admin/designs/auditentry/add/$|/account/sessions/end/$"
)


def visits(paths: list[str], *, everything: bool) -> list[Visit]:
    """Each page once. Without `everything` one page for pages that differ in the row only, one
    search with all texts and one form with a text in each field for those of each text, and only
    what shows rows, not forms and questions, again as a fragment.
    """
    texts = polyglots()[:3]
    chosen = list(paths) if everything else _part(paths)
    actions = {**ACTIONS, **MORE_ACTIONS} if everything else ACTIONS
    turns = [[*texts[at:], *texts[:at]] for at in range(len(texts) if everything else 1)]
    found = []
    for path in dict.fromkeys([*chosen, *FORMS]):
        forms = turns if path in FORMS else [["/copied/path"]] if TOLD_OF.match(path) else []
        again = not path.startswith("/admin/") and (everything or bool(SHOWS_ROWS.match(path)))
        found.append(Visit(path, forms, actions.get(path, ()), again))
    # What changes rows comes when the rows were seen.
    return sorted(found, key=lambda visit: bool(visit.doings()))


def _part(paths: list[str]) -> list[str]:
    kept = [path for path in paths if not ALIKE.match(path) or STANDING_FOR_THEM.match(path)]
    # Of searches that differ in the text only the last, which has all.
    return list({path.partition("=")[0]: path for path in kept}.values())
