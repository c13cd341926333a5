"""Deployments that agents name as tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from deployments.models import Deployment
from designs.access import caller_of
from designs.models import Design, NestedUse
from executor.models import Execution
from executor.tool_connections.naming import designer_tools

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


def calling(*tools: str) -> dict[str, Any]:
    agents = [{"id": "ana", "system_prompt": "You help.", "tools": list(tools)}]
    block = {"id": "help", "type": "sequential", "task": "Help.", "agents": agents}
    return {"schema": 1, "name": "Helping", "blocks": [block]}


def test_a_deployment_that_an_agent_names_as_a_tool_is_frozen_like_one_that_a_block_plays(
    deploy: Deploy, operator: User, api_of: Callable[[User], APIClient]
) -> None:
    inner = deploy()
    outer = deploy(calling("deployments.double"), "/outer")

    answer = api_of(operator).post("/api/deployed/outer", {}, format="json")

    assert answer.status_code == 200, answer.json()
    execution = Execution.objects.get(pk=answer.json()["log_id"])
    assert execution.nested["/double"]["version_id"] == str(inner.version_id)
    assert NestedUse.objects.get(version=outer.version).path == "/double"


def test_a_tool_that_names_no_deployment_is_a_problem_at_its_place(
    designer: User, api_of: Callable[[User], APIClient]
) -> None:
    design = Design.objects.create(name="Helping", draft=calling("deployments.nothing.here"))

    answer = api_of(designer).post(f"/api/designs/{design.pk}/publish", {}, format="json")

    assert answer.status_code == 422, answer.json()
    assert list(answer.json()["errors"]) == ["document/blocks/0/agents/0/tools/0"]


def test_designers_are_offered_the_deployments_that_they_see(
    deploy: Deploy, designer: User, viewer: User
) -> None:
    deploy()
    hidden = deploy(path="/hidden")
    hidden.groups.add(Group.objects.create(name="Others"))

    assert [tool.name for tool in designer_tools(caller_of(designer))] == ["deployments.double"]
    assert designer_tools(caller_of(viewer)) == []
