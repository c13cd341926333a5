"""What answers under a path: deployments ready to be called, remembered for a moment."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from deployments.models import Deployment
from designs.errors import DesignInvalid
from designs.models import DesignVersion
from executor.documents import compiled_version
from executor.engine.runner import CompiledGraph
from executor.inputs import check_input, input_validator

# A deployment changed by another process is seen after at most this long; within this one at once.
REMEMBER_SECONDS = 0.5
MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Deployed:
    """A deployment as calls need it. `graph` is None if its version cannot be run any more."""

    id: uuid.UUID
    version: DesignVersion
    graph: CompiledGraph | None
    validator: Any
    status: str
    status_reason: str
    group_ids: frozenset[int]
    limits: dict[str, Any]
    wait_seconds: float

    def check_input(self, input_data: dict[str, Any]) -> None:
        """Raises InputInvalid with a sentence for each field that does not fit the input schema."""
        check_input(self.validator, input_data)


_remembered: dict[str, tuple[float, Deployed | None]] = {}
_validators: dict[uuid.UUID, Any] = {}
_lock = threading.Lock()


def remembered_at(path: str) -> tuple[bool, Deployed | None]:
    """(known, what answers there) without a database; not known means: ask `deployed_at`."""
    found = _remembered.get(path)
    if found is not None and found[0] > time.monotonic():
        return True, found[1]
    return False, None


def deployed_at(path: str) -> Deployed | None:
    """What answers under this endpoint path (with its leading slash), or None."""
    row = Deployment.objects.present().select_related("version").filter(endpoint_path=path).first()
    found = None if row is None else deployed(row)
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.clear()
    _remembered[path] = (time.monotonic() + REMEMBER_SECONDS, found)
    return found


def deployed(row: Deployment) -> Deployed:
    """The deployment with its version compiled and its limits as the engine names them."""
    try:
        graph = compiled_version(row.version_id, row.version.document)
    except DesignInvalid:
        # Published before a rule became stricter: calls are refused with a sentence, nothing
        # breaks.
        graph = None
    return Deployed(
        id=row.pk,
        version=row.version,
        graph=graph,
        validator=None if graph is None else _validator(row.version),
        status=row.status,
        status_reason=row.status_reason,
        group_ids=frozenset(row.groups.values_list("pk", flat=True)),
        limits=_limits(row),
        wait_seconds=float(row.wait_seconds),
    )


def forget_deployments() -> None:
    """After a change in this process."""
    _remembered.clear()


def _limits(row: Deployment) -> dict[str, Any]:
    limits: dict[str, Any] = {"seconds": float(row.timeout_seconds)}
    if row.max_model_calls is not None:
        limits["model_calls"] = row.max_model_calls
    if row.max_tokens is not None:
        limits["tokens"] = row.max_tokens
    if row.max_cost_usd is not None:
        limits["cost_usd"] = float(row.max_cost_usd)
    return limits


def _validator(version: DesignVersion) -> Any:
    with _lock:
        if version.pk not in _validators:
            _validators[version.pk] = input_validator(version.document)
        return _validators[version.pk]
