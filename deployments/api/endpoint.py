"""The deployed endpoint and its twin for people: one run, asked for over HTTP."""

from __future__ import annotations

import functools
import uuid
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request

from deployments.access.limits import limits_of_caller
from deployments.api.answers import accepted_response, ended_response
from deployments.api.async_views import AsyncApiView, read_object
from deployments.api.preferences import read_preferences
from deployments.api.pressure import place_for_call
from deployments.api.serializers import ExecuteIn, RunOut
from deployments.api.streams import stream_call, wants_events
from deployments.calls.calls import Call, call_deployment
from deployments.calls.lookup import Deployed, cached_deployment, deployed_at
from designs.access import Caller
from designs.api.base import as_uuid
from designs.api.permissions import caller_of_request
from designs.runtime.threads import begin_in_thread_once, in_thread_once
from designs.secrets.masking import masked
from executor.api.serializers import AcceptedOut
from executor.following.answers import current_state
from executor.models import Status, Trigger

MAX_KEY_LENGTH = 255

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
    """What both doors share: what is called, how long to wait, and how an end is told."""

    place = staticmethod(place_for_call)

    def what(self) -> str | uuid.UUID:
        """The endpoint path, or the deployment's id."""
        raise NotImplementedError

    async def count(self, caller: Caller) -> None:
        """The caller's limits and, where it is known what is called, the deployment's: in one round
        trip, and all or nothing.
        """
        self._counted = False
        limits = limits_of_caller(caller)
        entry = cached_deployment(self.what())
        found = entry.value if entry else None
        permission = self.permissions.get(self.request.method or "")
        if found and permission and caller.may(permission) and _is_seen(caller, found):
            self._counted = True
            limits += found.request_limits
        await self.count_against(limits)

    async def ready(self, caller: Caller) -> Deployed:
        """What is called, counted. Raises Http404, PermissionDenied, RateLimitReached."""
        entry = cached_deployment(self.what())
        if entry is None:
            found = await in_thread_once(deployed_at, self.what())
        else:
            found = entry.value
            if entry.take_refresh():
                begin_in_thread_once(deployed_at, self.what())
        if found is None:
            raise Http404
        if not _is_seen(caller, found):
            if _bound_elsewhere(caller, found):
                raise PermissionDenied("This API key is bound to other deployments.")
            raise Http404
        if not self._counted:
            await self.count_against(found.request_limits)
        return found

    async def answer(
        self,
        request: Request,
        ready: Deployed,
        input_data: Any,
        trigger: Trigger,
        callback_url: str = "",
    ) -> HttpResponseBase:
        caller = caller_of_request(request)
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
            response = await stream_call(request, called)
        else:
            call = await called(wait_seconds=wished.wait_seconds)
            response = await _told(call, wished.wait_seconds)
            self.headers.update(wished.applied(accepted=response.status_code == 202))
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
        ready = await self.ready(caller_of_request(request))
        input_data = await read_object(request)
        return await self.answer(request, ready, input_data or {}, Trigger.API)

    @extend_schema(
        operation_id="deployed_get",
        parameters=[PREFER, IDEMPOTENCY, CALLBACK],
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def get(self, request: Request, path: str) -> HttpResponseBase:
        """For designs that require no input."""
        ready = await self.ready(caller_of_request(request))
        return await self.answer(request, ready, {}, Trigger.API)

    def what(self) -> str:
        return str(self.kwargs["path"])


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
        ready = await self.ready(caller_of_request(request))
        body = await read_object(request) or {}
        given = ExecuteIn(data=body)
        given.is_valid(raise_exception=True)
        # As it was sent: the serializer would copy it.
        input_data = body.get("input_data", {})
        callback_url = given.validated_data["callback_url"]
        return await self.answer(request, ready, input_data, Trigger.MANUAL, callback_url)

    def what(self) -> uuid.UUID:
        return as_uuid(self.kwargs["pk"])


def _is_seen(caller: Caller, found: Deployed) -> bool:
    return caller.sees(found.group_ids, found.id)


def _bound_elsewhere(caller: Caller, found: Deployed) -> bool:
    """The owner sees it, only the key is bound to others: that is 403, where the owner's blindness
    is 404.
    """
    if caller.deployment_ids is None or found.id in caller.deployment_ids:
        return False
    return caller.is_superuser or not found.group_ids or bool(found.group_ids & caller.group_ids)


async def _told(call: Call, waited_seconds: float) -> HttpResponse:
    answer, status = call.answer, Status.QUEUED.value
    if answer is None and (waited_seconds or call.replayed):
        # It was accepted some time ago, and may have ended in this moment.
        status, answer = await current_state(call.execution_id, with_answer=waited_seconds > 0)
    if answer is None:
        response = accepted_response(call.execution_id, status)
    else:
        response = await ended_response(answer)
    if call.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _idempotency_key(request: Request) -> str:
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise ParseError(f"An Idempotency-Key has at most {MAX_KEY_LENGTH} printable characters.")
    if key and masked(key) != key:
        # It is entry as it is, because equal ones must be found.
        raise ParseError("This Idempotency-Key holds a secret. Make one up, as a random UUID.")
    return key
