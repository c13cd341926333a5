"""The audit: who changed or did what, when, from where, before and after."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models

from designs.access import SYSTEM, Caller
from designs.acting import now_acting, verb_of_changes
from designs.rows.changes import differences
from designs.rows.ids import first_id_at, new_ordered_id
from designs.secrets.encryption import SHOWN
from designs.secrets.masking import masked_value

# An id's time and the entry's own are taken one after the other.
TIMES_APART = timedelta(minutes=1)
# Fields that hold what goes into runs: read by those alone who may see payloads.
PAYLOADS = frozenset({"input_data"})
HIDDEN = "(hidden)"


class Action(models.IntegerChoices):
    """What was done. The first four are auditlog's own, the others leave no change of a row."""

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
    UNDEPLOY = 20, "Undeployed"
    ROTATE = 21, "Rotated"
    REVOKE = 22, "Revoked"
    SIGN_IN = 30, "Signed in"
    SIGN_IN_FAILED = 31, "Failed to sign in"
    SIGN_OUT = 32, "Signed out"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def for_caller(self, caller: Caller) -> AuditEntryQuerySet:
        """All entries, for those who may read the audit, but for deployments that are not there for
        them.
        """
        if not caller.may("designs.view_auditentry"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        # A negated IN on a column that may be null leaves out the nulls as well.
        hidden = models.Q(deployment_id__in=_hidden_deployments(caller))
        return rows.filter(models.Q(deployment_id=None) | ~hidden)

    def about(self, row: models.Model) -> AuditEntryQuerySet:
        """What was changed of this row, or done with it."""
        kind = ContentType.objects.get_for_model(row)
        return self.filter(content_type=kind, object_pk=str(row.pk))

    def since(self, at: datetime) -> AuditEntryQuerySet:
        """Written at that time or later; the id's own time lets the primary key find them."""
        return self.filter(timestamp__gte=at, pk__gte=first_id_at(at - TIMES_APART))

    def until(self, at: datetime) -> AuditEntryQuerySet:
        """Written before that time."""
        return self.filter(timestamp__lt=at, pk__lt=first_id_at(at + TIMES_APART))


def _hidden_deployments(caller: Caller) -> models.QuerySet[Any]:
    deployment = apps.get_model("deployments", "Deployment")
    limited = deployment._default_manager.exclude(groups=None)
    return limited.exclude(groups__in=caller.group_ids).values("pk")


class AuditEntryManager(LogEntryManager.from_queryset(AuditEntryQuerySet)):  # type: ignore[misc]
    """As auditlog writes them, and as pages and API read them."""

    def log_create(self, instance: models.Model, force_log: bool = False, **fields: Any) -> Any:
        """What auditlog's receivers call; its own method fails for rows that have no name yet."""
        if fields.get("changes") is None and not force_log:
            return None
        return self.create(**{**facts_of(instance), **fields})


class AuditEntry(AbstractLogEntry):  # type: ignore[misc]
    """One change of a row, or one thing that somebody did.

    `changes` is field → [before, after]; of JSON documents the places that differ, as paths. Names
    are kept beside ids: the entry stays true when its person, key or row is gone.
    """

    # What comes from auditlog, for the type checker.
    object_repr: str
    changes: Any
    additional_data: Any
    cid: str | None
    remote_addr: str | None
    timestamp: datetime

    # What is not kept.
    object_id = serialized_data = changes_text = remote_port = actor_email = None

    id = models.UUIDField(primary_key=True, default=new_ordered_id, editable=False)
    content_type = models.ForeignKey(
        ContentType, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    object_pk = models.CharField(max_length=255, blank=True)
    action = models.PositiveSmallIntegerField(choices=Action.choices)
    # What a deleted person did stays theirs: no entry may change, so nothing is set to null.
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
    # So that what is limited to some groups is limited here, too.
    deployment_id = models.UUIDField(null=True, blank=True, db_index=True)

    Action = Action
    objects = AuditEntryManager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit"
        # Nobody may add, change or delete one, not even a superuser.
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
        """Fill in who acts, from where, unless that is said already, and leave out what is no use.

        Asked by `save`; what is inserted in bulk asks itself.
        """
        found = now_acting()
        if not self.actor_name:
            self.say_caller(SYSTEM if found is None else found.caller)
        if found is not None:
            self.remote_addr = self.remote_addr or found.address
            self.cid = self.cid or found.correlation_id
        if self.action == Action.UPDATE:
            self.action = verb_of_changes() or self.action
        self.changes = masked_value(_spread(self.changes or {}))
        self.additional_data = masked_value(self.additional_data)
        self.object_repr = masked_value(self.object_repr)

    def say_caller(self, caller: Caller) -> None:
        self.actor_id = caller.user_id
        self.actor_name = caller.name or "nobody"
        self.key_id = caller.key_id
        self.key_name = caller.key_name

    @property
    def what(self) -> str:
        """The kind of row, in words; from a cache of the process."""
        kind = ContentType.objects.get_for_id(self.content_type_id)
        return str(kind.name)

    @property
    def model(self) -> str:
        """The kind of row as `app.model`."""
        kind = ContentType.objects.get_for_id(self.content_type_id)
        return f"{kind.app_label}.{kind.model}"

    @property
    def action_name(self) -> str:
        """As the API says it: `create`, `sign_in`, …"""
        return Action(self.action).name.lower()

    @property
    def changed(self) -> list[str]:
        """The fields, or paths into documents, that were changed."""
        return sorted(self.changes or {})

    def changes_for(self, caller: Caller) -> Iterator[tuple[str, Any, Any]]:
        """(field or path, before, after), without what goes into runs for those who may not see
        it.
        """
        may_see = caller.may("executor.view_payload")
        hides = not caller.is_superuser or caller.deployment_ids is not None
        for path, (before, after) in sorted((self.changes or {}).items()):
            if not may_see and path.partition("/")[0] in PAYLOADS:
                before, after = (None if value is None else HIDDEN for value in (before, after))
            if hides and path == "deployments":
                before, after = (_seen_ids(value, caller) for value in (before, after))
            yield path, before, after


def _seen_ids(value: Any, caller: Caller) -> Any:
    """Ids of deployments, without those that are not there for the caller."""
    if not isinstance(value, list):
        return value
    hidden = {str(pk) for pk in _hidden_deployments(caller).values_list("pk", flat=True)}
    bound = caller.deployment_ids
    allowed = None if bound is None else {str(pk) for pk in bound}
    return [
        HIDDEN
        if (pk in hidden and not caller.is_superuser) or (allowed and pk not in allowed)
        else pk
        for pk in value
    ]


def deployment_of(row: models.Model) -> uuid.UUID | None:
    """The deployment that a row is, or belongs to; None for what belongs to none.

    A row whose relatives are not there yet, or no more, is told by `audit_deployment_id`.
    """
    if row._meta.label == "deployments.Deployment":
        found: Any = row.pk
    else:
        schedule = getattr(row, "orchestra_schedule", row)
        found = getattr(schedule, "deployment_id", None)
    return found or getattr(row, "audit_deployment_id", None)


def facts_of(row: models.Model | type[models.Model]) -> dict[str, Any]:
    """Which row an entry is about, or which kind of rows; by the names of the entry's fields."""
    facts: dict[str, Any] = {"content_type": ContentType.objects.get_for_model(row)}
    if isinstance(row, models.Model):
        facts["object_pk"] = "" if row.pk is None else str(row.pk)
        facts["object_repr"] = _name_of(row)
        facts["deployment_id"] = deployment_of(row)
    return facts


def _name_of(row: models.Model) -> str:
    try:
        return str(row)
    except Exception:  # noqa: BLE001 - of other apps' rows not each can be named before it is read
        return f"{row._meta.verbose_name} {row.pk}"


def hidden(value: str) -> str:
    """What stands in an entry for a hash or another secret: whether there is one, and no more."""
    return "" if value in ("", "None") else SHOWN


def _spread(changes: dict[str, Any]) -> dict[str, Any]:
    """Two JSON documents become the places that differ. What is hidden looks the same there."""
    found: dict[str, Any] = {}
    for name, (before, after) in changes.items():
        if before == after != SHOWN:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            found.update({path: [old, new] for path, old, new in differences(before, after, name)})
        else:
            found[name] = [before, after]
    return found
