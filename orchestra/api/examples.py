"""Examples of calls for the OpenAPI document: what is sent, and what is answered."""

from __future__ import annotations

from typing import Any

_ID = "01920f3e-7a10-7c4e-9d35-2f6b8c1e4a90"
_LOG = "01920f40-11b2-7e0d-8a77-5c3d9e2f1b64"
_DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "name": "Shout",
    "input_schema": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
    },
    "blocks": [{"id": "shout", "type": "transform", "settings": {"template": "{{ input.word }}!"}}],
}
_VALID: dict[str, Any] = {
    "valid": True,
    "problems": [],
    "hints": [],
    "bound": {
        "calls": 0,
        "calls_with_retries": 0,
        "tokens_out": 0,
        "cost_usd": "0.0000",
        "unpriced": [],
        "blocks": {},
    },
}
_COMPARISON: dict[str, Any] = {
    "from": 1,
    "to": "draft",
    "summary": {"added": 0, "changed": 1, "removed": 0},
    "changes": [
        {
            "kind": "agent",
            "id": "editor",
            "block_id": "answer",
            "label": "Editor",
            "change": "changed",
            "fields": [
                {
                    "name": "system_prompt",
                    "before": "You shorten.",
                    "after": "You shorten kindly.",
                    "words": [["same", "You shorten"], ["added", " kindly"], ["same", "."]],
                }
            ],
        }
    ],
}
_RUN: dict[str, Any] = {
    "success": True,
    "execution_id": f"exec-{_LOG.replace('-', '')}",
    "log_id": _LOG,
    "status": "completed",
    "degraded": False,
    "degraded_reasons": [],
    "result": "hello!",
    "results": {"shout": "hello!"},
    "usage": {
        "model_calls": 0,
        "tool_calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": None,
    },
    "duration_ms": 4,
}
_KEY: dict[str, Any] = {
    "id": _ID,
    "name": "Nightly import",
    "prefix": "1f0c9a3b",
    "owner": "ada",
    "scopes": ["execute"],
    "deployment_ids": [],
    "made_by": None,
    "is_usable": True,
    "created_at": "2026-01-05T09:00:00Z",
    "expires_at": None,
    "revoked_at": None,
    "overlap_until": None,
    "last_used_at": None,
    "last_used_address": None,
    "requests_per_minute": 60,
    "requests_per_day": None,
    "max_concurrent": None,
    "key": "orc_1f0c9a3b_…",
}
_CHANGE: dict[str, Any] = {
    "endpoint_path": "/shout",
    "status": "active",
    "timeout_seconds": 120,
    "requests_per_minute": 60,
    "schedule": {"cron_expression": "0 9 * * 1-5", "timezone": "Europe/Berlin"},
}

_SCHEDULE: dict[str, Any] = {
    "cron_expression": "0 9 * * 1-5",
    "timezone": "Europe/Berlin",
    "input_data": {"word": "good morning"},
}

_CALENDAR: dict[str, Any] = {
    "name": "Company holidays",
    "entries": [
        {"from": "2026-05-01", "name": "Labour Day"},
        {"from": "2026-12-24", "until": "2026-12-31", "name": "Winter break"},
    ],
}

_ENTRY: dict[str, Any] = {
    "id": _LOG,
    "at": "2026-01-05T09:00:00.120000Z",
    "action": "update",
    "actor": "ada",
    "actor_id": 7,
    "key": "Nightly import (orc_1f0c9a3b_…)",
    "key_id": _ID,
    "address": "192.0.2.10",
    "model": "deployments.deployment",
    "object_id": _ID,
    "object": "/shout",
    "changes": [{"field": "timeout_seconds", "before": 600, "after": 120}],
    "details": {},
    "correlation_id": "01920f4011b27e0d8a775c3d9e2f1b64",
}

_REQUEST: dict[str, Any] = {
    "id": _ID,
    "execution_id": f"exec-{_LOG.replace('-', '')}",
    "log_id": _LOG,
    "deployment": {"id": _ID, "endpoint_path": "/pay/invoice"},
    "kind": "approval",
    "status": "open",
    "block_id": "release",
    "agent_id": None,
    "tool": None,
    "group": "finance",
    "required": 2,
    "question": "Pay 1,200 EUR to ACME?",
    "shown": {"amount": 1200},
    "shown_hidden": False,
    "form": {
        "type": "object",
        "properties": {"cost_centre": {"type": "string"}},
        "required": ["cost_centre"],
    },
    "needs_reason": True,
    "allows_self": False,
    "due_at": "2026-12-01T09:00:00Z",
    "on_due": "timed_out",
    "may_decide": False,
    "started_by": "ben",
    "created_at": "2026-11-28T09:00:00Z",
    "decided_at": None,
    "answer": None,
    "votes": [
        {
            "user": "ana",
            "verdict": "approve",
            "reason": "checked with ACME",
            "answers": {"cost_centre": "17"},
            "at": "2026-11-28T10:12:00Z",
        }
    ],
}

_OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "paths": {
        "/orders/{order_id}": {
            "get": {
                "operationId": "get_order",
                "summary": "One order by its number.",
                "parameters": [
                    {
                        "name": "order_id",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string"},
                    }
                ],
                "responses": {"200": {"description": "The order."}},
            }
        }
    },
}

# By operation id: the body sent, the body of the first good answer; None: none.
EXAMPLES: dict[str, tuple[Any, Any]] = {
    "deployed_call": ({"word": "hello"}, _RUN),
    "deployed_get": (None, _RUN),
    "deployments_execute": ({"input_data": {"word": "hello"}}, _RUN),
    "deployments_create": (
        {
            "design_id": _ID,
            "endpoint_path": "/shout",
            "schedule": {"interval_seconds": 3600, "input_data": {"word": "hello"}},
        },
        None,
    ),
    "deployments_replace": (_CHANGE, None),
    "deployments_change": ({"status": "inactive"}, None),
    "deployments_callback_secret": (
        {"overlap_seconds": 86_400},
        {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    ),
    "designs_create": ({"document": _DOCUMENT}, None),
    "designs_replace": ({"document": _DOCUMENT, "name": "Shout"}, None),
    "designs_change": ({"description": "Says it louder"}, None),
    "designs_validate": ({"document": _DOCUMENT}, _VALID),
    "designs_publish": ({"note": "First"}, None),
    "designs_execute": (
        {"input_data": {"word": "hello"}, "model": "offline:stand-in"},
        {
            "execution_id": _RUN["execution_id"],
            "log_id": _LOG,
            "status": "queued",
            "status_url": f"/api/executions/{_LOG}",
        },
    ),
    "designs_evaluate": (
        {
            "texts": [{"block_id": "shout", "text": "{{ input.word }}!", "kind": "template"}],
            "input_data": {"word": "hello"},
        },
        {
            "values": [
                {
                    "value": "hello!",
                    "cut": False,
                    "placeholders": [{"start": 0, "end": 16, "value": "hello", "cut": False}],
                }
            ]
        },
    ),
    "designs_read_file": (
        _DOCUMENT,
        {"designs": [{"document": _DOCUMENT, "warnings": [], "problems": []}]},
    ),
    "designs_compare": (None, _COMPARISON),
    "designs_checkpoint_create": ({"reason": "by_hand"}, None),
    "designs_import": (_DOCUMENT, {"designs": [{"id": _ID, "name": "Shout", "warnings": []}]}),
    "schedules_create": (_SCHEDULE, None),
    "schedules_replace": (_SCHEDULE, None),
    "schedules_change": ({"enabled": False}, None),
    "schedules_backfill": (
        {"from": "2026-01-05T00:00:00Z", "until": "2026-01-07T00:00:00Z", "confirm": True},
        None,
    ),
    "schedules_preview": ({**_SCHEDULE, "count": 5}, None),
    "calendars_create": (_CALENDAR, None),
    "calendars_replace": (_CALENDAR, None),
    "audit_list": (None, {"results": [_ENTRY], "next": None, "previous": None}),
    "executions_rerun": ({"version": "newest"}, None),
    "executions_resume": ({"block": "letter", "given": {"desk": "Refund approved."}}, None),
    "executions_suggestions_apply": ({"agents": ["answer/editor"]}, None),
    "requests_vote": (
        {
            "verdict": "approve",
            "reason": "checked with ACME",
            "answers": {"cost_centre": "17"},
        },
        _REQUEST,
    ),
    "tool_connections_create": (
        {
            "name": "crm",
            "url": "https://crm.example/mcp",
            "auth": "bearer",
            "secret": "the token",
        },
        None,
    ),
    "tool_connections_change": ({"timeout_seconds": 30}, None),
    "tool_connections_import": ({"document": _OPENAPI}, None),
    "tool_connections_tools_create": (
        {
            "name": "get_order",
            "description": "One order by its number.",
            "input_schema": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}},
                "required": ["order_id"],
            },
            "http": {"method": "GET", "path": "/orders/{order_id}"},
        },
        None,
    ),
    "tool_connections_tools_change": ({"is_offered": True, "effect": "read"}, None),
    "tool_connections_tools_accept": ({"digest": "9f2c41d07be3"}, None),
    "tool_connections_tools_call": (
        {"arguments": {"order_id": "1001"}},
        {"content": "Desk lamp, delivered.", "is_error": False, "outcome": "done", "size": 21},
    ),
    "keys_create": (
        {"name": "Nightly import", "scopes": ["execute"], "requests_per_minute": 60},
        _KEY,
    ),
    "keys_rotate": ({"overlap_seconds": 3600}, {**_KEY, "overlap_until": "2026-01-05T10:00:00Z"}),
}

PROBLEM_EXAMPLE = {
    "type": "/problems/input-invalid",
    "title": "Not valid",
    "status": 422,
    "detail": "The input does not fit what this design expects.",
    "errors": {"input_data/word": ['"word" is a required property. Add it.']},
}
