"""Tools that designs name: checked when they are published and deployed, and at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import caller_of
from designs.errors import DesignInvalid
from designs.models import Design
from designs.services import publish_design
from executor.models import Tool, ToolConnection
from executor.tool_connections.naming import tool_problems
from executor.tool_connections.telling import tell_processes

pytestmark = pytest.mark.django_db(transaction=True)

PLACE = "/blocks/0/agents/1/tools/0"


def naming(*tools: Any) -> dict[str, Any]:
    agents = [
        {"id": "ana", "system_prompt": "You help."},
        {"id": "ben", "system_prompt": "You look up.", "tools": list(tools)},
    ]
    block = {"id": "help", "type": "sequential", "task": "Help.", "agents": agents}
    return {"schema": 1, "name": "Helping", "blocks": [block]}


@pytest.fixture
def tool(db: None) -> Tool:
    crm = ToolConnection.objects.create(name="crm", url="http://192.0.2.1/mcp")
    return Tool.objects.create(connection=crm, name="search", is_offered=True)


def design(*tools: Any) -> Design:
    return Design.objects.create(name="Helping", draft=naming(*tools))


@pytest.mark.parametrize("named", ["crm.search", {"name": "crm.search", "approval": "always"}])
def test_an_offered_tool_can_be_published(tool: Tool, designer: User, named: Any):
    assert publish_design(design=design(named), caller=caller_of(designer)).number == 1


@pytest.mark.parametrize("lack", ["unknown", "not offered", "disabled", "other group"])
def test_what_is_not_offered_to_the_person_is_a_problem_at_its_place(
    tool: Tool, designer: User, api_of: Callable[[User], APIClient], lack: str
):
    crm = tool.connection
    if lack == "not offered":
        Tool.objects.update(is_offered=False)
    elif lack == "disabled":
        ToolConnection.objects.update(is_enabled=False)
    elif lack == "other group":
        crm.groups.add(Group.objects.create(name="Others"))
    row = design("crm.find" if lack == "unknown" else "crm.search")
    answer = api_of(designer).post(f"/api/designs/{row.pk}/publish", {}, format="json")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [f"document{PLACE}"]


def test_who_deploys_must_be_offered_them_too(tool: Tool, designer: User, deployer: User):
    row = design("crm.search")
    publish_design(design=row, caller=caller_of(designer))
    tool.connection.groups.add(Group.objects.get(name="Designer"))
    with pytest.raises(DesignInvalid) as caught:
        deploy_design(design=row, endpoint_path="/help", caller=caller_of(deployer))
    assert [problem.path for problem in caught.value.problems] == [PLACE]


def test_a_deployment_whose_tool_is_gone_stops_with_the_reason(
    tool: Tool, designer: User, deployer: User, operator: User,
    api_of: Callable[[User], APIClient],
):  # fmt: skip
    row = design("crm.search")
    publish_design(design=row, caller=caller_of(designer))
    deploy_design(design=row, endpoint_path="/help", caller=caller_of(deployer))
    Tool.objects.update(is_offered=False)
    tell_processes()
    answer = api_of(operator).post("/api/deployed/help", {}, format="json")
    assert answer.status_code == 409
    assert "The tool `crm.search` is not offered any more." in answer.json()["detail"]
    stopped = Deployment.objects.get()
    assert stopped.status == Deployment.Status.ERROR
    assert "crm.search" in stopped.status_reason


def test_a_document_without_tools_costs_no_statement(db: None):
    with CaptureQueriesContext(connection) as made:
        assert tool_problems(naming()) == ()
        assert tool_problems(naming("deployments.support.translate")) == ()
    assert not made


def test_agents_of_documents_within_the_document_count(tool: Tool):
    inner = naming("crm.search", "crm.find")
    outer = {"blocks": [{"id": "a", "settings": {"document": inner}}]}
    problems = tool_problems(outer)
    assert [problem.path for problem in problems] == [
        "/blocks/0/settings/document/blocks/0/agents/1/tools/1"
    ]
