"""Connections that are open to some groups only: what others write names none of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from designs.models import Design
from executor.models import Execution, Tool, ToolConnection, ToolKind

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User], APIClient]
AGENT = {"id": "ben", "system_prompt": "You look up.", "tools": ["crm.search"]}
ASKING = {"id": "help", "type": "sequential", "task": "Help.", "agents": [AGENT]}
SENDING = {"id": "send", "type": "http", "settings": {"connection": "crm", "path": "/orders"}}
IN_PLACE = {
    "id": "each", "type": "map",
    "settings": {"items": "`[1]`", "block": {k: v for k, v in SENDING.items() if k != "id"}},
}  # fmt: skip
BLOCKS = pytest.mark.parametrize(
    ("block", "place"),
    [
        (ASKING, "/blocks/0/agents/0/tools/0"),
        (SENDING, "/blocks/0/settings/connection"),
        (IN_PLACE, "/blocks/0/settings/block/settings/connection"),
    ],
    ids=["tool", "http", "in place"],
)


@pytest.fixture
def group(db: None) -> Group:
    """Whose members may name the tools of the connection `crm`."""
    crm = ToolConnection.objects.create(name="crm", url="http://192.0.2.1/", kind=ToolKind.HTTP)
    Tool.objects.create(connection=crm, name="search", is_offered=True)
    found: Group = Group.objects.create(name="Sales")
    crm.groups.add(found)
    return found


def design(block: dict[str, Any]) -> Design:
    return Design.objects.create(
        name="Helping", draft={"schema": 1, "name": "Helping", "blocks": [block]}
    )


@BLOCKS
@pytest.mark.parametrize("verb", ["execute", "publish"])
def test_members_use_it(
    group: Group, designer: User, api_of: Api, block: dict[str, Any], place: str, verb: str
) -> None:
    designer.groups.add(group)
    answer = api_of(designer).post(f"/api/designs/{design(block).pk}/{verb}", {}, format="json")
    assert answer.status_code in (200, 201, 202), answer.content


@BLOCKS
@pytest.mark.parametrize("verb", ["execute", "publish"])
def test_others_can_neither_try_nor_publish_what_names_it(
    group: Group, designer: User, api_of: Api, block: dict[str, Any], place: str, verb: str
) -> None:
    answer = api_of(designer).post(f"/api/designs/{design(block).pk}/{verb}", {}, format="json")
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["errors"]) == [f"document{place}"]
    assert not Execution.objects.exists()
