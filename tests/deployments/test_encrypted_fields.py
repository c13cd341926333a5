"""All encrypted fields: rotated with two keys, and in no form, answer, export or audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.forms import modelform_factory
from django.test import Client
from rest_framework.test import APIClient

from deployments.callbacks.deliveries import change_secret
from deployments.models import CallbackSecret, Deployment
from designs.models import AuditEntry
from designs.secrets.encryption import EncryptedTextField
from executor.connections import save_connection
from executor.models import ModelConnection, ToolConnection
from executor.tool_connections.services import save_connection as save_tool_connection
from tests.admin_pages import text_of, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
KEY = "canary of encrypted fields 3d1f"
TOOL_SECRET = "canary of tools 77ab"
HEADERS = {"X-Area": "canary of headers 19ce"}
FIELDS = {
    "executor.ModelConnection": ["api_key"],
    "executor.ToolConnection": ["secret", "headers"],
    "deployments.CallbackSecret": ["secret", "previous"],
}


@pytest.fixture
def secrets(deploy: Deploy) -> dict[str, str]:
    """A row of each model, changed once; what is stored where."""
    row = ModelConnection(name="vllm", base_url="http://127.0.0.1:9/v1")
    save_connection(connection=row, new_key="first of encrypted fields")
    save_connection(connection=row, new_key=KEY)
    tools = ToolConnection(name="crm", url="http://127.0.0.1:9/mcp", auth="bearer")
    tools.is_guarded = False
    save_tool_connection(connection=tools, new_secret=TOOL_SECRET, new_headers=HEADERS)
    deployment = deploy()
    first = change_secret(deployment=deployment)
    second = change_secret(deployment=deployment, overlap_seconds=3600)
    return {
        "ModelConnection.api_key": KEY,
        "ToolConnection.secret": TOOL_SECRET,
        "ToolConnection.headers": json.dumps(HEADERS),
        "CallbackSecret.secret": second,
        "CallbackSecret.previous": first,
    }


def encrypted() -> dict[str, list[str]]:
    found = {}
    for model in apps.get_models():
        names = [f.name for f in model._meta.local_fields if isinstance(f, EncryptedTextField)]
        if names:
            found[model._meta.label] = names
    return found


def opened() -> dict[str, str]:
    models: list[Any] = [ModelConnection, ToolConnection, CallbackSecret]
    return {
        f"{model.__name__}.{name}": getattr(model.objects.get(), name).reveal()
        for model in models
        for name in FIELDS[model._meta.label]
    }


def columns() -> str:
    """As they are stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM executor_modelconnection")
        found = cursor.fetchall()
        cursor.execute("SELECT secret, headers FROM executor_toolconnection")
        found += cursor.fetchall()
        cursor.execute("SELECT secret, previous FROM deployments_callbacksecret")
        return str([*found, *cursor.fetchall()])


def test_these_are_all_there_are() -> None:
    assert encrypted() == FIELDS


def test_all_are_rotated_and_the_old_key_is_needed_no_more(
    settings: Any, secrets: dict[str, str]
) -> None:
    (old,) = settings.ENVIRONMENT.encryption_keys
    before = columns()
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, encryption_keys=("the new one", old))
    assert opened() == secrets
    out = StringIO()
    call_command("rotate_encryption", stdout=out)
    assert out.getvalue() == "5 secrets are encrypted with the first key.\n"
    assert columns() != before
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, encryption_keys=("the new one",))
    assert opened() == secrets
    for secret in secrets.values():
        assert secret not in out.getvalue() + columns()


def test_no_form_has_a_field_for_them() -> None:
    for label, names in FIELDS.items():
        model = apps.get_model(label)
        assert not set(names) & set(modelform_factory(model, fields="__all__").base_fields)
        page = admin.site._registry.get(model)
        assert page is None or not set(names) & set(page.list_display)


def test_pages_answers_exports_and_the_audit_show_neither_text_nor_token(
    secrets: dict[str, str], administrator: User, browser_of: Callable[[User], Client],
    api_of: Callable[[User], APIClient],
) -> None:  # fmt: skip
    browser, api = browser_of(administrator), api_of(administrator)
    row, deployment = ModelConnection.objects.get(), Deployment.objects.get()
    seen = [
        text_of(browser.get(url_of(one, page)))
        for one in (row, deployment)
        for page in ("change", "history", "changelist", "delete")
    ]
    for path in ("", "/deliveries", "/openapi", "/schedules"):
        seen.append(text_of(api.get(f"/api/deployments/{deployment.pk}{path}")))
    seen.append(text_of(api.get(f"/api/designs/{deployment.design_id}/export")))
    audited = list(AuditEntry.objects.values())
    assert any("api_key" in str(entry["changes"]) for entry in audited)
    seen += [text_of(api.get("/api/audit")), str(audited)]
    for secret in secrets.values():
        assert not [text for text in seen if secret in text]
    assert not [text for text in seen if "fernet:" in text]
