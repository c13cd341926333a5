"""Which rows are audited, and which of their fields; auditlog sees what is saved and deleted."""

from __future__ import annotations

from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.db.models import Field, ManyToManyField, Model
from django.db.models.signals import m2m_changed, pre_delete

from designs.auditing.audit import Action, new_entry
from designs.models.audit import deployment_of

MADE = frozenset({"created_by", "created_at", "updated_at"})
# Model → what is no change of anybody's: who made it when (the entry says that), counters, clocks,
# and what is worked out from other fields. Every other field is audited, new ones too.
AUDITED: dict[str, frozenset[str]] = {
    "auth.User": frozenset({"last_login", "date_joined"}),
    "auth.Group": frozenset(),
    "designs.Design": MADE,
    # What was published stays in its row.
    "designs.DesignVersion": MADE | {"document"},
    "executor.ModelConnection": MADE | {"tested_at", "test_passed", "test_sentence"},
    "deployments.Deployment": MADE,
    "deployments.RetentionPolicy": frozenset({"swept_at", "swept", "looked_at", "held"}),
    "deployments.Schedule": MADE
    | {"anchor_at", "computed_from", "next_due_at", "failures_from", "error"},
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
# Hashes of secrets. What is encrypted shows itself to nobody anyway.
SECRET = frozenset({"password", "digest", "previous_digest"})


def watch_rows() -> None:
    """At the start of a process, once."""
    for label, left_out in AUDITED.items():
        model = apps.get_model(label)
        auditlog.register(
            model,
            include_fields=audited_fields(model, left_out),
            mask_fields=sorted(SECRET),
        )
        pre_delete.connect(_remember_deployment, sender=model)
        for field in model._meta.local_many_to_many:
            m2m_changed.connect(_Links(field), sender=field.remote_field.through, weak=False)


def audited_fields(model: type[Model], left_out: frozenset[str]) -> list[str]:
    """By name, because auditlog would else take relations of other rows for fields, too."""
    own: list[Field[Any, Any]] = list(model._meta.concrete_fields)
    return [field.name for field in own if not field.primary_key and field.name not in left_out]


def _remember_deployment(instance: Model, **_: Any) -> None:
    """While the rows that say so are there."""
    instance.audit_deployment_id = deployment_of(instance)  # type: ignore[attr-defined]


class _Links:
    """Writes what a row is linked to before and after. auditlog's own receiver names every row
    there is after `clear`, and does not know from which side a link was made.
    """

    def __init__(self, field: ManyToManyField[Any, Any]) -> None:
        self.field = field

    def __call__(
        self, action: str, instance: Any, reverse: bool, pk_set: set[Any] | None, **_: Any
    ) -> None:
        if action.startswith("pre_"):
            rows = self._other_sides(instance, pk_set) if reverse else [instance]
            instance.audit_links = [(row, self._names(row)) for row in rows]
            return
        for row, before in vars(instance).pop("audit_links", ()):
            after = self._names(row)
            if after != before:
                entry = new_entry(Action.UPDATE, row)
                entry.changes = {self.field.name: [before, after]}
                entry.save(force_insert=True)

    def _other_sides(self, instance: Any, pk_set: set[Any] | None) -> list[Model]:
        """The rows that have the field, where the links are made from the related row."""
        rows = self.field.model._default_manager.all()
        chosen = {self.field.name: instance} if pk_set is None else {"pk__in": pk_set}
        return list(rows.filter(**chosen))

    def _names(self, row: Any) -> list[str]:
        linked = getattr(row, self.field.name).order_by("pk")
        if linked.model._meta.label == "auth.Permission":
            names = linked.values_list("content_type__app_label", "codename")
            return sorted(f"{app}.{codename}" for app, codename in names)
        if linked.model._meta.label == "deployments.Deployment":
            # Not by their paths: who reads the entry may not be somebody for whom they are there.
            return [str(pk) for pk in linked.values_list("pk", flat=True)]
        return [str(found) for found in linked]
