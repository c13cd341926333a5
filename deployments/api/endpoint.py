"""The deployed endpoint and its twin for people: one run, asked for over HTTP."""

from __future__ import annotations

import re
from typing import Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError, PermissionDenied, ValidationError
from rest_framework.request import Request

from deployments.api.async_views import AsyncApiView, read_object
from deployments.api.serializers import ExecuteIn, RunOut
from deployments.calls import call_deployment
from deployments.lookup import Deployed, deployed, deployed_at, remembered_at
from deployments.models import Deployment
from designs.access import Caller
from designs.api.base import as_uuid
from designs.api.permissions import caller_of_request
from designs.api.renderers import to_json
from executor.answers import Answer
from executor.api.serializers import AcceptedOut
from executor.models import Trigger
from executor.states import Status

LONGEST_WAIT_SECONDS = 600.0
LONGEST_KEY = 255
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?")

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    location="header",
    description="The same key and body start one execution only, for 24 hours.",
)
PREFER = OpenApiParameter(
    "Prefer",
    location="header",
    description="`respond-async` answers 202 at once; `wait=10` waits that many seconds at most.",
)


class CallView(AsyncApiView):
    """What both doors share: how long to wait, and how an end is told."""

    async def answer(
        self, request: Request, ready: Deployed, input_data: Any, trigger: Trigger
    ) -> HttpResponse:
        call = await call_deployment(
            ready=ready,
            input_data=input_data,
            trigger=trigger,
            caller=caller_of_request(request),
            wait_seconds=_wait_seconds(request, ready.wait_seconds),
            idempotency_key=_idempotency_key(request),
            body=request._request.body,
        )
        response = _accepted(call.execution_id) if call.answer is None else _ended(call.answer)
        if call.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


class DeployedEndpointView(CallView):
    """Run what is deployed under a path. The body is the design's input."""

    permissions = {
        "POST": "deployments.execute_deployment",
        "GET": "deployments.execute_deployment",
    }

    @extend_schema(
        operation_id="deployed_call",
        parameters=[PREFER, IDEMPOTENCY],
        request={"application/json": {"type": "object"}},
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def post(self, request: Request, path: str) -> HttpResponse:
        input_data = read_object(request)
        if input_data is None:
            input_data = {}
        if not isinstance(input_data, dict):
            raise ParseError("The body must be a JSON object: the design's input.")
        ready = await _find(path, caller_of_request(request))
        return await self.answer(request, ready, input_data, Trigger.API)

    @extend_schema(
        operation_id="deployed_get",
        parameters=[PREFER, IDEMPOTENCY],
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def get(self, request: Request, path: str) -> HttpResponse:
        """For designs that require no input."""
        ready = await _find(path, caller_of_request(request))
        return await self.answer(request, ready, {}, Trigger.API)


class DeploymentExecuteView(CallView):
    """Run a deployment now, by its id."""

    permissions = {"POST": "deployments.execute_deployment"}

    @extend_schema(
        operation_id="deployments_execute",
        parameters=[PREFER, IDEMPOTENCY],
        request=ExecuteIn,
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def post(self, request: Request, pk: str) -> HttpResponse:
        body = read_object(request)
        given = ExecuteIn(data={} if body is None else body)
        given.is_valid(raise_exception=True)
        if body is not None and not isinstance(body, dict):
            raise ValidationError({"body": ["The body must be a JSON object with input_data."]})
        ready = await sync_to_async(_find_by_id)(pk, caller_of_request(request))
        input_data = (body or {}).get("input_data", {})
        return await self.answer(request, ready, input_data, Trigger.MANUAL)


async def _find(path: str, caller: Caller) -> Deployed:
    known, found = remembered_at(path)
    if not known:
        found = await sync_to_async(deployed_at)(path)
    if found is None or not caller.sees(found.group_ids, found.id):
        if found is not None and _bound_elsewhere(caller, found):
            raise PermissionDenied("This API key is bound to other deployments.")
        raise Http404
    return found


def _find_by_id(pk: str, caller: Caller) -> Deployed:
    row = Deployment.objects.present().select_related("version").filter(pk=as_uuid(pk)).first()
    if row is None:
        raise Http404
    found = deployed(row)
    if not caller.sees(found.group_ids, found.id):
        if _bound_elsewhere(caller, found):
            raise PermissionDenied("This API key is bound to other deployments.")
        raise Http404
    return found


def _bound_elsewhere(caller: Caller, found: Deployed) -> bool:
    """The owner sees it, only the key is bound to others: that is 403, where the owner's blindness
    is 404.
    """
    if caller.deployment_ids is None or found.id in caller.deployment_ids:
        return False
    return caller.is_superuser or not found.group_ids or bool(found.group_ids & caller.group_ids)


def _wait_seconds(request: Request, usual: float) -> float:
    """RFC 7240: `respond-async` is not waited for, unless `wait` says how long."""
    prefer = request.META.get("HTTP_PREFER", "").lower()
    if not prefer:
        return usual
    wait = _WAIT.search(prefer)
    if wait is not None:
        return min(float(wait.group(1)), LONGEST_WAIT_SECONDS)
    return 0.0 if "respond-async" in prefer else usual


def _idempotency_key(request: Request) -> str:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise ParseError(f"An Idempotency-Key has at most {LONGEST_KEY} printable characters.")
    return key


def _accepted(pk: Any) -> HttpResponse:
    url = f"/api/executions/{pk}"
    body = {"execution_id": f"exec-{pk.hex}", "log_id": pk, "status": "queued", "status_url": url}
    return _json(body, 202, {"Location": url})


def _ended(answer: Answer) -> HttpResponse:
    if answer.status != Status.COMPLETED:
        return _failed(answer)
    return _json(
        {
            "success": True,
            "execution_id": f"exec-{answer.execution_id.hex}",
            "log_id": answer.execution_id,
            "status": answer.status,
            "degraded": answer.degraded,
            "result": answer.result,
            "results": answer.results,
            "usage": answer.usage,
            "duration_ms": answer.duration_ms,
        },
        200,
    )


_FAILURES = {
    Status.FAILED: (502, "The run failed", "run-failed"),
    Status.TIMED_OUT: (504, "The run timed out", "run-timed-out"),
    Status.CANCELLED: (409, "The run was cancelled", "run-cancelled"),
}


def _failed(answer: Answer) -> HttpResponse:
    status, title, kind = _FAILURES[Status(answer.status)]
    error = answer.error or {}
    if status == 502 and error.get("class") == "internal":
        status = 500
    body = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": error.get("message") or title,
        "execution_id": f"exec-{answer.execution_id.hex}",
        "log_id": answer.execution_id,
        "error_class": error.get("class"),
        "block_id": error.get("block_id"),
        "step": error.get("step"),
    }
    return _json(body, status, content_type="application/problem+json")


def _json(
    body: dict[str, Any],
    status: int,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> HttpResponse:
    return HttpResponse(to_json(body), status=status, headers=headers, content_type=content_type)
