"""Tools of HTTP APIs: requests made of arguments, OAuth tokens, imported documents."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from designs.runtime.threads import in_thread
from executor.models import ToolConnection, ToolKind
from executor.tool_connections.http_requests import (
    ArgumentsUnfit,
    build_request,
    check_description,
)
from executor.tool_connections.openapi import DocumentRefused, read_operations
from tests.executor.tool_connections.connecting import add_tool, call, connect
from tests.tool_servers import Asked, OddServer, odd_server, says, send

HTTP: dict[str, Any] = {
    "method": "POST",
    "path": "/orders/{id}/notes",
    "query": {"limit": "{limit}", "tag": "{tags}", "q": "after {day}"},
    "headers": {"X-Region": "{region}"},
    "body": {"text": "{text}", "lines": "{lines}", "by": "agent {name}", "fixed": 1},
}


def test_arguments_go_to_their_places():
    given = {
        "id": "a/b?c#d e%", "limit": 5, "tags": ["x", "y&z"], "region": "north", "text": "hi",
        "lines": [1, {"a": None}],
    }  # fmt: skip
    made = build_request("http://api/v1/", HTTP, given)
    assert made.method == "POST"
    assert made.url == "http://api/v1/orders/a%2Fb%3Fc%23d%20e%25/notes?limit=5&tag=x&tag=y%26z"
    assert made.headers == {"X-Region": "north", "Content-Type": "application/json"}
    assert json.loads(made.content) == {"text": "hi", "lines": [1, {"a": None}], "fixed": 1}


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_no_argument_leads_to_another_address(value: Any):
    with pytest.raises(ArgumentsUnfit):
        build_request("http://api", HTTP, {"id": value})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "ü", "x" * 3_000])
def test_a_header_takes_plain_text_only(value: str):
    with pytest.raises(ArgumentsUnfit):
        build_request("http://api", HTTP, {"id": "1", "region": value})


@pytest.mark.parametrize(
    "change",
    [
        {"method": "TRACE"}, {"path": "orders"}, {"path": "//x?y"}, {"path": "/a/../b"},
        {"headers": {"Host": "x"}}, {"headers": {"Authorization": "x"}}, {"query": ["a"]},
        {"query": {"a": 1}}, {"body": "{unknown}"}, {"url": "http://elsewhere"},
    ],
)  # fmt: skip
def test_a_wrong_description_is_told(change: dict[str, Any]):
    schema = {"properties": {"id": {}}}
    assert check_description({"method": "GET", "path": "/{id}"}, schema) == []
    assert check_description({"method": "GET", "path": "/{id}", **change}, schema)


DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "http://169.254.169.254"}],
    "paths": {
        "/orders/{order id}": {
            "parameters": [{"name": "order id", "in": "path", "required": True}],
            "get": {"operationId": "get order", "summary": "One order."},
            "put": {"requestBody": {"$ref": "#/components/requestBodies/Order"}},
        },
        "/orders": {"post": {"operationId": "add"}, "delete": {"operationId": "add"}},
    },
    "components": {
        "requestBodies": {
            "Order": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/O"}}},
            }
        },
        "schemas": {
            "O": {
                "type": "object",
                "properties": {"of": {"$ref": "#/components/schemas/O"}, "n": {"nullable": True,
                "type": "string"}},
            }
        },
    },
}  # fmt: skip


def test_each_operation_is_a_tool():
    found = {one.name: one for one in read_operations(DOCUMENT)}
    assert {name: one.effect for name, one in found.items()} == {
        "get_order": "read", "put_orders_order_id": "idempotent", "add": "once",
        "add_2": "idempotent",
    }  # fmt: skip
    get, put = found["get_order"], found["put_orders_order_id"]
    assert get.http["path"] == "/orders/{order_id}"
    assert get.input_schema["required"] == ["order_id"]
    body = put.input_schema["properties"]["body"]
    # What leads back to itself is open.
    assert body["properties"]["of"] == {}
    assert body["properties"]["n"] == {"type": ["string", "null"]}
    assert put.http["body"] == "{body}"
    for one in found.values():
        assert check_description(one.http, one.input_schema) == []


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"openapi": "2.0", "paths": {"/a": {"get": {}}}}, {"openapi": "3.0.0"},
        {"openapi": "3.1.0", "paths": {"/a": {"parameters": []}}},
        {"openapi": "3.1.0", "paths": {f"/{n}": {"get": {}} for n in range(201)}},
        {"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [{"$ref": "http://x/y"}]}}}},
        {"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [{"$ref": "#/no"}]}}}},
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_refused(document: Any):
    with pytest.raises(DocumentRefused):
        read_operations(document)


@pytest.mark.django_db(transaction=True)
async def test_a_token_is_fetched_once_kept_and_fetched_anew_when_refused():
    tokens = iter(["first-token-1", "second-token-2"])
    fetched: list[Asked] = []

    def answer(handler: BaseHTTPRequestHandler, asked: Asked, server: OddServer) -> None:
        if asked.path == "/token":
            fetched.append(asked)
            token = {"access_token": next(tokens), "expires_in": 3600}
            return send(handler, 200, json.dumps(token).encode())
        is_first = asked.headers["authorization"] == "Bearer first-token-1"
        is_over = is_first and len(server.asked) > 3
        return send(handler, 401 if is_over else 200, b'"fine"')

    with odd_server(answer) as server:
        connection: ToolConnection = await in_thread(
            connect, server.url, kind=ToolKind.HTTP, auth="oauth_client_credentials",
            auth_name="client", token_url=f"{server.url}/token", secret="client-secret",
        )  # fmt: skip
        await in_thread(add_tool, connection, "orders", http={"method": "GET", "path": "/"})
        results = [(await call("crm.orders")).content for _ in range(3)]
    assert results == ['"fine"'] * 3
    assert len(fetched) == 2
    assert fetched[0].body == b"grant_type=client_credentials"
    assert fetched[0].headers["authorization"].startswith("Basic ")


@pytest.mark.django_db(transaction=True)
async def test_without_a_token_nothing_is_called():
    with odd_server(says({"error": "no"}, status=400)) as server:
        connection: ToolConnection = await in_thread(
            connect, server.url, kind=ToolKind.HTTP, auth="oauth_client_credentials",
            auth_name="client", token_url=f"{server.url}/token", secret="client-secret",
        )  # fmt: skip
        await in_thread(add_tool, connection, "orders", http={"method": "GET", "path": "/"})
        with pytest.raises(Exception, match="No token could be fetched") as caught:
            await call("crm.orders")
        assert {asked.path for asked in server.asked} == {"/token"}
    assert caught.value.was_sent is False
