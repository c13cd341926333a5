"""Model connections in the admin: made, changed, deleted, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from executor.models import ModelConnection
from tests.admin_pages import act, filled, saved, text_of, url_of
from tests.executor.connections import KEY, connect
from tests.model_server import ModelServer, model_server

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
ADD = "/admin/executor/modelconnection/add/"
LIST = "/admin/executor/modelconnection/"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as found:
        yield found


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def only() -> ModelConnection:
    return ModelConnection.objects.get()


def errors_of(page: Any) -> dict[str, list[str]]:
    return dict(page.context["adminform"].form.errors)


def test_one_is_made_with_its_key_and_found_in_the_list(browser: Client) -> None:
    given = {"base_url": "http://127.0.0.1:9/v1", "default_model": "small", "new_key": f" {KEY}\n"}
    page = saved(browser, ADD, name="my-vllm", **given)
    row = only()
    assert row.api_key.reveal() == KEY
    assert (row.is_enabled, row.timeout_seconds, row.max_concurrent_calls) == (True, 120, None)
    assert "my-vllm" in text_of(page)
    listed = text_of(browser.get(LIST, {"q": "my-v"}))
    for word in ("my-vllm", "OpenAI-compatible server", "Not tested", "Stored", "small"):
        assert word in listed
    assert "Model connections" in text_of(browser.get("/admin/"))


def test_an_empty_key_keeps_the_stored_one_and_a_box_removes_it(
    browser: Client, server: ModelServer
) -> None:
    row = connect(server)
    saved(browser, url_of(row), default_model="large", max_concurrent_calls="4")
    assert (only().api_key.reveal(), only().default_model) == (KEY, "large")
    saved(browser, url_of(row), new_key="sk-newer")
    assert only().api_key.reveal() == "sk-newer"
    saved(browser, url_of(row), remove_key="on")
    assert not only().api_key
    assert "remove_key" not in filled(browser.get(url_of(row)))


def test_a_stored_key_is_not_sent_to_another_address(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    elsewhere = "http://127.0.0.1:9/v1"
    page = saved(browser, url_of(row), base_url=elsewhere)
    assert "belongs to the address it was typed for" in errors_of(page)["new_key"][0]
    assert only().base_url == server.url
    saved(browser, url_of(row), base_url=elsewhere, new_key="sk-for-it")
    assert (only().base_url, only().api_key.reveal()) == (elsewhere, "sk-for-it")
    saved(browser, url_of(row), base_url=server.url, remove_key="on")
    assert (only().base_url, only().api_key.reveal()) == (server.url, "")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "My vLLM", "starts with a lower-case letter"),
        ("name", "openai", "is the word for a provider"),
        ("name", "offline", "is the word for a provider"),
        ("name", "taken", "Another connection has this name."),
        ("base_url", "", "needs an address"),
        ("base_url", "file:///etc/passwd", "Write an address such as"),
        ("base_url", "http://[::1", "Write an address such as"),
        ("base_url", f"http://{'a' * 70}.example/", "Write an address such as"),
        ("base_url", "http://me:secret@host/v1", "without name, password"),
        ("new_key", "sk-ü", "printable ASCII"),
        ("timeout_seconds", "601", "less than or equal to 600"),
        ("max_concurrent_calls", "0", "greater than or equal to 1"),
        ("provider", "nobody", "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    browser: Client, server: ModelServer, field: str, value: str, sentence: str
) -> None:
    connect(server, "taken")
    given = {"name": "vllm", "base_url": "http://127.0.0.1:9/v1", field: value}
    errors = errors_of(saved(browser, ADD, **given))
    assert any(sentence in text for texts in errors.values() for text in texts), errors
    assert field in errors or "__all__" in errors
    assert ModelConnection.objects.count() == 1


def test_a_provider_that_wants_a_key_is_not_kept_without(browser: Client) -> None:
    page = saved(browser, ADD, name="claude", provider="anthropic")
    assert errors_of(page) == {"new_key": ["Anthropic needs a key."]}


# --- Rights ---------------------------------------------------------------------------------------


def test_who_has_no_right_sees_nothing_of_it(
    make_user: Callable[..., User], browser_of: Browser, server: ModelServer
) -> None:
    row = connect(server)
    groups = ("Viewer", "Operator", "Designer", "Deployer")
    other = browser_of(make_user("other", *groups, is_staff=True))
    assert "Model connections" not in text_of(other.get("/admin/"))
    for url in (LIST, ADD, url_of(row), url_of(row, "test"), url_of(row, "delete")):
        assert other.get(url).status_code == 403
        assert other.post(url, {"post": "yes"}).status_code == 403
    assert only().tested_at is None
    assert Client().get(LIST).status_code == 302


def test_who_may_only_look_changes_and_tests_nothing(
    make_user: Callable[..., User], browser_of: Browser, server: ModelServer
) -> None:
    row = connect(server)
    user = make_user("looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_modelconnection"))
    looker = browser_of(user)
    page = text_of(looker.get(url_of(row)))
    assert "Stored" in page
    assert "new_key" not in page
    assert looker.post(url_of(row), {"name": "x"}).status_code == 403
    assert looker.post(url_of(row, "test")).status_code == 403
    act(looker, row, "disable")
    assert only().is_enabled
    assert server.calls == []


def test_rows_are_switched_and_deleted(browser: Client, server: ModelServer) -> None:
    row = connect(server)
    act(browser, row, "disable")
    assert not only().is_enabled
    act(browser, row, "enable")
    assert (only().is_enabled, only().api_key.reveal()) == (True, KEY)
    browser.post(url_of(row, "delete"), {"post": "yes"})
    assert not ModelConnection.objects.exists()
