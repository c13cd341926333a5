"""The rows of deployments, by subject."""

from deployments.models.delivery import CallbackSecret, Delivery, DeliveryQuerySet
from deployments.models.deployment import (
    ENDPOINT_PATH,
    ENDPOINT_PATH_RULE,
    LEAST_MEMORY_MB,
    MOST_AT_ONCE,
    MOST_BYTES,
    MOST_MEMORY_MB,
    MOST_PER_MINUTE,
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
    "LEAST_MEMORY_MB",
    "MOST_AT_ONCE",
    "MOST_BYTES",
    "MOST_MEMORY_MB",
    "MOST_PER_MINUTE",
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
