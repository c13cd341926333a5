"""Tool connections and tools in the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from designs.models import AuditEntry
from executor.models import Tool, ToolConnection
from tests.tool_servers import sample_tools

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/tool-connections"
SECRET = "canary-4bb1-of-the-tools-api-77aa"


@pytest.fixture
def api(administrator: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(administrator)


@pytest.fixture
def url() -> Iterator[str]:
    with sample_tools() as found:
        yield found


def made(api: APIClient, url: str, **fields: Any) -> str:
    body = {"name": "shop", "url": url, "is_guarded": False, **fields}
    answer = api.post(LIST, body, format="json")
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def test_from_a_connection_to_a_call(api: APIClient, url: str):
    where = made(api, url, auth="bearer", secret=SECRET, headers={"X-Area": "north"})
    tested = api.post(f"{where}/test").json()
    assert tested["passed"], tested
    assert api.post(f"{where}/read-tools").json()["new"] == 5
    tools = api.get(f"{where}/tools").json()["results"]
    assert [tool["name"] for tool in tools][:2] == ["convert_currency", "find_orders"]
    suggested = {tool["name"]: tool["suggested_effect"] for tool in tools}
    assert (suggested["find_orders"], suggested["send_note"]) == ("read", None)
    change = {"is_offered": True, "effect": "read", "digest": tools[1]["digest"]}
    assert api.patch(f"{where}/tools/find_orders", change, format="json").status_code == 200
    body = {"arguments": {"customer": "acme", "status": "delayed"}}
    called = api.post(f"{where}/tools/find_orders/call", body, format="json").json()
    assert not called["is_error"]
    assert "1002" in called["content"]
    named = api.get("/api/tools").json()["results"]
    assert [tool["name"] for tool in named] == ["shop.find_orders"]


def test_what_may_change_something_is_only_called_when_confirmed(api: APIClient, url: str):
    where = made(api, url)
    api.post(f"{where}/read-tools")
    call = f"{where}/tools/send_note/call"
    body: dict[str, Any] = {"arguments": {"to": "ana", "text": "hello"}}
    refused = api.post(call, body, format="json")
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == {"confirm"}
    done = api.post(call, {**body, "confirm": True}, format="json").json()
    assert done["outcome"] == "done"
    unfit = api.post(call, {"arguments": {"to": 1}, "confirm": True}, format="json")
    assert set(unfit.json()["errors"]) == {"arguments"}
    noted = AuditEntry.objects.filter(action=10)
    assert [entry.additional_data["outcome"] for entry in noted] == ["done"]


def test_secrets_go_in_and_never_come_out(api: APIClient, url: str):
    where = made(api, url, auth="bearer", secret=SECRET, headers={"X-Area": "north canary"})
    shown = api.get(where)
    assert shown.json()["has_secret"] is True
    assert shown.json()["has_headers"] is True
    for text in (shown.content, api.get(LIST).content, api.get("/api/audit").content):
        assert b"canary" not in text
        assert b"fernet" not in text


@pytest.mark.parametrize(
    "change", [{"url": "http://127.0.0.1:9/other"}, {"auth": "basic", "auth_name": "ana"}]
)
def test_another_address_wants_the_secrets_again(api: APIClient, url: str, change: dict[str, Any]):
    where = made(api, url, auth="bearer", secret=SECRET)
    refused = api.patch(where, change, format="json")
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == {"new_secret"}
    assert ToolConnection.objects.get().url == url
    assert api.patch(where, {**change, "secret": "another"}, format="json").status_code == 200
    with_headers = api.patch(where, {"headers": {"X-Area": "north"}}, format="json")
    assert with_headers.status_code == 200
    moved = api.patch(where, {"url": "http://127.0.0.1:9/x", "secret": "s"}, format="json")
    assert set(moved.json()["errors"]) == {"new_headers"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "deployments"), ("name", "Crm"), ("name", "a.b"), ("url", "stdio:ls"),
        ("url", "http://u:p@example.com"), ("kind", "stdio"), ("auth", "bearer"),
        ("auth", "oauth_client_credentials"), ("groups", ["nobody"]), ("timeout_seconds", 0),
        ("max_response_bytes", 10**9), ("headers", {"Host": "x"}), ("headers", {"A": "b\r\nc"}),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(api: APIClient, field: str, value: Any):
    body = {"name": "shop", "url": "http://192.0.2.1/mcp", "is_guarded": False, field: value}
    answer = api.post(LIST, body, format="json")
    assert answer.status_code == 422, answer.content
    assert not ToolConnection.objects.exists()


def test_an_openapi_document_is_imported_and_nothing_is_offered(api: APIClient):
    where = made(api, "http://192.0.2.1/api", kind="http")
    get = {"operationId": "findOrder", "parameters": [{"name": "id", "in": "query"}]}
    document = {"openapi": "3.1.0", "paths": {"/orders": {"get": get, "put": {}}}}
    answer = api.post(f"{where}/import", {"document": document}, format="json").json()
    assert answer["new"] == 2
    assert not Tool.objects.filter(is_offered=True).exists()
    tools = {tool["name"]: tool for tool in api.get(f"{where}/tools").json()["results"]}
    assert tools["findOrder"]["suggested_effect"] == "read"
    assert tools["put_orders"]["suggested_effect"] == "idempotent"
    remote = {
        "openapi": "3.0.0",
        "paths": {"/a": {"get": {"parameters": [{"$ref": "http://x/y"}]}}},
    }
    refused = api.post(f"{where}/import", {"document": remote}, format="json")
    assert set(refused.json()["errors"]) == {"document"}
    assert api.delete(f"{where}/tools/findOrder").status_code == 204


def test_groups_narrow_who_may_name_a_tool(
    api: APIClient, url: str, make_user: Callable[..., User], api_of: Callable[[User], APIClient]
):
    where = made(api, url)
    api.post(f"{where}/read-tools")
    api.patch(f"{where}/tools/find_orders", {"is_offered": True}, format="json")
    designer = api_of(make_user("dora", "Designer"))
    assert len(designer.get("/api/tools").json()["results"]) == 1
    api.patch(where, {"groups": ["Deployer"]}, format="json")
    assert designer.get("/api/tools").json()["results"] == []
    assert designer.get(LIST).status_code == 403


def test_lists_cost_the_same_for_many(api: APIClient):
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as made:
            assert api.get(path).status_code == 200
        return len(made)

    first = ToolConnection.objects.create(name="c0", url="http://192.0.2.1/mcp")
    Tool.objects.create(connection=first, name="t0", is_offered=True)
    paths = (LIST, f"{LIST}/{first.pk}/tools", "/api/tools")
    few = [cost(path) for path in paths]
    for number in range(1, 6):
        row = ToolConnection.objects.create(name=f"c{number}", url="http://192.0.2.1/mcp")
        row.groups.add(Group.objects.first())
        Tool.objects.create(connection=row, name="t", is_offered=True)
        Tool.objects.create(
            connection=first, name=f"t{number}", is_offered=True,
            approval_group=Group.objects.first(),
        )  # fmt: skip
    assert [cost(path) for path in paths] == few


def test_arguments_that_do_not_fit_are_told_in_short(api: APIClient, url: str):
    where = made(api, url)
    api.post(f"{where}/read-tools")
    body = {"arguments": {"customer": ["x" * 100_000]}, "confirm": True}
    answer = api.post(f"{where}/tools/find_orders/call", body, format="json")
    assert answer.status_code == 422
    assert "customer" in answer.json()["errors"]["arguments"][0]
    assert len(answer.content) < 5_000


def test_what_a_list_of_tools_does_not_show_is_not_read(api: APIClient):
    row = ToolConnection.objects.create(name="crm", url="http://192.0.2.1/mcp")
    Tool.objects.create(connection=row, name="find", is_offered=True, changed={"digest": "new"})
    with CaptureQueriesContext(connection) as captured:
        listed = api.get("/api/tools").json()["results"]
    assert [tool["name"] for tool in listed] == ["crm.find"]
    of_tools = [one["sql"] for one in captured if 'FROM "executor_tool" ' in one["sql"]]
    assert len(of_tools) == 1
    assert "output_schema" not in of_tools[0]
    of_deployments = [
        one["sql"] for one in captured if 'FROM "deployments_deployment"' in one["sql"]
    ]
    assert of_deployments
    assert not any('"draft"' in sql for sql in of_deployments)
