"""The audit: who changed or did what, when, from where, before and after."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models

from designs.access import SYSTEM, Caller, hidden_deployments
from designs.acting import now_acting, verb_of_changes
from designs.rows.changes import differences
from designs.rows.ids import first_id_at, new_ordered_id
from designs.secrets.masking import MASK, masked_value

# The time in an entry's id and its timestamp are not taken at the same moment.
TIMES_APART = timedelta(minutes=1)
# Fields with inputs of runs, which only callers who may see payloads can read.
PAYLOADS = frozenset({"input_data"})
HIDDEN = "(hidden)"


class Action(models.IntegerChoices):
    """The first four are auditlog's own."""

    CREATE = 0, "Created"
    UPDATE = 1, "Changed"
    DELETE = 2, "Deleted"
    ACCESS = 3, "Looked at"
    EXECUTE = 10, "Executed"
    CANCEL = 11, "Cancelled"
    RERUN = 12, "Ran again"
    RESUME = 13, "Resumed"
    BACKFILL = 14, "Filled in"
    REDELIVER = 15, "Delivered again"
    EXPORT = 16, "Exported"
    MASK = 17, "Secret masked"
    PRUNE = 18, "Old entries removed"
    VOTE = 19, "Voted"
    UNDEPLOY = 20, "Undeployed"
    ROTATE = 21, "Rotated"
    REVOKE = 22, "Revoked"
    SIGN_IN = 30, "Signed in"
    SIGN_IN_FAILED = 31, "Failed to sign in"
    SIGN_OUT = 32, "Signed out"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def for_caller(self, caller: Caller) -> AuditEntryQuerySet:
        """All entries for callers who may read the audit, without deployments hidden from them."""
        if not caller.may("designs.view_auditentry"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        # A negated IN on a column that may be null leaves out the nulls as well.
        hidden = models.Q(deployment_id__in=hidden_deployments(caller))
        return rows.filter(models.Q(deployment_id=None) | ~hidden)

    def since(self, at: datetime) -> AuditEntryQuerySet:
        """Written at that time or later. The condition on ids makes the primary key usable."""
        return self.filter(timestamp__gte=at, pk__gte=first_id_at(at - TIMES_APART))

    def until(self, at: datetime) -> AuditEntryQuerySet:
        return self.filter(timestamp__lt=at, pk__lt=first_id_at(at + TIMES_APART))


class AuditEntryManager(LogEntryManager.from_queryset(AuditEntryQuerySet)):  # type: ignore[misc]
    def log_create(self, instance: models.Model, force_log: bool = False, **fields: Any) -> Any:
        """Called by auditlog's receivers. Its own method fails for rows that have no name yet."""
        if fields.get("changes") is None and not force_log:
            return None
        return self.create(**{**facts_of(instance), **fields})


class AuditEntry(AbstractLogEntry):  # type: ignore[misc]
    """One change of a row, or one action of a person or key.

    `changes` is field → [before, after]; for JSON documents paths to the differences. Names are
    stored as well as ids, so that entries stay readable when their person, key or row is deleted.
    """

    # Fields of auditlog, for the type checker.
    object_repr: str
    changes: Any
    additional_data: Any
    cid: str | None
    remote_addr: str | None
    timestamp: datetime

    # Fields of auditlog without a column.
    object_id = serialized_data = changes_text = remote_port = actor_email = None

    id = models.UUIDField(primary_key=True, default=new_ordered_id, editable=False)
    content_type = models.ForeignKey(
        ContentType, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    object_pk = models.CharField(max_length=255, blank=True)
    action = models.PositiveSmallIntegerField(choices=Action.choices)
    # Entries cannot change, so a deleted person's id is not set to null.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField("who", max_length=200)
    key_id = models.UUIDField(null=True, blank=True)
    key_name = models.CharField(max_length=250, blank=True)
    # For the deployment's limitation to groups.
    deployment_id = models.UUIDField(null=True, blank=True, db_index=True)

    Action = Action
    objects = AuditEntryManager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit"
        # No one can add, change or delete an entry, not even a superuser.
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=("content_type", "object_pk", "-id"), name="auditentry_by_object"),
            models.Index(fields=("actor_name", "-id"), name="auditentry_by_actor"),
            models.Index(fields=("action", "-id"), name="auditentry_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.what} {self.object_repr}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An entry of the audit is never changed.")
        self.sign()
        super().save(*args, **kwargs)

    def sign(self) -> None:
        """Fill in the actor and address unless they are set, reduce documents to their differences,
        and mask secrets. Called by `save`; must be called before a bulk insert.
        """
        acting = now_acting()
        if not self.actor_name:
            self.set_actor(SYSTEM if acting is None else acting.caller)
        if acting is not None:
            self.remote_addr = self.remote_addr or acting.address
            self.cid = self.cid or acting.correlation_id
        if self.action == Action.UPDATE:
            self.action = verb_of_changes() or self.action
        changes: dict[str, Any] = {}
        for name, (before, after) in (self.changes or {}).items():
            # Masked values look equal although they differ.
            if before == after != MASK:
                continue
            if isinstance(before, dict) and isinstance(after, dict):
                places = differences(before, after, name)
                changes.update({path: [old, new] for path, old, new in places})
            else:
                changes[name] = [before, after]
        self.changes = masked_value(changes)
        self.additional_data = masked_value(self.additional_data)
        self.object_repr = masked_value(self.object_repr)

    def set_actor(self, caller: Caller) -> None:
        self.actor_id = caller.user_id
        self.actor_name = caller.name or "nobody"
        self.key_id = caller.key_id
        self.key_name = caller.key_name

    @property
    def what(self) -> str:
        """The kind of row, in words. Reads Django's cache of content types."""
        kind = ContentType.objects.get_for_id(self.content_type_id)
        return str(kind.name)

    @property
    def model(self) -> str:
        kind = ContentType.objects.get_for_id(self.content_type_id)
        return f"{kind.app_label}.{kind.model}"

    @property
    def action_name(self) -> str:
        """The action in the API: `create`, `sign_in`, …"""
        return Action(self.action).name.lower()

    @property
    def changed(self) -> list[str]:
        return sorted(self.changes or {})

    def changes_for(self, caller: Caller) -> Iterator[tuple[str, Any, Any]]:
        """(field or path, before, after) of each change, without payloads and deployments that the
        caller may not see.
        """
        may_see = caller.may("executor.view_payload")
        for path, (before, after) in sorted((self.changes or {}).items()):
            if not may_see and path.partition("/")[0] in PAYLOADS:
                before, after = (None if value is None else HIDDEN for value in (before, after))
            if path == "deployments":
                before, after = (_visible_ids(value, caller) for value in (before, after))
            yield path, before, after


def _visible_ids(value: Any, caller: Caller) -> Any:
    """A list of deployments' ids, without those hidden from the caller."""
    if not isinstance(value, list):
        return value
    hidden: set[str] = set()
    if not caller.is_superuser:
        hidden = {str(pk) for pk in hidden_deployments(caller).values_list("pk", flat=True)}
    bound = {str(pk) for pk in caller.deployment_ids or ()}
    return [HIDDEN if pk in hidden or (bound and pk not in bound) else pk for pk in value]


def deployment_of(row: models.Model) -> uuid.UUID | None:
    """The deployment that the row is or belongs to, if any.

    A row whose related rows are not saved yet, or deleted already, has `audit_deployment_id`.
    """
    if row._meta.label == "deployments.Deployment":
        pk: Any = row.pk
    else:
        schedule = getattr(row, "orchestra_schedule", row)
        pk = getattr(schedule, "deployment_id", None)
    return pk or getattr(row, "audit_deployment_id", None)


def facts_of(row: models.Model | type[models.Model]) -> dict[str, Any]:
    """The fields of an entry that name its row, or its kind of rows."""
    facts: dict[str, Any] = {"content_type": ContentType.objects.get_for_model(row)}
    if isinstance(row, models.Model):
        facts["object_pk"] = "" if row.pk is None else str(row.pk)
        try:
            facts["object_repr"] = str(row)
        except Exception:  # noqa: BLE001 - some rows of other apps have no name before they are read
            facts["object_repr"] = f"{row._meta.verbose_name} {row.pk}"
        facts["deployment_id"] = deployment_of(row)
    return facts


def hidden(value: str) -> str:
    """Stands in an entry for a hash or another secret: tells only if there is one."""
    return "" if value in ("", "None") else MASK
