"""Which models and fields are audited. auditlog records saves and deletions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.db.models import Field, ManyToManyField, Model
from django.db.models.signals import m2m_changed, pre_delete

from designs.auditing.audit import Action, new_entry
from designs.models.audit import deployment_of

MADE = frozenset({"created_by", "created_at", "updated_at"})
# Model → fields that nobody changes by hand: creator and times (which the entry has), counters, and
# fields computed from others. Every other field is audited, new ones too.
AUDITED: dict[str, frozenset[str]] = {
    "auth.User": frozenset({"last_login", "date_joined"}),
    "auth.Group": frozenset(),
    "designs.Design": MADE | {"revision", "changed_by", "changed_at"},
    # A published document never changes.
    "designs.DesignVersion": MADE | {"document"},
    "executor.ModelConnection": MADE | {"tested_at", "test_passed", "test_sentence"},
    "executor.ToolConnection": MADE
    | {"protocol", "tested_at", "test_passed", "test_sentence", "read_at", "read_again_at"},
    # What a server says is no decision until it is accepted.
    "executor.Tool": MADE | {"digest", "changed", "is_gone"},
    "deployments.Deployment": MADE,
    "deployments.RetentionPolicy": frozenset({"swept_at", "swept", "looked_at", "held"}),
    "deployments.Schedule": MADE
    | {"anchor_at", "computed_from", "next_due_at", "next_run_at", "failures_from", "error"},
    "deployments.ExclusionCalendar": MADE | {"edition"},
    "deployments.ApiKey": MADE | {"last_used_at", "last_used_address"},
    "deployments.CallbackSecret": frozenset({"changed_at"}),
    "django_celery_beat.PeriodicTask": frozenset(
        {"last_run_at", "total_run_count", "date_changed"}
    ),
    "django_celery_beat.CrontabSchedule": frozenset(),
    "django_celery_beat.IntervalSchedule": frozenset(),
    "django_celery_beat.SolarSchedule": frozenset(),
    "django_celery_beat.ClockedSchedule": frozenset(),
}
# Hashes of secrets. Encrypted fields never show their value.
SECRET = frozenset({"password", "digest", "previous_digest"})


def watch_rows() -> None:
    """Call once, at the start of a process."""
    for label, left_out in AUDITED.items():
        model = apps.get_model(label)
        auditlog.register(
            model,
            include_fields=audited_fields(model, left_out),
            mask_fields=sorted(SECRET),
        )
        pre_delete.connect(_keep_deployment, sender=model)
        for field in model._meta.local_many_to_many:
            m2m_changed.connect(_Links(field), sender=field.remote_field.through, weak=False)


def audited_fields(model: type[Model], left_out: frozenset[str]) -> list[str]:
    """Named one by one, because auditlog would take reverse relations for fields."""
    own: list[Field[Any, Any]] = list(model._meta.concrete_fields)
    return [field.name for field in own if not field.primary_key and field.name not in left_out]


def _keep_deployment(instance: Model, **_: Any) -> None:
    """Before the rows that lead to the deployment are deleted."""
    instance.audit_deployment_id = deployment_of(instance)  # type: ignore[attr-defined]


class _Links:
    """Records a row's links before and after. auditlog's own receiver names every row of the table
    after `clear`, and ignores from which side a link was made.
    """

    def __init__(self, field: ManyToManyField[Any, Any]) -> None:
        self.field = field

    def __call__(
        self, action: str, instance: Any, reverse: bool, pk_set: set[Any] | None, **_: Any
    ) -> None:
        if action.startswith("pre_"):
            rows: Iterable[Model] = [instance]
            if reverse:
                changed = {self.field.name: instance} if pk_set is None else {"pk__in": pk_set}
                rows = self.field.model._default_manager.filter(**changed)
            instance.audit_links = [(row, self._names(row)) for row in rows]
            return
        for row, before in vars(instance).pop("audit_links", ()):
            after = self._names(row)
            if after != before:
                entry = new_entry(Action.UPDATE, row)
                entry.changes = {self.field.name: [before, after]}
                entry.save(force_insert=True)

    def _names(self, row: Any) -> list[str]:
        linked = getattr(row, self.field.name).order_by("pk")
        if linked.model._meta.label == "auth.Permission":
            names = linked.values_list("content_type__app_label", "codename")
            return sorted(f"{app}.{codename}" for app, codename in names)
        if linked.model._meta.label == "deployments.Deployment":
            # Not by their paths: the reader of the entry may not be allowed to see them.
            return [str(pk) for pk in linked.values_list("pk", flat=True)]
        return [str(row) for row in linked]
