"""Services of tools: what administrators decide about one, accept of it, describe and try."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from designs.access import Caller
from designs.auditing.audit import Action, note
from designs.graph.schemas import compile_schema
from designs.rows.locking import lock_row
from executor.engine.tools import ToolCallError, ToolResult
from executor.errors import ToolsInvalid
from executor.models import Effect, Tool, ToolConnection, ToolKind
from executor.tool_connections.http_requests import check_description
from executor.tool_connections.listings import Reading, absorb
from executor.tool_connections.openapi import DocumentRefused, read_operations
from executor.tool_connections.servers import Server, ToolCall
from executor.tool_connections.snapshots import (
    ConnectionSnapshot,
    ConnectionUnusable,
    snapshot_of,
)
from executor.tool_connections.telling import tell_processes
from executor.tool_connections.tool_texts import (
    ToolText,
    has_name,
    text_of_json,
    unfit_to_offer,
    write_text,
)

# What administrators decide; everything else is the server's.
DECIDED = (
    "is_offered", "effect", "approval", "approval_group", "allow_self", "untrusted",
    "on_unknown_outcome", "timeout_seconds", "most_result_characters",
)  # fmt: skip
_NOT_DECIDED = {field.name for field in Tool._meta.concrete_fields} - set(DECIDED)
# Of a sentence about arguments that do not fit, which quotes them.
MAX_MISFIT = 500
LOOKED_AWAY = "The server has changed this tool since you looked. Look at it again."
NO_NAME = "A name has letters, digits and _ . / -, at most 200, for instance find_order."
CONFIRM = (
    "This tool may change something, and it would be called now. Confirm that it is to be called."
)


def change_tool(*, tool: Tool, changes: dict[str, Any], digest: str = "") -> Tool:
    """Set fields of `DECIDED`. A tool that is offered is accepted as it stands in the row;
    `digest`, if given, is that of the text which the administrator saw.

    Raises ToolsInvalid, RowGone.
    """
    with transaction.atomic():
        row = _locked(tool)
        if digest and digest != row.digest:
            raise ToolsInvalid({"is_offered": [LOOKED_AWAY]})
        for name, value in changes.items():
            if name not in DECIDED:
                raise TypeError(f"A tool has no field {name!r} to set.")
            setattr(row, name, value)
        try:
            row.clean_fields(exclude=_NOT_DECIDED)
        except ValidationError as error:
            raise ToolsInvalid(error.message_dict) from error
        if row.is_offered and not tool.is_offered:
            wrong = unfit_to_offer(row)
            if wrong:
                raise ToolsInvalid({"is_offered": wrong})
        row.save()
        tell_processes()
    return row


def accept_tool(*, tool: Tool, digest: str = "") -> Tool:
    """Models are shown what the server says now. `digest`, if given, is that of what the
    administrator saw. Raises ToolsInvalid, RowGone.
    """
    with transaction.atomic():
        row = _locked(tool)
        if row.changed is None:
            return row
        if digest and digest != row.changed.get("digest"):
            raise ToolsInvalid({"digest": [LOOKED_AWAY]})
        write_text(row, text_of_json(row.changed))
        row.changed = None
        wrong = unfit_to_offer(row) if row.is_offered else []
        if wrong:
            sentence = "Stop offering it, then accept: designs cannot use what the server says now."
            raise ToolsInvalid({"is_offered": [sentence, *wrong]})
        row.save()
        note(Action.UPDATE, row, accepted=row.digest[:12])
        tell_processes()
    return row


def save_http_tool(*, connection: ToolConnection, text: ToolText) -> Tool:
    """Add a tool of an HTTP API, or describe it anew; it keeps what was decided about it.

    Raises ToolsInvalid, RowGone.
    """
    _check_http(connection)
    if not has_name(text.name):
        raise ToolsInvalid({"name": [NO_NAME]})
    wrong = check_description(text.http, text.input_schema)
    if wrong:
        raise ToolsInvalid({"http": wrong})
    with transaction.atomic():
        row = lock_row(ToolConnection.objects.all(), connection.pk)
        tool = row.tools.select_for_update().filter(name=text.name).first() or Tool(connection=row)
        write_text(tool, text)
        tool.changed, tool.is_gone = None, False
        problems = unfit_to_offer(tool)
        if problems:
            raise ToolsInvalid({"input_schema": problems})
        tool.save()
        tell_processes()
    return tool


def import_tools(*, connection: ToolConnection, document: Any, caller: Caller) -> Reading:
    """Each operation of the OpenAPI document is a tool, and none of them is offered.

    Changed operations of tools that are offered wait to be accepted; others stay. Raises
    ToolsInvalid, RowGone.
    """
    _check_http(connection)
    try:
        operations = read_operations(document)
    except DocumentRefused as error:
        raise ToolsInvalid({"document": [str(error)]}) from error
    texts = [
        ToolText(
            name=operation.name,
            title=operation.title,
            description=operation.description,
            input_schema=operation.input_schema,
            http=operation.http,
        )
        for operation in operations
    ]
    with transaction.atomic():
        row = lock_row(ToolConnection.objects.all(), connection.pk)
        # Tools that were typed by hand are in no document.
        reading = absorb(row, texts, is_whole=False)
        note(Action.UPDATE, row, caller=caller, tools_imported=len(texts))
        tell_processes()
    return reading


def delete_tool(*, tool: Tool) -> None:
    """Of an HTTP API, or one that the server names no longer. Raises ToolsInvalid."""
    with transaction.atomic():
        row = Tool.objects.select_for_update().filter(pk=tool.pk).first()
        if row is None:
            return
        if row.http is None and not row.is_gone:
            sentence = "The server still lists this tool. Stop offering it instead."
            raise ToolsInvalid({"": [sentence]})
        row.delete()
        tell_processes()


def try_tool(
    *, tool: Tool, arguments: dict[str, Any], caller: Caller, confirmed: bool = False
) -> ToolResult:
    """Call the tool once, as a run would, and note that in the audit.

    Takes as long as the tool may, so call it outside of transactions. Raises ToolsInvalid if the
    arguments do not fit, or if a tool that does not only read is not `confirmed`.
    """
    if tool.effect != Effect.READ and not confirmed:
        raise ToolsInvalid({"confirm": [CONFIRM]})
    wrong = unfit_to_offer(tool)
    if wrong:
        raise ToolsInvalid({"": wrong})
    errors = [
        f"{'.'.join(map(str, error.instance_path)) or 'arguments'}: {error.message}"[:MAX_MISFIT]
        for error in compile_schema(tool.input_schema).iter_errors(arguments)
    ]
    if errors:
        raise ToolsInvalid({"arguments": errors[:10]})
    result = _called(tool, arguments)
    note(Action.EXECUTE, tool, caller=caller, outcome=result.outcome, bytes=result.size)
    return result


def _called(tool: Tool, arguments: dict[str, Any]) -> ToolResult:
    connection = tool.connection
    call = ToolCall(
        name=tool.name,
        arguments=arguments,
        http=tool.http,
        key="",
        seconds=float(tool.timeout_seconds or connection.timeout_seconds),
        most_characters=tool.most_result_characters,
    )
    try:
        return asyncio.run(_call_once(snapshot_of(connection), call))
    except ConnectionUnusable as error:
        return ToolResult(str(error), is_error=True, outcome="not_called")
    except ToolCallError as error:
        outcome = " Nobody knows whether it was done." if error.was_sent else ""
        return ToolResult(error.sentence + outcome, is_error=True, outcome="error")


async def _call_once(snapshot: ConnectionSnapshot, call: ToolCall) -> ToolResult:
    server = Server(snapshot)
    try:
        return await server.call(call)
    finally:
        await server.retire()


def _locked(tool: Tool) -> Tool:
    rows = Tool.objects.select_related("connection")
    return lock_row(rows, tool.pk)


def _check_http(connection: ToolConnection) -> None:
    if connection.kind != ToolKind.HTTP:
        raise ToolsInvalid({"": ["The tools of an MCP server come from its list: read them."]})
