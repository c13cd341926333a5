"""How a run sends requests over HTTP: by the installation, or not at all in a dry run."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from designs.patterns.calls import HttpCall
from executor.engine.http_door import HttpDoor, HttpReply
from executor.engine.llm import offline
from executor.models import Execution


class DryDoor:
    """Sends nothing."""

    async def send(self, call: HttpCall, headers: Mapping[str, str]) -> HttpReply:
        return HttpReply(200, {}, b"", is_dry=True)


class InstalledDoor:
    """What sends is imported with the first request."""

    async def send(self, call: HttpCall, headers: Mapping[str, str]) -> HttpReply:
        return await _door().send(call, headers)


@functools.cache
def _door() -> HttpDoor:
    from executor.tool_connections.requests import Requests

    return Requests()


INSTALLED = InstalledDoor()


def run_requests(execution: Execution) -> HttpDoor:
    is_dry = execution.deployment_id is None and execution.model_override == offline.NAME
    return DryDoor() if is_dry else INSTALLED
