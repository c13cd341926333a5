"""The rows of deployments, by subject."""

from deployments.models.calendar import ExclusionCalendar
from deployments.models.delivery import CallbackSecret, Delivery, DeliveryQuerySet
from deployments.models.deployment import (
    ENDPOINT_PATH,
    ENDPOINT_PATH_RULE,
    Deployment,
    DeploymentQuerySet,
    check_callback_url,
    check_endpoint_path,
)
from deployments.models.idempotency import KEYS_KEPT, IdempotencyKey, IdempotencyKeyQuerySet
from deployments.models.key import MAX_MAKERS, ApiKey, ApiKeyQuerySet, digest_of
from deployments.models.limits import CALL_LIMITS, LIMIT_GROUPS, LIMITS
from deployments.models.retention import RetentionPolicy
from deployments.models.schedule import Occurrence, Schedule

__all__ = [
    "MAX_MAKERS",
    "ENDPOINT_PATH",
    "ENDPOINT_PATH_RULE",
    "KEYS_KEPT",
    "CALL_LIMITS",
    "LIMITS",
    "LIMIT_GROUPS",
    "ApiKey",
    "ApiKeyQuerySet",
    "CallbackSecret",
    "Delivery",
    "DeliveryQuerySet",
    "Deployment",
    "DeploymentQuerySet",
    "ExclusionCalendar",
    "IdempotencyKey",
    "IdempotencyKeyQuerySet",
    "Occurrence",
    "RetentionPolicy",
    "Schedule",
    "check_callback_url",
    "check_endpoint_path",
    "digest_of",
]
