"""A deployment's own OpenAPI document: its one path, with the input and output of its design."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.callbacks import DeploymentPart
from deployments.models import Deployment
from executor.acceptance.inputs import input_validator

# Under these stand plain values, in which `$ref` is a word like any other.
PLAIN = frozenset({"const", "enum", "default", "examples"})
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
RUN = {
    "type": "object",
    "required": ["success", "execution_id", "log_id", "status", "degraded", "result"],
    "properties": {
        "success": {"const": True},
        "execution_id": {"type": "string"},
        "log_id": {"type": "string", "format": "uuid"},
        "status": {"const": "completed"},
        "degraded": {"type": "boolean"},
        "degraded_reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "A sentence for each thing that is missing.",
        },
        "result": {"$ref": "#/components/schemas/Result"},
        "results": {"type": "object", "description": "The outputs of the blocks by their ids."},
        "usage": {"type": "object"},
        "duration_ms": {"type": ["integer", "null"]},
    },
}
ERRORS = {
    400: "The request cannot be read.",
    401: "No good key.",
    403: "The key does not cover this.",
    404: "This does not exist, or you have no access.",
    409: "The deployment takes no calls, or the run was cancelled.",
    411: "A body needs a Content-Length.",
    413: "The body is too large.",
    415: "Bodies are JSON.",
    422: "The input does not fit: each field is named.",
    429: "A limit of requests is reached.",
    500: "A fault of the server.",
    502: "The run failed.",
    503: "Not available at the moment.",
    504: "The run timed out.",
}


class DeploymentDocumentView(DeploymentPart):
    """What this deployment takes and gives."""

    permissions = {"GET": "deployments.view_deployment"}

    @extend_schema(operation_id="deployments_openapi", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, pk: str) -> Response:
        """An OpenAPI document of its path alone, with its design's schemas."""
        return Response(own_document(self.deployment(pk)))


def own_document(deployment: Deployment) -> dict[str, Any]:
    document = deployment.version.document
    input_schema = document.get("input_schema")
    calls = {"post": _operation(deployment, "call", with_body=True)}
    check = input_validator(document)
    if check is None or not check.misfits({}):
        calls["get"] = _operation(deployment, "get", with_body=False)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": str(document.get("name") or deployment.endpoint_path),
            "version": str(deployment.version.number),
            "description": str(document.get("description") or ""),
        },
        "servers": [{"url": settings.ENVIRONMENT.public_url}],
        "paths": {f"/api/deployed{deployment.endpoint_path}": calls},
        "components": {
            "schemas": {
                "Input": _moved(
                    {"type": "object"} if input_schema is None else input_schema, "Input"
                ),
                "Result": _moved(document.get("output_schema") or {}, "Result"),
                "Run": RUN,
                "Problem": PROBLEM,
            },
            "securitySchemes": {
                "ApiKey": {"type": "http", "scheme": "bearer"},
                "ApiKeyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(deployment: Deployment, verb: str, *, with_body: bool) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    run = {"application/json": {"schema": {"$ref": "#/components/schemas/Run"}}}
    operation: dict[str, Any] = {
        "operationId": verb + deployment.endpoint_path.replace("/", "_").replace("-", "_"),
        "summary": f"Run {deployment.version.document.get('name') or deployment.endpoint_path}",
        "security": [{"ApiKey": []}, {"ApiKeyHeader": []}],
        "responses": {
            "200": {"description": "The result.", "content": run},
            "202": {"description": "The run goes on: `Location` says where to look."},
            **{str(n): {"description": text, "content": problem} for n, text in ERRORS.items()},
        },
    }
    if with_body:
        schema = {"schema": {"$ref": "#/components/schemas/Input"}}
        operation["requestBody"] = {"required": True, "content": {"application/json": schema}}
    return operation


def _moved(schema: Any, name: str) -> Any:
    """The schema with its references adjusted to its new place."""
    if isinstance(schema, list):
        return [_moved(item, name) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: value if key in PLAIN else _moved(value, name) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = f"#/components/schemas/{name}{reference[1:]}"
    return moved
