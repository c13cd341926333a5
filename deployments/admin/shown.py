"""How the admin shows deployments and keys."""

from __future__ import annotations

from deployments.models import ApiKey, Deployment
from designs.admin.shown import badge

KINDS = {"active": "success", "inactive": "", "error": "danger"}


def deployment_badge(deployment: Deployment) -> str:
    if deployment.removed_at is not None:
        return badge("Undeployed", "warning")
    return badge(deployment.get_status_display(), KINDS[deployment.status])


def key_badge(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return badge("Revoked", "danger")
    return badge("Works", "success") if key.is_usable else badge("Expired", "warning")
