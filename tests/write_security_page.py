"""Writes the tables of docs/security.md: what groups may, and what each route answers to whom.

Run: `python -m tests.write_security_page`, after the access matrix was written anew.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"
MATRIX = ROOT / "tests" / "access_matrix.tsv"

YES, NO = "✓", "–"
# What each line of the table of groups stands on.
RIGHTS = (
    ("see designs, deployments, schedules and the history", "executor.view_execution"),
    ("see inputs, outputs and prompts in the history", "executor.view_payload"),
    ("execute deployments", "deployments.execute_deployment"),
    ("cancel, run again and resume executions", "executor.operate_execution"),
    ("see requests to people", "executor.view_decisionrequest"),
    ("decide requests of groups they belong to", "executor.decide_request"),
    ("make and revoke API keys of their own", "deployments.add_apikey"),
    ("see the deliveries of callbacks", "deployments.view_delivery"),
    ("make, change and import designs", "designs.change_design"),
    ("publish versions", "designs.publish_design"),
    ("try drafts", "designs.try_design"),
    ("deploy, change limits, undeploy", "deployments.change_deployment"),
    ("make and change schedules", "deployments.change_schedule"),
    ("manage model connections", "executor.change_modelconnection"),
    ("manage tool connections", "executor.change_toolconnection"),
    ("manage other people's keys", "deployments.change_apikey"),
    ("manage people and groups", "auth.change_user"),
    ("read the audit", "designs.view_auditentry"),
)
# Columns of the matrix as the page has them.
COLUMNS = {
    "anonymous": "nobody", "no group": "no group", "Viewer": "Viewer", "Operator": "Operator",
    "Designer": "Designer", "Deployer": "Deployer", "Administrator": "Admin.",
    "foreign": "other group", "key read": "key: read", "key execute": "execute",
    "key manage": "manage", "key bound": "bound", "key expired": "expired",
}  # fmt: skip
AREAS = {"": "home", "deployed": "deployed endpoints", "docs": "reference", "schema": "reference"}


def page_with_tables(text: str) -> str:
    """The page's text with its tables written anew."""
    for name, lines in (("groups", _groups()), ("routes", _routes())):
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"{PAGE} has not one place for the table of {name}.")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{''.join(lines)}\n{end}{rest.partition(end)[2]}"
    return text


def _groups() -> Iterator[str]:
    from designs.access import GROUPS

    yield _line(["may", *GROUPS])
    yield _line(["---", *([":-:"] * len(GROUPS))])
    for words, permission in RIGHTS:
        marks = [YES if given is None or permission in given else NO for given in GROUPS.values()]
        yield _line([words, *marks])


def _routes() -> Iterator[str]:
    rows = [line.split("\t") for line in MATRIX.read_text().splitlines()]
    callers, answers = rows[0][1:], {row[0]: row[1:] for row in rows[1:]}
    area = ""
    for found_area, path, method, name in sorted(_calls()):
        given = dict(zip(callers, answers[name], strict=False))
        if given["Administrator"] == "405":
            continue
        if found_area != area:
            yield f"\n#### {found_area}\n\n" if area else f"#### {found_area}\n\n"
            columns = [word for who, word in COLUMNS.items() if who in given]
            yield _line(["", *columns])
            yield _line(["---", *([":-:"] * len(columns))])
            area = found_area
        call = f"`{method} {path}`"
        yield _line([call, *(_mark(who, given[who]) for who in COLUMNS if who in given)])


def _calls() -> Iterator[tuple[str, str, str, str]]:
    """(area, path, method, the route's name in the matrix)"""
    from tests.access_routes import routes

    for route in routes():
        path = _readable(route.pattern)
        first, _, rest = path.strip("/").partition("/")
        kind = "API" if first == "api" else "Pages"
        word = rest.partition("/")[0] if first == "api" else first
        name = f"{route.name} {route.method}"
        yield f"{kind}: {AREAS.get(word, word)}", path, route.method, name


def _readable(pattern: str) -> str:
    """`^api/keys/(?P<pk>[^/]+)/?$` as `/api/keys/{id}`."""
    path = re.sub(r"/\?\$$|[\^$]", "", pattern)
    path = re.sub(r"<\w+:(\w+)>", r"{\1}", path)
    while found := re.search(r"\(\?P<(\w+)>(?:\[[^\]]*\]|[^()\[])*\)", path):
        path = f"{path[: found.start()]}{{{found[1]}}}{path[found.end() :]}"
    path = path.replace("/{path}", "{path}").replace("{path}", "/{path}")
    return "/" + re.sub(r"\{(pk|\w+_id)\}", "{id}", path)


def _mark(who: str, status: str) -> str:
    """A refusal as it is, anything else as being let in: the requests have no body."""
    if who == "anonymous" and status == "302":
        return "sign in"
    return {"403": NO, "401": "401", "404": "404", "405": ""}.get(status, YES)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251
    with tempfile.TemporaryDirectory() as folder:
        # Nothing is read there, and the installation of this folder is none of ours.
        os.environ["ORCHESTRA_DATA"] = folder  # noqa: TID251
        import django

        django.setup()
        PAGE.write_text(page_with_tables(PAGE.read_text()))


if __name__ == "__main__":
    main()
