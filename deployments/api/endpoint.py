"""The deployed endpoint and its twin for people: one run, asked for over HTTP."""

from __future__ import annotations

import functools
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request

from deployments.api.answers import accepted_response, ended_response
from deployments.api.async_views import AsyncApiView, read_object
from deployments.api.preferences import read_preferences
from deployments.api.pressure import place_for_call
from deployments.api.serializers import ExecuteIn, RunOut
from deployments.api.streams import stream_call, wants_events
from deployments.calls import Call, call_deployment
from deployments.limits import count_request_async, limits_of_key
from deployments.lookup import Deployed, deployed, deployed_at, remembered_at
from deployments.models import Deployment
from designs.access import Caller
from designs.api.base import as_uuid
from designs.api.permissions import caller_of_request
from designs.masking import masked
from executor.api.serializers import AcceptedOut
from executor.models import Trigger
from executor.threads import in_thread, in_thread_once

LONGEST_KEY = 255

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    location="header",
    description="The same key and body start one execution only, for 24 hours.",
)
PREFER = OpenApiParameter(
    "Prefer",
    location="header",
    description="`respond-async` answers 202 at once; `wait=10` waits that many seconds at most. "
    "`Preference-Applied` says what was done.",
)
CALLBACK = OpenApiParameter(
    "Callback-Url",
    location="header",
    description="The end of the run is posted there too, signed; instead of the deployment's own.",
)


class CallView(AsyncApiView):
    """What both doors share: how long to wait, and how an end is told."""

    async def count(self, caller: Caller) -> None:
        """Later, together with the deployment's limits: in one round trip, and all or nothing."""

    async def answer(
        self,
        request: Request,
        ready: Deployed,
        input_data: Any,
        trigger: Trigger,
        callback_url: str = "",
    ) -> HttpResponseBase:
        with place_for_call():
            return await self._called(request, ready, input_data, trigger, callback_url)

    async def _called(
        self,
        request: Request,
        ready: Deployed,
        input_data: Any,
        trigger: Trigger,
        callback_url: str,
    ) -> HttpResponseBase:
        caller = caller_of_request(request)
        limits = [*limits_of_key(caller), *ready.request_limits]
        self.headers.update(await count_request_async(limits))
        called = functools.partial(
            call_deployment,
            ready=ready,
            input_data=input_data,
            trigger=trigger,
            caller=caller,
            idempotency_key=_idempotency_key(request),
            body=request._request.body,
            callback_url=callback_url or request.META.get("HTTP_CALLBACK_URL", "").strip(),
        )
        wished = read_preferences(request.META.get("HTTP_PREFER", ""), ready.wait_seconds)
        if wants_events(request):
            response = await stream_call(self, request, called)
        else:
            call = await called(wait_seconds=wished.wait_seconds)
            response = _told(call)
            self.headers.update(wished.applied(accepted=call.answer is None))
        return response


class DeployedEndpointView(CallView):
    """Run what is deployed under a path. The body is the design's input."""

    get_starts_runs = True

    permissions = {
        "POST": "deployments.execute_deployment",
        "GET": "deployments.execute_deployment",
    }

    @extend_schema(
        operation_id="deployed_call",
        parameters=[PREFER, IDEMPOTENCY, CALLBACK],
        request={"application/json": {"type": "object"}},
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def post(self, request: Request, path: str) -> HttpResponseBase:
        input_data = await read_object(request)
        ready = await _find(path, caller_of_request(request))
        return await self.answer(request, ready, input_data or {}, Trigger.API)

    @extend_schema(
        operation_id="deployed_get",
        parameters=[PREFER, IDEMPOTENCY, CALLBACK],
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def get(self, request: Request, path: str) -> HttpResponseBase:
        """For designs that require no input."""
        ready = await _find(path, caller_of_request(request))
        return await self.answer(request, ready, {}, Trigger.API)


class DeploymentExecuteView(CallView):
    """Run a deployment now, by its id."""

    permissions = {"POST": "deployments.execute_deployment"}

    @extend_schema(
        operation_id="deployments_execute",
        parameters=[PREFER, IDEMPOTENCY, CALLBACK],
        request=ExecuteIn,
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def post(self, request: Request, pk: str) -> HttpResponseBase:
        body = await read_object(request) or {}
        given = ExecuteIn(data=body)
        given.is_valid(raise_exception=True)
        ready = await in_thread(_find_by_id, pk, caller_of_request(request))
        # As it was sent: the serializer would copy it.
        input_data = body.get("input_data", {})
        callback_url = given.validated_data["callback_url"]
        return await self.answer(request, ready, input_data, Trigger.MANUAL, callback_url)


async def _find(path: str, caller: Caller) -> Deployed:
    known, found = remembered_at(path)
    if not known:
        found = await in_thread_once(deployed_at, path)
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


def _told(call: Call) -> HttpResponse:
    if call.answer is None:
        response = accepted_response(call.execution_id)
    else:
        response = ended_response(call.answer)
    if call.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _idempotency_key(request: Request) -> str:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise ParseError(f"An Idempotency-Key has at most {LONGEST_KEY} printable characters.")
    if key and masked(key) != key:
        # It is kept as it is, because equal ones must be found.
        raise ParseError("This Idempotency-Key holds a secret. Make one up, as a random UUID.")
    return key
