"""Who gets what at every route, compared with the checked-in table: a new route needs a row.

The table is written anew by `pytest tests/test_access_matrix.py --write-access-matrix`; read the
difference before you commit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from deployments.access.keys import create_key, revoke_key
from deployments.calls.lookup import forget_deployments
from designs.access import GROUPS, caller_of
from tests.access_routes import Route, World, address, make_world, routes

# Rights are ours, whichever database keeps them.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

TABLE = Path(__file__).parent / "access_matrix.tsv"
PEOPLE = ("anonymous", "no group", *GROUPS, "foreign")
KEYS = ("key read", "key execute", "key manage", "key expired", "key revoked", "key bound")
CALLERS = (*PEOPLE, *KEYS)
# The right is there, but a key's new secret is for its owner alone.
REFUSED_BY_THE_ROW = {
    (f"{name} {method}", "foreign")
    for name in ("deployments-api:key-rotate", "deployments:key-rotate")
    for method in ("GET", "POST")
}


@pytest.fixture
def people(make_user: Callable[..., User]) -> dict[str, User]:
    found = {name: make_user(name.replace(" ", "-"), name) for name in GROUPS}
    found["no group"] = make_user("no-group")
    found["foreign"] = make_user("foreign", "Administrator")
    return found


@pytest.fixture
def keys(people: dict[str, User]) -> dict[str, str]:
    owner = people["Administrator"]
    found = {
        f"key {scope}": create_key(owner=owner, scopes=(scope,))[1]
        for scope in ("read", "execute", "manage")
    }
    yesterday = timezone.now() - timedelta(days=1)
    found["key expired"] = create_key(owner=owner, expires_at=yesterday)[1]
    revoked, found["key revoked"] = create_key(owner=owner)
    revoke_key(key=revoked)
    elsewhere = make_world(owner).deployment
    found["key bound"] = create_key(owner=owner, deployments=[elsewhere])[1]
    return found


class Asker:
    """Sends each request to rows that no earlier one has changed."""

    def __init__(self, people: dict[str, User], keys: dict[str, str]) -> None:
        self.people, self.keys = people, keys
        # To sign in anew for each request would be a third of all the work.
        self.sessions: dict[str, str] = {}
        self.elsewhere = Group.objects.create(name="Elsewhere")
        self.worlds = {hidden: self._make_world(hidden=hidden) for hidden in (False, True)}

    def ask(self, route: Route, who: str) -> int:
        hidden = who == "foreign"
        status = self._send(route, who, self.worlds[hidden])
        if route.method != "GET" and status < 400:
            # It may have ended the session, too.
            self.sessions.pop(who, None)
            self.worlds[hidden] = self._make_world(hidden=hidden)
        return status

    def _make_world(self, *, hidden: bool) -> World:
        made = make_world(self.people["Administrator"])
        if hidden:
            made.deployment.groups.set([self.elsewhere])
        forget_deployments()
        return made

    def _send(self, route: Route, who: str, world: World) -> int:
        browser = self._browser(who)
        headers: dict[str, Any] = {}
        if who in self.keys:
            headers["HTTP_AUTHORIZATION"] = f"Bearer {self.keys[who]}"
        body: dict[str, Any] = {}
        if route.method != "GET":
            body = {"data": "{}", "content_type": "application/json"} if route.is_api else {}
        url = address(route, world)
        answer = browser.generic(route.method, url, **body, **headers)
        if getattr(answer, "streaming", False):
            answer.close()
        return answer.status_code

    def _browser(self, who: str) -> Client:
        """Without anything of its earlier requests but the session."""
        found = Client(raise_request_exception=False)
        if who in self.sessions:
            found.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[who]
        elif who in self.people:
            found.force_login(self.people[who])
            self.sessions[who] = found.cookies[settings.SESSION_COOKIE_NAME].value
        return found


def test_every_route_answers_as_the_table_says(
    people: dict[str, User], keys: dict[str, str], request: pytest.FixtureRequest
) -> None:
    asker = Asker(people, keys)
    found = {
        f"{route.name} {route.method}": [
            str(asker.ask(route, who)) for who in CALLERS if route.is_api or who in PEOPLE
        ]
        for route in routes()
    }
    if request.config.getoption("--write-access-matrix"):
        TABLE.write_text("".join(_lines(found)))
    assert found == _table()


def test_the_table_follows_from_the_permissions(people: dict[str, User]) -> None:
    """No fault, nothing for strangers, 403 exactly where the declared permission is missing."""
    rights = {name: caller_of(user) for name, user in people.items()}
    table = _table()
    for route in routes():
        answers = dict(zip(CALLERS, table[f"{route.name} {route.method}"], strict=False))
        where = f"{route.name} {route.method}"
        if route.name in ("health-live", "health-ready"):
            # Everybody's; and not ready, because no worker runs beside this test.
            continue
        assert not [s for s in answers.values() if s.startswith("5")], where
        assert answers["anonymous"] in ("401", "302", "405"), where
        for who, caller in rights.items():
            if route.permission is None or answers[who] == "405":
                continue
            if not caller.may(route.permission):
                assert answers[who] == "403", (where, who)
            elif (where, who) not in REFUSED_BY_THE_ROW:
                assert answers[who] != "403", (where, who)
        for who in ("key expired", "key revoked"):
            assert answers.get(who, "401") in ("401", "302", "405"), (where, who)


def test_a_route_declares_what_it_needs() -> None:
    free = {"health-live", "api-schema", "api-docs", "designs-api:design-schema", "style"}
    # One's own, whatever the rights.
    free |= {"account", "account-password", "account-sessions-end"}
    assert {route.name for route in routes() if route.permission is None} <= free


def _lines(found: dict[str, list[str]]) -> Iterator[str]:
    yield "\t".join(["route", *CALLERS]) + "\n"
    for name, answers in found.items():
        yield "\t".join([name, *answers]) + "\n"


def _table() -> dict[str, list[str]]:
    lines = TABLE.read_text().splitlines()[1:]
    return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
