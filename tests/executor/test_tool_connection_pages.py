"""The pages of tool connections and tools: from adding one to trying a tool, and who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executor.models import Tool, ToolConnection
from tests.admin_pages import text_of
from tests.tool_servers import sample_tools

pytestmark = pytest.mark.django_db(transaction=True)

Browser = Callable[[User], Client]
SECRET = "canary-of-tool-pages-19d4e7"


@pytest.fixture
def url() -> Iterator[str]:
    with sample_tools() as found:
        yield found


@pytest.fixture
def browser(administrator: User, browser_of: Browser) -> Client:
    return browser_of(administrator)


def fields(url: str, **changed: Any) -> dict[str, Any]:
    """A filled-in form."""
    return {
        "kind": "mcp", "name": "shop", "url": url, "is_enabled": "on", "auth": "bearer",
        "new_secret": SECRET, "timeout_seconds": "60", "max_concurrent_calls": "16",
        "max_response_bytes": "1048576", **changed,
    }  # fmt: skip


def decided(tool: Tool, **changed: Any) -> dict[str, Any]:
    return {
        "is_offered": "on", "effect": "read", "approval": "never", "untrusted": "on",
        "on_unknown_outcome": "ask", "most_result_characters": "20000", "digest": tool.digest,
        **changed,
    }  # fmt: skip


def add(browser: Client, url: str) -> ToolConnection:
    answer = browser.post("/tools/new/", fields(url, test="1"), follow=True)
    assert answer.status_code == 200
    return ToolConnection.objects.get()


def test_a_connection_is_added_tested_and_read(browser: Client, url: str):
    assert "Connect tools" in text_of(browser.get("/tools/"))
    row = add(browser, url)
    page = text_of(browser.get(f"/tools/{row.pk}/"))
    assert "speaks MCP 2026-07-28 and lists 5 tools" in page
    read = text_of(browser.post(f"/tools/{row.pk}/read/", follow=True))
    assert "5 tools listed: 5 new" in read
    assert "find_orders" in read
    for where in ("/tools/", f"/tools/{row.pk}/edit/", f"/tools/{row.pk}/"):
        assert SECRET not in text_of(browser.get(where))


def test_a_tool_is_offered_and_tried(browser: Client, url: str):
    row = add(browser, url)
    browser.post(f"/tools/{row.pk}/read/")
    tool = Tool.objects.get(name="find_orders")
    page = text_of(browser.get(f"/tools/tool/{tool.pk}/"))
    assert "The server suggests: Only reads." in page
    browser.post(f"/tools/tool/{tool.pk}/decide/", decided(tool))
    tool.refresh_from_db()
    assert (tool.is_offered, tool.effect) == (True, "read")
    tried = browser.post(f"/tools/tool/{tool.pk}/try/", {"arguments": '{"customer": "acme"}'})
    assert "Office chair" in text_of(tried)
    unread = browser.post(f"/tools/tool/{tool.pk}/try/", {"arguments": "{"})
    assert unread.status_code == 422


def test_a_tool_that_may_change_something_wants_to_be_confirmed(browser: Client, url: str):
    row = add(browser, url)
    browser.post(f"/tools/{row.pk}/read/")
    tool = Tool.objects.get(name="send_note")
    where = f"/tools/tool/{tool.pk}/try/"
    given = {"arguments": '{"to": "ana", "text": "hello"}'}
    refused = browser.post(where, given)
    assert refused.status_code == 422
    assert "it would be called now" in text_of(refused)
    done = text_of(browser.post(where, {**given, "confirm": "on"}))
    assert "&quot;number&quot;: 1" in done or '"number":1' in done.replace("&quot;", '"')


def test_what_the_server_says_now_stands_beside_what_was_accepted(browser: Client, url: str):
    row = add(browser, url)
    browser.post(f"/tools/{row.pk}/read/")
    tool = Tool.objects.get(name="find_orders")
    browser.post(f"/tools/tool/{tool.pk}/decide/", decided(tool))
    Tool.objects.filter(pk=tool.pk).update(description="Finds parcels.", digest="older")
    browser.post(f"/tools/{row.pk}/read/")
    page = text_of(browser.get(f"/tools/tool/{tool.pk}/"))
    assert "What the server says now" in page
    assert "1 changed" in text_of(browser.get("/tools/"))
    tool.refresh_from_db()
    stale = browser.post(f"/tools/tool/{tool.pk}/accept/", {"digest": "stale"}, follow=True)
    assert "has changed this tool since you looked" in text_of(stale)
    browser.post(f"/tools/tool/{tool.pk}/accept/", {"digest": tool.changed["digest"]})
    tool.refresh_from_db()
    assert (tool.changed, tool.description[:12]) == (None, "Find orders ")


def test_an_api_is_described_by_hand_and_by_its_document(browser: Client):
    row = add(browser, "http://192.0.2.1/mcp")
    ToolConnection.objects.update(kind="http")
    described = {
        "name": "get_order",
        "description": "Looks an order up.",
        "http": '{"method": "GET", "path": "/orders/{number}"}',
        "input_schema": '{"type": "object", "properties": {"number": {"type": "integer"}}}',
    }
    browser.post(f"/tools/{row.pk}/describe/", described)
    assert Tool.objects.get().http["path"] == "/orders/{number}"
    wrong = browser.post(
        f"/tools/{row.pk}/describe/", {**described, "http": '{"method": "GET", "path": "/{id}"}'}
    )
    assert wrong.status_code == 422
    assert "no property id" in text_of(wrong)
    document = '{"openapi": "3.1.0", "paths": {"/orders": {"get": {"operationId": "orders"}}}}'
    browser.post(f"/tools/{row.pk}/import/", {"document": document})
    assert Tool.objects.count() == 2
    assert not Tool.objects.filter(is_offered=True).exists()


def test_a_connection_is_deleted_with_its_tools(browser: Client, url: str):
    row = add(browser, url)
    browser.post(f"/tools/{row.pk}/read/")
    assert "Delete shop?" in text_of(browser.get(f"/tools/{row.pk}/delete/"))
    browser.post(f"/tools/{row.pk}/delete/")
    assert not ToolConnection.objects.exists()
    assert not Tool.objects.exists()


def test_an_inner_address_needs_the_switch(browser: Client):
    given = fields("http://127.0.0.1:9/mcp", is_guarded="on", new_headers="X-Area: north-canary")
    answer = browser.post("/tools/new/", given)
    assert answer.status_code == 422
    assert "inner address" in text_of(answer)
    assert SECRET not in text_of(answer)
    assert "north-canary" not in text_of(answer)


@pytest.mark.parametrize("group", ["9" * 30, "-1", "north", "0"])
def test_a_group_that_is_none_is_told(browser: Client, url: str, group: str):
    answer = browser.post("/tools/new/", fields(url, groups=[group]))
    assert answer.status_code == 422
    assert not ToolConnection.objects.exists()
