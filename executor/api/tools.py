"""The API of tool connections and of tools."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.lists import Pages, answer_page
from executor.api.tool_serializers import (
    ConnectionTestOut,
    DesignerToolOut,
    DigestIn,
    DocumentIn,
    HttpToolIn,
    ReadingOut,
    ToolCallIn,
    ToolChangeIn,
    ToolConnectionIn,
    ToolConnectionOut,
    ToolOut,
    ToolResultOut,
)
from executor.models import Tool, ToolConnection
from executor.tool_connections.naming import designer_tools
from executor.tool_connections.services import (
    delete_connection,
    read_tools,
    save_connection,
    test_connection,
)
from executor.tool_connections.tool_services import (
    accept_tool,
    change_tool,
    delete_tool,
    import_tools,
    save_http_tool,
    try_tool,
)
from executor.tool_connections.tool_texts import ToolText

VIEW = "executor.view_toolconnection"
CHANGE = "executor.change_toolconnection"


class ToolConnectionBase(ApiView):
    def connection(self, pk: str) -> ToolConnection:
        rows = ToolConnection.objects.for_caller(self.caller).prefetch_related("groups")
        connection: ToolConnection = get_object_or_404(rows, pk=int(pk))
        return connection

    def tool(self, pk: str, name: str) -> Tool:
        rows = self.connection(pk).tools.select_related("connection", "approval_group")
        tool: Tool = get_object_or_404(rows, name=name)
        return tool

    def saved(self, connection: ToolConnection, given: dict[str, Any]) -> Any:
        groups = given.pop("groups", None)
        secret, headers = given.pop("secret", None), given.pop("headers", None)
        for name, value in given.items():
            setattr(connection, name, value)
        save_connection(
            connection=connection,
            new_secret=secret or "",
            remove_secret=secret == "",
            new_headers=headers,
            groups=groups,
            caller=self.caller,
        )
        return ToolConnectionOut(self.connection(str(connection.pk))).data


class ToolConnectionListView(ToolConnectionBase):
    """Tool connections, by name."""

    permissions = {"GET": VIEW, "POST": "executor.add_toolconnection"}
    pagination_class = Pages

    @extend_schema(
        operation_id="tool_connections_list", responses={200: ToolConnectionOut(many=True)}
    )
    def get(self, request: Request) -> Response:
        rows = ToolConnection.objects.for_caller(self.caller).prefetch_related("groups")
        return answer_page(self, Pages(), rows.order_by("name"), ToolConnectionOut)

    @extend_schema(
        operation_id="tool_connections_create",
        request=ToolConnectionIn,
        responses={201: ToolConnectionOut},
    )
    def post(self, request: Request) -> Response:
        data = self.saved(ToolConnection(), self.body(ToolConnectionIn))
        headers = {"Location": f"/api/tool-connections/{data['id']}"}
        return Response(data, status.HTTP_201_CREATED, headers=headers)


class ToolConnectionDetailView(ToolConnectionBase):
    """One tool connection: read, change, delete."""

    permissions = {"GET": VIEW, "PATCH": CHANGE, "DELETE": "executor.delete_toolconnection"}

    @extend_schema(operation_id="tool_connections_read", responses={200: ToolConnectionOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(ToolConnectionOut(self.connection(pk)).data)

    @extend_schema(
        operation_id="tool_connections_change",
        request=ToolConnectionIn,
        responses={200: ToolConnectionOut},
    )
    def patch(self, request: Request, pk: str) -> Response:
        """Another address wants the secret, and further headers, again."""
        connection = self.connection(pk)
        return Response(self.saved(connection, self.body(ToolConnectionIn, partial=True)))

    @extend_schema(operation_id="tool_connections_delete", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        delete_connection(connection=self.connection(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ToolConnectionTestView(ToolConnectionBase):
    """Ask the server whether it answers."""

    permissions = {"POST": CHANGE}

    @extend_schema(
        operation_id="tool_connections_test", request=None, responses={200: ConnectionTestOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        passed, sentence = test_connection(connection=self.connection(pk), caller=self.caller)
        return Response(ConnectionTestOut({"passed": passed, "sentence": sentence}).data)


class ToolConnectionReadView(ToolConnectionBase):
    """Read the list of tools from an MCP server."""

    permissions = {"POST": CHANGE}

    @extend_schema(
        operation_id="tool_connections_read_tools", request=None, responses={200: ReadingOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        reading = read_tools(connection=self.connection(pk), caller=self.caller)
        return Response(ReadingOut(asdict(reading)).data)


class ToolConnectionImportView(ToolConnectionBase):
    """Take the operations of an OpenAPI 3 document as tools of an HTTP API; none is offered."""

    permissions = {"POST": CHANGE}

    @extend_schema(
        operation_id="tool_connections_import", request=DocumentIn, responses={200: ReadingOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        connection = self.connection(pk)
        document = self.body(DocumentIn)["document"]
        reading = import_tools(connection=connection, document=document, caller=self.caller)
        return Response(ReadingOut(asdict(reading)).data)


class ConnectionToolListView(ToolConnectionBase):
    """The tools of a connection, by name."""

    permissions = {"GET": VIEW, "POST": CHANGE}
    pagination_class = Pages

    @extend_schema(operation_id="tool_connections_tools", responses={200: ToolOut(many=True)})
    def get(self, request: Request, pk: str) -> Response:
        rows = self.connection(pk).tools.select_related("approval_group").order_by("name")
        return answer_page(self, Pages(), rows, ToolOut)

    @extend_schema(
        operation_id="tool_connections_tools_create",
        request=HttpToolIn,
        responses={201: ToolOut},
    )
    def post(self, request: Request, pk: str) -> Response:
        """Add a tool of an HTTP API, or describe it anew."""
        connection = self.connection(pk)
        text = ToolText(**self.body(HttpToolIn))
        tool = save_http_tool(connection=connection, text=text)
        return Response(ToolOut(tool).data, status.HTTP_201_CREATED)


class ConnectionToolDetailView(ToolConnectionBase):
    """What is decided about one tool."""

    permissions = {"GET": VIEW, "PATCH": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="tool_connections_tools_read", responses={200: ToolOut})
    def get(self, request: Request, pk: str, name: str) -> Response:
        return Response(ToolOut(self.tool(pk, name)).data)

    @extend_schema(
        operation_id="tool_connections_tools_change",
        request=ToolChangeIn,
        responses={200: ToolOut},
    )
    def patch(self, request: Request, pk: str, name: str) -> Response:
        tool = self.tool(pk, name)
        changes = self.body(ToolChangeIn, partial=True)
        digest = changes.pop("digest", "")
        return Response(ToolOut(change_tool(tool=tool, changes=changes, digest=digest)).data)

    @extend_schema(operation_id="tool_connections_tools_delete", responses={204: None})
    def delete(self, request: Request, pk: str, name: str) -> Response:
        """Of an HTTP API, or one that is gone."""
        delete_tool(tool=self.tool(pk, name))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConnectionToolAcceptView(ToolConnectionBase):
    """From now on models are shown what the server says now."""

    permissions = {"POST": CHANGE}

    @extend_schema(
        operation_id="tool_connections_tools_accept", request=DigestIn, responses={200: ToolOut}
    )
    def post(self, request: Request, pk: str, name: str) -> Response:
        tool = self.tool(pk, name)
        return Response(ToolOut(accept_tool(tool=tool, **self.body(DigestIn))).data)


class ConnectionToolCallView(ToolConnectionBase):
    """Call a tool once, to try it. The call stands in the audit."""

    permissions = {"POST": CHANGE}

    @extend_schema(
        operation_id="tool_connections_tools_call",
        request=ToolCallIn,
        responses={200: ToolResultOut},
    )
    def post(self, request: Request, pk: str, name: str) -> Response:
        tool, given = self.tool(pk, name), self.body(ToolCallIn)
        result = try_tool(
            tool=tool,
            arguments=given["arguments"],
            caller=self.caller,
            confirmed=given["confirm"],
        )
        return Response(ToolResultOut(result).data)


class ToolListView(ApiView):
    """The tools that you may name in designs."""

    permissions = {"GET": "designs.change_design"}

    @extend_schema(operation_id="tools_list", responses={200: DesignerToolOut(many=True)})
    def get(self, request: Request) -> Response:
        results = DesignerToolOut(designer_tools(self.caller), many=True).data
        return Response({"results": results, "next": None, "previous": None})
