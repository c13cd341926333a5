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
from designs.api.permissions import caller_of_request
from designs.runtime.threads import begin_in_thread_once, in_thread, in_thread_once
from designs.secrets.masking import masked
from executor.api.serializers import AcceptedOut
from executor.decisions import waiting_for
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
    """Common to both endpoints that run a deployment."""

    place = staticmethod(place_for_call)

    def what(self) -> str | uuid.UUID:
        """The endpoint path, or the deployment's id."""
        raise NotImplementedError

    async def count(self, caller: Caller) -> None:
        """Count against the caller's limits and, if the deployment is cached, its own: in one round
        trip, all or nothing.
        """
        self._counted = False
        limits = limits_of_caller(caller)
        entry = cached_deployment(self.what())
        deployment = entry.value if entry else None
        permission = self.permissions.get(self.request.method or "")
        if deployment and permission and caller.may(permission) and _is_seen(caller, deployment):
            self._counted = True
            limits += deployment.request_limits
        await self.count_against(limits)

    async def find(self, caller: Caller) -> Deployed:
        """The deployment, after counting the call. Raises Http404, PermissionDenied,
        RateLimitReached.
        """
        entry = cached_deployment(self.what())
        if entry is None:
            deployment = await in_thread_once(deployed_at, self.what())
        else:
            deployment = entry.value
            if entry.take_refresh():
                begin_in_thread_once(deployed_at, self.what())
        if deployment is None:
            raise Http404
        if not _is_seen(caller, deployment):
            is_bound = (
                caller.deployment_ids is not None and deployment.id not in caller.deployment_ids
            )
            is_open = not deployment.group_ids or bool(deployment.group_ids & caller.group_ids)
            # The key's owner sees it; what the owner does not see either is 404.
            if is_bound and (is_open or caller.is_superuser):
                raise PermissionDenied("This API key is bound to other deployments.")
            raise Http404
        if not self._counted:
            await self.count_against(deployment.request_limits)
        return deployment

    async def answer(
        self,
        request: Request,
        deployment: Deployed,
        input_data: Any,
        trigger: Trigger,
        callback_url: str = "",
    ) -> HttpResponseBase:
        caller = caller_of_request(request)
        key = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip()
        if len(key) > MAX_KEY_LENGTH or not key.isprintable():
            text = f"An Idempotency-Key has at most {MAX_KEY_LENGTH} printable characters."
            raise ParseError(text)
        if key and masked(key) != key:
            # It is stored as it is, because equal ones must be found.
            raise ParseError("This Idempotency-Key holds a secret. Make one up, as a random UUID.")
        called = functools.partial(
            call_deployment,
            deployment=deployment,
            input_data=input_data,
            trigger=trigger,
            caller=caller,
            idempotency_key=key,
            body=request._request.body,
            callback_url=callback_url or request.META.get("HTTP_CALLBACK_URL", "").strip(),
        )
        preferences = read_preferences(request.META.get("HTTP_PREFER", ""), deployment.wait_seconds)
        if wants_events(request):
            response = await stream_call(request, called)
        else:
            call = await called(wait_seconds=preferences.wait_seconds)
            response = await _response_of(call, preferences.wait_seconds)
            self.headers.update(preferences.applied(accepted=response.status_code == 202))
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
        deployment = await self.find(caller_of_request(request))
        input_data = await read_object(request)
        return await self.answer(request, deployment, input_data or {}, Trigger.API)

    @extend_schema(
        operation_id="deployed_get",
        parameters=[PREFER, IDEMPOTENCY, CALLBACK],
        responses={200: RunOut, 202: AcceptedOut},
    )
    async def get(self, request: Request, path: str) -> HttpResponseBase:
        """For designs that require no input."""
        deployment = await self.find(caller_of_request(request))
        return await self.answer(request, deployment, {}, Trigger.API)

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
        deployment = await self.find(caller_of_request(request))
        body = await read_object(request) or {}
        given = ExecuteIn(data=body)
        given.is_valid(raise_exception=True)
        # As it was sent: the serializer would copy it.
        input_data = body.get("input_data", {})
        callback_url = given.validated_data["callback_url"]
        return await self.answer(request, deployment, input_data, Trigger.MANUAL, callback_url)

    def what(self) -> uuid.UUID:
        return uuid.UUID(self.kwargs["pk"])


def _is_seen(caller: Caller, deployment: Deployed) -> bool:
    return caller.sees(deployment.group_ids, deployment.id)


async def _response_of(call: Call, waited_seconds: float) -> HttpResponse:
    answer, status = call.answer, Status.QUEUED.value
    if answer is None and (waited_seconds or call.replayed):
        # It was accepted some time ago, and may have ended in this moment.
        status, answer = await current_state(call.execution_id, with_answer=waited_seconds > 0)
    if answer is None:
        asked = None
        if status == Status.WAITING:
            asked = await in_thread(waiting_for, call.execution_id)
        response = accepted_response(call.execution_id, status, waiting_for=asked)
    else:
        response = await ended_response(answer)
    if call.replayed:
        response["Idempotent-Replayed"] = "true"
    return response
