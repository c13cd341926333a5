"""The pages of model connections: list, form, test, default, deletion, and who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from designs.models import AuditEntry
from executor.models import ModelConnection
from tests.admin_pages import text_of
from tests.executor.connections import KEY, connect
from tests.model_server import ModelServer, fails, model_server

# Tests are made on another thread, which has a database connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)
Browser = Callable[[User], Client]
LIST = "/connections/"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as started:
        yield started


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def page_of(row: ModelConnection, verb: str) -> str:
    return reverse(f"executor:connection-{verb}", args=[row.pk])


def only() -> ModelConnection:
    return ModelConnection.objects.get()


def fields(**changed: Any) -> dict[str, Any]:
    """A filled-in form."""
    return {
        "name": "my-vllm", "provider": "openai_compatible", "base_url": "http://127.0.0.1:9/v1",
        "default_model": "small", "is_enabled": "on", "timeout_seconds": "120",
        "takes_json_schema": "on", "has_system_role": "on", "streams": "on", **changed,
    }  # fmt: skip


def test_a_connection_is_added_and_its_key_is_never_shown(browser: Client) -> None:
    assert "Connect a model" in text_of(browser.get(LIST))
    answer = browser.post("/connections/new/", fields(new_key=KEY))
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert only().api_key.reveal() == KEY
    for page in (browser.get(LIST), browser.get(page_of(only(), "edit"))):
        assert KEY not in page.content.decode()
    assert "Not tested" in text_of(browser.get(LIST))


def test_errors_stand_at_their_fields_and_nothing_typed_is_lost(browser: Client) -> None:
    answer = browser.post("/connections/new/", fields(name="openai", output_price_usd="1"))
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {"name", "input_price_usd"}
    assert answer.context["form"].has_opened_details
    assert "http://127.0.0.1:9/v1" in answer.content.decode()
    assert not ModelConnection.objects.exists()


def test_a_stored_key_is_not_sent_to_another_address(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    given = fields(name=row.name, base_url="http://127.0.0.1:9/v1")
    answer = browser.post(page_of(row, "edit"), given)
    assert answer.status_code == 422
    assert "belongs to the address" in answer.context["form"].errors["new_key"][0]
    assert only().base_url == server.url


def test_saving_can_test_at_once(browser: Client, server: ModelServer) -> None:
    given = fields(base_url=server.url, test="1")
    page = browser.post("/connections/new/", given, follow=True)
    assert [message.level_tag for message in page.context["messages"]] == ["success", "success"]
    assert "Answers" in text_of(page)
    assert only().test_passed


def test_a_test_says_what_the_server_said(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    server.then(*[fails(401, "<b>no such key</b>")] * 9)
    answer = browser.post(page_of(row, "test"), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Fails" in text_of(answer)
    assert "<b>no such key" not in answer.content.decode()
    assert only().test_passed is False
    assert AuditEntry.objects.filter(additional_data__test_passed=False).exists()


def test_deleting_asks_first(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    assert "Delete vllm?" in text_of(browser.get(page_of(row, "delete")))
    assert only().pk == row.pk
    browser.post(page_of(row, "delete"))
    assert not ModelConnection.objects.exists()
    assert browser.post(page_of(row, "delete")).status_code == 404


def test_only_administrators_find_the_page(
    operator: User, administrator: User, browser_of: Browser
) -> None:
    assert LIST not in browser_of(operator).get("/").content.decode()
    assert browser_of(operator).get(LIST).status_code == 403
    assert LIST in browser_of(administrator).get("/").content.decode()


def test_the_list_costs_the_same_for_many(browser: Client, server: ModelServer) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert browser.get(LIST).status_code == 200
        return len(counted)

    connect(server, "first")
    browser.get(LIST)
    few = queries()
    for number in range(20):
        connect(server, f"more-{number}")
    browser.get(LIST)
    assert queries() <= few
