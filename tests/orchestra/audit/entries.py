"""What the audit says of a row."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import StreamingHttpResponse

from designs.auditing.audit import AuditEntry

LIST = "/admin/designs/auditentry/"


def entries(row: models.Model) -> list[AuditEntry]:
    """Oldest first."""
    kind = ContentType.objects.get_for_model(row)
    return list(AuditEntry.objects.filter(content_type=kind, object_pk=str(row.pk)).order_by("pk"))


def last(row: models.Model) -> AuditEntry:
    return entries(row)[-1]


def body(response: Any) -> str:
    """What a file holds."""
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(response).decode()
