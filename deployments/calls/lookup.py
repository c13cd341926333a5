"""Looks up deployments for calls, by path or id, and caches them for a moment."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from deployments.access.limits import Limit, limits_of
from deployments.calls.missing_tools import may_name_tools, stop_without_tools
from deployments.models import Deployment
from designs.errors import DesignInvalid
from designs.models import DesignVersion
from designs.runtime.cache import CacheEntry, TimedCache
from executor.acceptance.documents import compiled_row
from executor.acceptance.inputs import check_input, check_size, input_validator
from executor.acceptance.nesting import resolve
from executor.engine.runner import CompiledGraph
from executor.errors import NotAccepted
from executor.following import pubsub

# Changes are published to all processes; without the broker this is how late they are seen.
CACHE_SECONDS = 0.5
MAX_CACHED = 10_000
MAX_VALIDATORS = 1_000


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
    request_limits: tuple[Limit, ...] = ()
    max_input_bytes: int | None = None
    max_concurrent: int | None = None
    callback_url: str = ""
    endpoint_path: str = ""
    is_removed: bool = False
    # What executions store as `nested`, or why it cannot be played.
    nested: dict[str, Any] | None = None
    nested_refusal: NotAccepted | None = None

    @property
    def is_instant(self) -> bool:
        """True if its runs only compute, so that they can be played and written at once."""
        return self.graph is not None and self.graph.is_instant

    @property
    def is_counted(self) -> bool:
        """True if the number of its concurrent runs is limited."""
        return self.max_concurrent is not None

    @property
    def is_isolated(self) -> bool:
        """True if each of its runs has a process of its own."""
        return "memory_mb" in self.limits

    def check_input(self, input_data: dict[str, Any]) -> None:
        """Raises InputTooLarge, or InputInvalid with a sentence for each field that does not fit
        the input schema.
        """
        check_size(input_data, self.max_input_bytes)
        check_input(self.validator, input_data)


# By endpoint path, and by id.
cache: TimedCache[str | uuid.UUID, Deployed | None] = TimedCache(
    seconds=CACHE_SECONDS, max_entries=MAX_CACHED
)
_validators: dict[uuid.UUID, Any] = {}
_lock = threading.Lock()


def cached_deployment(place: str | uuid.UUID) -> CacheEntry[Deployed | None] | None:
    """From the cache only; None means: ask `deployed_at`."""
    return cache.get(place)


def deployed_at(place: str | uuid.UUID) -> Deployed | None:
    """Read the deployment at this endpoint path (with its leading slash) or id, and cache it."""
    generation = cache.generation()
    rows = Deployment.objects.present().select_related("version")
    if isinstance(place, uuid.UUID):
        row = rows.filter(pk=place).first()
    else:
        # PostgreSQL takes no NUL, and no path has one.
        row = None if "\0" in place else rows.filter(endpoint_path=place).first()
    deployment = None if row is None else deployed(row)
    cache.put(place, deployment, generation)
    return deployment


def deployed(row: Deployment, version: DesignVersion | None = None) -> Deployed:
    """The deployment with its version compiled and its limits as the engine names them; or with
    another version of its design, for running an execution of that once more.
    """
    version = version or row.version
    try:
        graph = compiled_row(version)
    except DesignInvalid:
        # Published before a rule became stricter: calls are refused with a sentence, nothing
        # breaks.
        graph = None
    nested, refusal = None, None
    if graph is not None:
        try:
            nested = resolve(graph, row.design.name if graph.named else "")
        except NotAccepted as error:
            refusal = error
    if graph is not None and version.pk == row.version_id and may_name_tools(graph.graph):
        stop_without_tools(row)
    return Deployed(
        nested=nested,
        nested_refusal=refusal,
        id=row.pk,
        version=version,
        graph=graph,
        validator=None if graph is None else _validator(version),
        status=row.status,
        status_reason=row.status_reason,
        group_ids=frozenset(group.pk for group in row.groups.all()),
        limits=row.engine_limits(),
        wait_seconds=float(row.wait_seconds),
        request_limits=tuple(
            limits_of("deployment", row.pk, row.requests_per_minute, row.requests_per_day)
        ),
        callback_url=row.callback_url,
        endpoint_path=row.endpoint_path,
        is_removed=row.removed_at is not None,
        max_input_bytes=row.max_input_bytes,
        max_concurrent=row.max_concurrent,
    )


def forget_deployments() -> None:
    """After a change in this process."""
    cache.clear()


def invalidate_deployments() -> None:
    """Have every process drop its cached deployments once this change is committed."""
    forget_deployments()
    transaction.on_commit(pubsub.invalidate_caches)


pubsub.on_invalidate.append(forget_deployments)


def _validator(version: DesignVersion) -> Any:
    with _lock:
        if version.pk not in _validators:
            if len(_validators) >= MAX_VALIDATORS:
                _validators.clear()
            _validators[version.pk] = input_validator(version.document)
        return _validators[version.pk]
