"""Answers to bodies that a page's script should not have sent."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse


def unreadable(error: Exception) -> HttpResponse:
    problem = {"title": "Unreadable", "detail": str(error), "status": 422}
    return JsonResponse(problem, status=422, content_type="application/problem+json")
