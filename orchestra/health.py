"""Health checks: of this web process, and of every part of the installation."""

from __future__ import annotations

import time

import redis
from django.db import DatabaseError, connection
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.runtime.redis_clients import QUICK, redis_client
from executor.following.presence import is_alive


class LiveView(ApiView):
    """This web process answers. Needs no sign-in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="health_live", responses={200: {"type": "object"}})
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class ReadyView(ApiView):
    """Database, broker, workers and scheduler: `ok`, or the problem of each."""

    permissions = {"GET": "deployments.view_deployment"}

    @extend_schema(
        operation_id="health_ready", responses={200: {"type": "object"}, 503: {"type": "object"}}
    )
    def get(self, request: Request) -> Response:
        parts = {"database": _database(), "broker": "ok"}
        try:
            with redis_client(QUICK) as client:
                client.ping()
        except (redis.RedisError, OSError):
            parts["broker"] = "The broker does not answer."
        for kind, name in (("worker", "workers"), ("beat", "scheduler")):
            parts[name] = "ok" if is_alive(kind) else f"No {kind} was seen lately."
        good = all(part == "ok" for part in parts.values())
        body = {"status": "ok" if good else "not ready", "parts": parts, "time": time.time()}
        return Response(body, status=200 if good else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return "ok"
