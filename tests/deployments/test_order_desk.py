"""The sample Order desk against the sample tools: from offering them to a run that calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.sample_files import load_samples
from designs.services import create_design, publish_design
from executor.models import Execution, Step, Tool
from executor.tool_connections.services import read_tools
from executor.tool_connections.tool_services import change_tool
from tests.executor.tool_connections.connecting import connect
from tests.tool_servers import sample_tools

pytestmark = pytest.mark.django_db(transaction=True)

READS = {"find_orders", "get_order", "convert_currency"}


@pytest.fixture
def shop() -> Iterator[None]:
    with sample_tools() as url:
        read_tools(connection=connect(url, "shop"), caller=SYSTEM)
        for tool in Tool.objects.all():
            effect = "read" if tool.name in READS else "once"
            change_tool(tool=tool, changes={"is_offered": True, "effect": effect})
        yield


def test_a_run_calls_the_tools_that_only_read(
    shop: None, operator: User, api_of: Callable[[User], APIClient]
):
    [sample] = [one for one in load_samples() if one.slug == "order-desk"]
    design = create_design(document=sample.document, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    deploy_design(design=design, endpoint_path="/desk", caller=SYSTEM)
    body = {"message": "Find my orders, and convert the amount."}
    answer = api_of(operator).post("/api/deployed/desk", body, format="json")
    assert answer.status_code == 200, answer.json()
    run = Execution.objects.get(pk=answer.json()["log_id"])
    called = Step.objects.filter(execution=run, tool__gt="").order_by("pk")
    names = {step.tool for step in called}
    assert "shop.find_orders" in names
    # The stand-in calls no tool that may change something.
    assert "shop.send_note" not in names
    assert all(step.output["outcome"] in ("done", "error") for step in called)
