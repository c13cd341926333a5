"""Who has not signed in is told nothing that they sent: no answer says whether it is a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from designs.secrets import masking
from designs.secrets.known import KnownSecrets
from tests.orchestra.signing_in import attempt

pytestmark = pytest.mark.django_db

# One that people chose, one that a machine made, and one that nobody knows here.
CHOSEN, MADE, OTHER = "red-password-1", "q7KdZt93Lm1wB8xRv-5d1f9b3c7a2e", "blue-password-2"
GUESSES = (CHOSEN, MADE, OTHER)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    masking.learn(CHOSEN, MADE)
    masking.learn_chosen(CHOSEN)


Ask = Callable[[Client, str], HttpResponse]
WAYS: dict[str, Ask] = {
    "404 of the API": lambda c, g: c.get(f"/api/{g}/{g}"),
    "404 of the API, posted": lambda c, g: c.post(f"/api/{g}", {"a": g}, "application/json"),
    "404 of a page": lambda c, g: c.get(f"/{g}/"),
    "401 by path": lambda c, g: c.get(f"/api/deployed/{g}"),
    "401 by search": lambda c, g: c.get("/api/designs", {"text": g, g: g}),
    "401 by key": lambda c, g: c.get("/api/designs", headers={"x-api-key": g}),
    "401 of an endpoint by key": lambda c, g: c.get(
        "/api/deployed/x", headers={"authorization": f"Bearer {g}"}
    ),
    "401 by scheme": lambda c, g: c.get("/api/designs", headers={"authorization": f"{g} {g}"}),
    "not JSON": lambda c, g: c.post("/api/designs", f"not JSON {g}", "application/json"),
    "another type": lambda c, g: c.post("/api/designs", g, f"text/{g}"),
    "another type at an endpoint": lambda c, g: c.post("/api/deployed/x", g, f"text/{g}"),
    "another method": lambda c, g: c.generic(g.upper(), "/api/designs"),
    "another method at an endpoint": lambda c, g: c.generic(g.upper(), "/api/deployed/x"),
    "another method of a page": lambda c, g: c.generic(g.upper(), "/sign-in/"),
    "another method of health": lambda c, g: c.generic(g.upper(), "/api/health/live"),
    "another language": lambda c, g: c.get("/api/health/live", headers={"accept": f"text/{g}"}),
    "another host": lambda c, g: c.get("/", headers={"host": f"{g}.example"}),
    "an id": lambda c, g: c.get(f"/api/executions/{g}"),
    "the name that was typed": lambda c, g: attempt(g, g),
    "the admin's": lambda c, g: c.post("/admin/login/", {"username": g, "password": g}),
    "a cookie": lambda c, g: c.get("/api/health/live", headers={"cookie": f"{g}={g}"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_answer_to_nobody_repeats_what_was_sent(way: str) -> None:
    seen = []
    for guess in GUESSES:
        answer = WAYS[way](Client(), guess)
        told = f"{sorted(answer.items())} {answer.content.decode()}"
        assert guess not in told
        assert guess.upper() not in told
        assert "(secret)" not in told
        seen.append((answer.status_code, len(answer.content)))
    # The right guesses are answered as the wrong one is.
    assert len(set(seen)) == 1


@pytest.mark.parametrize("token", [None, "of-another-form"])
def test_a_form_of_another_site_is_answered_without_its_origin(token: str | None) -> None:
    for guess in GUESSES:
        browser = Client(enforce_csrf_checks=True)
        headers = {"origin": f"https://{guess}.example", "referer": f"https://{guess}.example/"}
        data = {"username": guess, "csrfmiddlewaretoken": token or ""}
        answer = browser.post("/sign-in/", data, headers=headers)
        assert answer.status_code == 403
        assert guess not in answer.content.decode()


def test_a_session_from_another_site_is_answered_without_its_origin(viewer: User) -> None:
    for guess in GUESSES:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(viewer)
        headers: dict[str, Any] = {"origin": f"https://{guess}.example"}
        answer = browser.post("/api/designs", {}, "application/json", headers=headers)
        assert answer.status_code == 403
        assert guess not in answer.content.decode()


@pytest.mark.parametrize("guess", GUESSES)
def test_who_has_signed_in_is_told_what_they_sent_as_they_sent_it(
    guess: str, designer: User, browser_of: Callable[[User], Client]
) -> None:
    """Quoted, it is not compared either."""
    browser = browser_of(designer)
    refused = browser.post("/api/designs", {"document": {guess: 1}}, "application/json")
    assert "(secret)" not in refused.content.decode()
    unknown = browser.get(f"/designs/?text={quote(guess)}")
    assert guess in unknown.content.decode()
