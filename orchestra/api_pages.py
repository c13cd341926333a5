"""The API's reference for readers, and its answer to addresses that lead nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from designs.api.base import ApiView


@require_safe
@login_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation of the document at /api/schema, in words."""
    document = SchemaGenerator().get_schema(public=True)
    operations = [
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "api_docs.html", {"operations": operations})


class UnknownView(ApiView):
    """A problem, so that scripts never meet an HTML page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(f"There is no API call at {request.path}. The reference is at /api/docs.")


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "method": method.upper(),
        "summary": operation.get("description", "").split("\n")[0],
        "parameters": [p for p in operation.get("parameters", ()) if p["in"] != "path"],
        "answers": sorted(operation.get("responses", {})),
    }
