"""The page of a connection with many tools: what it does not show is not read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executor.models import Tool, ToolConnection
from tests.admin_pages import text_of

pytestmark = pytest.mark.django_db


def test_schemas_and_new_texts_are_not_read(
    administrator: User, browser_of: Callable[[User], Client]
) -> None:
    row = ToolConnection.objects.create(name="crm", url="http://192.0.2.1/mcp")
    Tool.objects.bulk_create(
        Tool(
            connection=row,
            name=f"find_{number}",
            is_offered=True,
            input_schema={"type": "object"},
            changed={"digest": "new"} if number == 7 else None,
        )
        for number in range(30)
    )
    browser = browser_of(administrator)
    with CaptureQueriesContext(connection) as captured:
        page = text_of(browser.get(f"/tools/{row.pk}/"))
    of_tools = [one["sql"] for one in captured if 'FROM "executor_tool" ' in one["sql"]]
    assert len(of_tools) == 1
    assert "input_schema" not in of_tools[0]
    assert page.count("Changed") == 1
    assert "find_29" in page
