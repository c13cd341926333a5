"""Services of tool connections: save, delete, test, and read the tools of one."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from designs.access import SYSTEM, Caller
from designs.auditing.audit import Action, note
from designs.outgoing.addresses import AddressRefused, check_url
from designs.rows.locking import lock_row
from executor.errors import ToolsInvalid, ToolsNotRead
from executor.models import ToolAuth, ToolConnection, ToolKind
from executor.models.connection import check_api_key
from executor.tool_connections.http_requests import OWN_HEADERS
from executor.tool_connections.listings import (
    Listed,
    Reading,
    fetch_list,
    keep_test,
    read_connection,
    run_here,
)
from executor.tool_connections.results import for_people
from executor.tool_connections.servers import Server, breaker_of
from executor.tool_connections.snapshots import ConnectionSnapshot, snapshot_of
from executor.tool_connections.telling import tell_processes

# The permission that makes an administrator; only administrators may open internal addresses.
ADMINISTRATION = "auth.change_user"
MAX_HEADERS = 20
OF_OTHER_ADDRESS = (
    "The stored secret belongs to the address and the way of signing in that it was typed for. "
    "Type it again, or remove it."
)
HEADERS_OF_OTHER_ADDRESS = (
    "The stored headers belong to the address that they were typed for. Type them again, or "
    "remove them."
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
# Authorization may be set here, unless the connection signs in by itself.
_NOT_HERE = OWN_HEADERS - {"authorization", "cookie"} | {"mcp-session-id", "mcp-protocol-version"}


def save_connection(
    *,
    connection: ToolConnection,
    new_secret: str = "",
    remove_secret: bool = False,
    new_headers: dict[str, str] | None = None,
    groups: Iterable[Group] | None = None,
    caller: Caller = SYSTEM,
) -> None:
    """Write the connection. Without a new secret, or headers, it keeps the stored ones; without
    `groups` its groups. Other processes use the change within seconds.

    Raises ToolsInvalid, RowGone.
    """
    with transaction.atomic():
        rows = ToolConnection.objects.all()
        # Without the lock, saving would restore a row that was deleted meanwhile.
        stored = lock_row(rows, connection.pk) if connection.pk else None
        _check_fields(connection)
        _check_addresses(connection, stored, caller)
        _set_secret(connection, stored, new_secret.strip(), remove=remove_secret)
        _set_headers(connection, stored, new_headers)
        if stored is None or _address(stored) != _address(connection) or new_secret:
            connection.tested_at, connection.test_passed = None, None
            connection.test_sentence = connection.protocol = ""
        try:
            with transaction.atomic():
                connection.save()
        except IntegrityError as error:
            raise ToolsInvalid({"name": ["Another connection has this name."]}) from error
        if groups is not None:
            connection.groups.set(groups)
        tell_processes()


def delete_connection(*, connection: ToolConnection) -> None:
    """Delete it with its tools: designs that name them cannot run any more. Twice does no harm."""
    with transaction.atomic():
        for row in ToolConnection.objects.select_for_update().filter(pk=connection.pk):
            row.delete()
        tell_processes()


def test_connection(*, connection: ToolConnection, caller: Caller) -> tuple[bool, str]:
    """Ask the server; whether it answers as it must, and a sentence for people. It is stored.

    Takes up to 20 seconds, so call it outside of transactions.
    """
    snapshot = snapshot_of(connection)
    protocol = ""
    try:
        if connection.kind == ToolKind.MCP:
            listed = fetch_list(snapshot, protocol="")
            passed, said = True, _said(listed, connection.name)
            protocol = listed.listing.protocol
        else:
            passed, said = _reach(snapshot)
    except ToolsNotRead as error:
        passed, said = False, str(error)
    keep_test(connection, passed=passed, said=said, protocol=protocol)
    note(Action.UPDATE, connection, caller=caller, test_passed=passed)
    return passed, said


def read_tools(*, connection: ToolConnection, caller: Caller) -> Reading:
    """Read what the server lists. Takes up to 40 seconds, so call it outside of transactions.

    Raises ToolsNotRead, RowGone.
    """
    reading = read_connection(connection)
    facts = {"new": reading.new, "changed": reading.changed, "gone": reading.gone}
    note(Action.UPDATE, connection, caller=caller, tools_read=facts)
    return reading


def _said(listed: Listed, name: str) -> str:
    listing, count = listed.listing, len(listed.listing.tools)
    tools = "one tool" if count == 1 else f"{count:,} tools"
    return for_people(
        f"{listing.server or name} answered in {listed.milliseconds:,} ms, speaks MCP "
        f"{listing.protocol} and lists {tools}."
    )


def _reach(snapshot: ConnectionSnapshot) -> tuple[bool, str]:
    began = time.perf_counter()
    status = run_here(_reach_once(snapshot), snapshot.name)
    milliseconds = round(1_000 * (time.perf_counter() - began))
    said = f"{snapshot.name} answered with the status {status} in {milliseconds:,} ms"
    if status in (401, 403):
        return False, f"{said}: it refuses the secret."
    if status >= 500:
        return False, f"{said}."
    breaker_of(snapshot).end_pause()
    return True, f"{said}."


async def _reach_once(snapshot: ConnectionSnapshot) -> int:
    server = Server(snapshot)
    try:
        return await server.reach()
    finally:
        await server.retire()


def _check_fields(connection: ToolConnection) -> None:
    connection.token_url = connection.token_url if connection.auth == ToolAuth.OAUTH else ""
    if connection.auth in (ToolAuth.NONE, ToolAuth.BEARER):
        connection.auth_name = ""
    try:
        connection.clean_fields()
    except ValidationError as error:
        raise ToolsInvalid(error.message_dict) from error
    name = connection.auth_name
    if connection.auth == ToolAuth.HEADER and not _is_header(name):
        raise ToolsInvalid({"auth_name": ["Write the header's name, for instance X-API-Key."]})
    if connection.auth in (ToolAuth.BASIC, ToolAuth.OAUTH) and not name:
        raise ToolsInvalid({"auth_name": ["Write the name that signs in with the secret."]})
    if ":" in name and connection.auth == ToolAuth.BASIC:
        raise ToolsInvalid({"auth_name": ["A user name has no colon."]})
    if not name.isascii() or not name.isprintable():
        raise ToolsInvalid({"auth_name": ["A name has plain printable characters only."]})
    if connection.auth == ToolAuth.OAUTH and not connection.token_url:
        raise ToolsInvalid({"token_url": ["Write the address at which tokens are fetched."]})


def _is_header(name: str) -> bool:
    return bool(_HEADER_NAME.fullmatch(name)) and name.lower() not in _NOT_HERE


def _check_addresses(
    connection: ToolConnection, stored: ToolConnection | None, caller: Caller
) -> None:
    is_open = not connection.is_guarded
    was_open = stored is not None and not stored.is_guarded
    is_same = stored is not None and _address(stored) == _address(connection)
    if is_open and not (was_open and is_same) and not caller.may(ADMINISTRATION):
        raise ToolsInvalid(
            {"is_guarded": ["Only administrators may open addresses of inner networks."]}
        )
    if is_open:
        return
    allow = snapshot_of(connection).allow
    for field in ("url", "token_url"):
        address = getattr(connection, field)
        try:
            if address:
                check_url(address, allow)
        except AddressRefused as error:
            raise ToolsInvalid({field: [f"{error} Or allow inner addresses below."]}) from error


def _set_secret(
    connection: ToolConnection, stored: ToolConnection | None, new: str, *, remove: bool
) -> None:
    if new and remove:
        raise _refused("Type a new secret or remove the stored one, not both.")
    if new:
        try:
            check_api_key(new)
        except ValidationError as error:
            raise _refused(" ".join(error.messages)) from error
        connection.secret = new
    elif remove or stored is None or connection.auth == ToolAuth.NONE:
        connection.secret = ""
    else:
        connection.secret = stored.secret
        if stored.secret and _address(stored) != _address(connection):
            # Else whoever may change the address could have it sent to a server of theirs.
            raise _refused(OF_OTHER_ADDRESS)
    if connection.auth != ToolAuth.NONE and not connection.secret:
        raise _refused("This way of signing in needs a secret.")


def _set_headers(
    connection: ToolConnection, stored: ToolConnection | None, new: dict[str, str] | None
) -> None:
    if new is not None:
        _check_headers(connection, new)
        connection.headers = json.dumps(new) if new else ""
    elif stored is None:
        connection.headers = ""
    else:
        connection.headers = stored.headers
        if stored.headers and _address(stored) != _address(connection):
            raise ToolsInvalid({"new_headers": [HEADERS_OF_OTHER_ADDRESS]})


def _check_headers(connection: ToolConnection, headers: dict[str, str]) -> None:
    if len(headers) > MAX_HEADERS:
        raise ToolsInvalid({"new_headers": [f"There are at most {MAX_HEADERS} headers."]})
    signs_in = connection.auth not in (ToolAuth.NONE, ToolAuth.HEADER)
    for name, value in headers.items():
        if not _is_header(name) or (signs_in and name.lower() == "authorization"):
            raise ToolsInvalid({"new_headers": [f"The header {name[:50]} cannot be set here."]})
        try:
            check_api_key(value)
        except ValidationError as error:
            sentence = f"{name}: a value has plain printable characters only."
            raise ToolsInvalid({"new_headers": [sentence]}) from error


def _refused(sentence: str) -> ToolsInvalid:
    return ToolsInvalid({"new_secret": [sentence]})


def _address(connection: ToolConnection) -> tuple[str, ...]:
    """Where secrets are sent, and how."""
    return connection.kind, connection.url, connection.auth, connection.token_url
