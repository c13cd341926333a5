"""The pages of API keys: list, make with the secret shown once, rotate, revoke."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from deployments.access.keys import create_key, revoke_key, rotate_key
from deployments.errors import KeyRevoked
from deployments.forms.keys import KeyForm, RotateForm
from deployments.models import ApiKey, Deployment
from designs.requests import PageRequest, requires

SHOWN_KEYS = 200


def _rows(request: PageRequest) -> Any:
    # A key's owner may have lost sight of a deployment that the key is bound to.
    seen = Prefetch("deployments", queryset=Deployment.objects.for_caller(request.caller))
    rows = ApiKey.objects.for_caller(request.caller).with_makers().select_related("owner")
    return rows.prefetch_related(seen).order_by("-created_at", "-id")


def _find(request: PageRequest, pk: uuid.UUID) -> ApiKey:
    key: ApiKey = get_object_or_404(_rows(request), pk=pk)
    return key


@require_safe
@requires("deployments.view_apikey")
def key_list(request: PageRequest) -> HttpResponse:
    context = {
        "keys": _rows(request)[:SHOWN_KEYS],
        "may_add": request.caller.may("deployments.add_apikey"),
        "may_revoke": request.caller.may("deployments.delete_apikey"),
        "sees_all": request.caller.may("deployments.change_apikey"),
    }
    return render(request, "deployments/key_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_apikey")
def key_new(request: PageRequest) -> HttpResponse:
    """A form; then the key, shown once."""
    form = KeyForm(request.POST if request.method == "POST" else None, caller=request.caller)
    if form.is_bound and form.is_valid():
        key, text = create_key(owner=request.user, maker=request.caller, **form.cleaned_data)
        return _shown_once(request, key, text)
    status = 422 if form.is_bound else 200
    return render(request, "deployments/key_new.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_apikey")
def key_rotate(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    key = _find(request, pk)
    # The new secret lets its reader act as the key's owner.
    if key.owner_id != request.caller.user_id and not request.caller.is_superuser:
        raise PermissionDenied
    form = RotateForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            key, text = rotate_key(key=key, maker=request.caller, **form.cleaned_data)
        except KeyRevoked as error:
            form.add_error(None, str(error))
        else:
            return _shown_once(request, key, text)
    status = 422 if form.is_bound else 200
    context = {"key": key, "form": form}
    return render(request, "deployments/key_rotate.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.delete_apikey")
def key_revoke(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    key = _find(request, pk)
    if request.method == "POST":
        revoke_key(key=key)
        messages.success(request, f"{key} revoked. Calls with it are rejected.")
        return redirect("deployments:key-list")
    return render(request, "deployments/key_revoke.html", {"key": key})


def _shown_once(request: PageRequest, key: ApiKey, text: str) -> HttpResponse:
    """The answer to the POST itself: no address leads back to it, and nothing stores it."""
    context = {"key": key, "text": text, "address": request.build_absolute_uri("/api/deployments")}
    response = render(request, "deployments/key_made.html", context)
    response["Cache-Control"] = "no-store"
    return response
