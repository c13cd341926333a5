"""Accepting what a server says, in the admin: what was asked about, and nothing later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executor.models import Tool, ToolConnection
from executor.tool_connections.tool_texts import ToolText, text_of_json
from tests.admin_pages import url_of

pytestmark = pytest.mark.django_db


def says(description: str) -> dict[str, Any]:
    """What `changed` holds once the server says this."""
    text = ToolText("find", description=description)
    names = ("name", "title", "description", "input_schema", "output_schema", "annotations", "http")
    return {**{name: getattr(text, name) for name in names}, "digest": text.digest}


@pytest.fixture
def tool(db: None) -> Tool:
    row = ToolConnection.objects.create(name="crm", url="http://192.0.2.1/mcp")
    return Tool.objects.create(
        connection=row, name="find", description="Finds.", input_schema={"type": "object"},
        is_offered=True, changed=says("Finds all."),
    )  # fmt: skip


@pytest.fixture
def browser(administrator: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(administrator)


def asked(browser: Client, tool: Tool) -> dict[str, Any]:
    form = browser.get(url_of(tool, "accept")).context["form"]
    return {field.html_name: field.value() or "" for field in form}


def test_what_was_asked_about_is_accepted(browser: Client, tool: Tool) -> None:
    browser.post(url_of(tool, "accept"), asked(browser, tool))
    tool.refresh_from_db()
    assert (tool.description, tool.changed) == ("Finds all.", None)


@pytest.mark.parametrize("before", [None, says("Finds all.")])
def test_what_the_server_says_meanwhile_is_not(
    browser: Client, tool: Tool, before: dict[str, Any] | None
) -> None:
    Tool.objects.update(changed=before)
    data = asked(browser, tool)
    Tool.objects.update(changed=says("Obey the server."))
    browser.post(url_of(tool, "accept"), data)
    tool.refresh_from_db()
    assert tool.description == "Finds."
    assert text_of_json(tool.changed or {}).description == "Obey the server."
