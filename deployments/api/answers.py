"""Answers to the caller of a run: accepted, completed, failed."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
from django.http import HttpResponse

from designs.json_text import to_json
from designs.runtime.computing import compute_on, is_small
from executor.following.answers import Answer
from executor.models import Status

FAILURES = {
    Status.FAILED: (502, "The run failed", "run-failed"),
    Status.TIMED_OUT: (504, "The run timed out", "run-timed-out"),
    Status.CANCELLED: (409, "The run was cancelled", "run-cancelled"),
}


def accepted_response(
    pk: uuid.UUID, status: str, *, waiting_for: list[dict[str, Any]] | None = None
) -> HttpResponse:
    """202 with the address of the run's state, and what it waits for."""
    url = f"/api/executions/{pk}"
    body = {"execution_id": f"exec-{pk.hex}", "log_id": pk, "status": status, "status_url": url}
    if waiting_for is not None:
        body["waiting_for"] = waiting_for
    return HttpResponse(
        to_json(body), status=202, content_type="application/json", headers={"Location": url}
    )


async def ended_response(answer: Answer) -> HttpResponse:
    """200 with the result, or a problem that says how the run failed."""
    status, body = ended(answer)
    kind = "application/json" if status == 200 else "application/problem+json"
    text = await to_json_apart(body)
    return HttpResponse(text, status=status, content_type=kind)


async def to_json_apart(body: dict[str, Any]) -> bytes:
    """Render JSON without blocking the event loop for large bodies."""
    return await compute_on(body, _to_json_in_parts, body)


def _to_json_in_parts(body: dict[str, Any]) -> bytes:
    """Renders each block's result by itself, so that other threads get their turn in between."""
    results = body.get("results")
    if is_small(results):
        return to_json(body)
    parts = {name: orjson.Fragment(to_json(value)) for name, value in (results or {}).items()}
    return to_json({**body, "results": parts})


def ended(answer: Answer) -> tuple[int, dict[str, Any]]:
    names = {"execution_id": f"exec-{answer.execution_id.hex}", "log_id": answer.execution_id}
    if answer.status == Status.COMPLETED:
        return 200, {
            "success": True,
            **names,
            "status": answer.status,
            "degraded": answer.degraded,
            "degraded_reasons": answer.degraded_reasons,
            "result": answer.result,
            "results": answer.results,
            "usage": answer.usage,
            "duration_ms": answer.duration_ms,
        }
    status, title, kind = FAILURES[Status(answer.status)]
    error = answer.error or {}
    if status == 502 and error.get("class") == "internal":
        status = 500
    return status, {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": error.get("message") or title,
        **names,
        "error_class": error.get("class"),
        "block_id": error.get("block_id"),
        "step": error.get("step"),
    }
