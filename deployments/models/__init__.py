"""The rows of deployments, by subject."""

from deployments.models.delivery import CallbackSecret, Delivery, DeliveryQuerySet
from deployments.models.deployment import (
    ENDPOINT_PATH,
    ENDPOINT_PATH_RULE,
    MAX_AT_ONCE,
    MAX_BYTES,
    MAX_MEMORY_MB,
    MAX_PER_MINUTE,
    MIN_MEMORY_MB,
    Deployment,
    DeploymentQuerySet,
    check_callback_url,
    check_endpoint_path,
)
from deployments.models.idempotency import KEYS_KEPT, IdempotencyKey, IdempotencyKeyQuerySet
from deployments.models.key import MAX_MAKERS, ApiKey, ApiKeyQuerySet, digest_of
from deployments.models.retention import RetentionPolicy
from deployments.models.schedule import Occurrence, Schedule

__all__ = [
    "MAX_MAKERS",
    "ENDPOINT_PATH",
    "ENDPOINT_PATH_RULE",
    "KEYS_KEPT",
    "MIN_MEMORY_MB",
    "MAX_AT_ONCE",
    "MAX_BYTES",
    "MAX_MEMORY_MB",
    "MAX_PER_MINUTE",
    "ApiKey",
    "ApiKeyQuerySet",
    "CallbackSecret",
    "Delivery",
    "DeliveryQuerySet",
    "Deployment",
    "DeploymentQuerySet",
    "IdempotencyKey",
    "IdempotencyKeyQuerySet",
    "Occurrence",
    "RetentionPolicy",
    "Schedule",
    "check_callback_url",
    "check_endpoint_path",
    "digest_of",
]
