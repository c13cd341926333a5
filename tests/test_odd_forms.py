"""Every form of pages and admin takes odd values field by field: answered, never with a fault.

The forms are those that the pages show, so a new page or field is tried without a line here. What
a form does is rolled back: each value meets the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client

from tests.access_routes import address, make_world, routes
from tests.admin_pages import url_of
from tests.crawling import links_of
from tests.odd_texts import BEHIND, EACH, LONG, SHORT
from tests.orchestra.admin_rows import MAKERS
from tests.page_forms import PageForm, forms_of

pytestmark = [pytest.mark.django_db, pytest.mark.on_postgres]

PAGES = sorted({one.name for one in routes() if not one.is_api and one.method == "GET"})
STREAMS = ("-stream", "-events")
FORM = "application/x-www-form-urlencoded"
# As many rows as an action of the admin's lists may be told to do it to.
SELECTED = "_selected_action"


@pytest.fixture
def browser(db: None) -> Client:
    root = User.objects.create_superuser("root", password="correct horse battery staple")
    found = Client(raise_request_exception=False)
    found.force_login(root)
    return found


def fault(browser: Client, method: str, url: str, body: str = "") -> str:
    """What is wrong with the answer; nothing if it is one."""
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    with transaction.atomic():
        answer = browser.generic(method, url, body, content_type=FORM if body else "text/plain")
        found = _judged(answer)
        if not connection.needs_rollback:
            connection.check_constraints()
        transaction.set_rollback(True)
    for name, value in cookies.items():
        browser.cookies[name] = value
    return f"{found}: {method} {url[:150]} {body[:300]}" if found else ""


def _judged(answer: Any) -> str:
    if answer.streaming:
        answer.close()
        return ""
    text = answer.content.decode()
    said = [words for words in BEHIND if words in text]
    return str(answer.status_code) if answer.status_code >= 500 else ", ".join(said)


def _bodies(form: PageForm) -> Iterator[str]:
    """Each field in turn is odd, and all of them together."""
    actions = form.choices.get("action", []) if SELECTED in form.values else []
    for action in actions:
        for text in EACH[::2]:
            yield form.body(action=[action], **{SELECTED: [text]})
    for number, name in enumerate(form.names):
        # One at each field, all of them at each eight: a form costs tens of requests.
        yield form.body(**{name: [EACH[number % len(EACH)]]})
    for name in form.names[:1]:
        yield form.body(**{name: ["1", "2"]})
        yield form.body(**{name: [], f"{name}[]": ["1"]})
    # Others at each form.
    for text in SHORT[len(form.names) % 3 :: 3]:
        yield form.body(**{name: [text] for name in form.names})
    for name, text in zip(cycle(form.texts or form.names), LONG[:3], strict=False):
        yield form.body(**{name: [text]})


def faults(browser: Client, url: str) -> list[str]:
    """Of a page's own address, asked with odd queries, and of all its forms."""
    page = browser.get(url)
    if page.status_code != 200 or page.streaming:
        return []
    forms = {
        (form.action, tuple(form.names)): form for form in forms_of(page.content.decode(), url)
    }
    found = []
    for form in forms.values():
        if "sign-out" in form.action or "logout" in form.action:
            continue
        if form.method == "post":
            found += [fault(browser, "POST", form.action, body) for body in _bodies(form)]
        else:
            found += [fault(browser, "GET", f"{form.action}?{body}") for body in _asked(form)]
    return [one for one in found if one]


def _asked(form: PageForm) -> Iterator[str]:
    for number, name in enumerate((*form.names, "page")):
        yield form.body(**{name: [EACH[number % len(EACH)]]})
        yield form.body(**{name: ["1", EACH[(number + 4) % len(EACH)]]})


@pytest.mark.parametrize("name", PAGES)
def test_forms_of_pages(browser: Client, name: str) -> None:
    if name.endswith(STREAMS):
        return
    world = make_world(User.objects.get())
    route = next(one for one in routes() if one.name == name and one.method == "GET")
    assert faults(browser, address(route, world)) == []


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model._meta.label)
def test_forms_of_the_admin(browser: Client, model: type[Model]) -> None:
    row = MAKERS[model._meta.label]()
    shown = url_of(row)
    verbs = [
        link for link in _verbs(browser, shown) if link.startswith(shown.removesuffix("change/"))
    ]
    pages = [url_of(model, "changelist"), url_of(model, "add"), shown, url_of(row, "delete")]
    found = [one for url in dict.fromkeys((*pages, *verbs)) for one in faults(browser, url)]
    assert found == []


def _verbs(browser: Client, url: str) -> list[str]:
    page = browser.get(url)
    return links_of(page.content.decode(), f"http://here{url}") if page.status_code == 200 else []
