"""Designs with their drafts, and their published versions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.text import slugify

from designs.access import Caller, seen_deployments
from designs.models.json import StoredJsonField
from designs.rows.ids import new_id

# With room for a number after it.
MAX_NAME = 190
MAX_TRIED = 1_000


class DesignQuerySet(models.QuerySet["Design"]):
    def for_caller(self, caller: Caller) -> DesignQuerySet:
        """Designs that the caller may see; a bound key sees those of its deployments."""
        if not caller.may("designs.view_design"):
            return self.none()
        if caller.deployment_ids is None:
            return self
        return self.filter(
            pk__in=Design.objects.filter(deployments__in=caller.deployment_ids).values("pk")
        )

    def free_name(self, name: str) -> str:
        """The name, with a number after it if there is a design of that name already."""
        base = name[:MAX_NAME]
        alike = self.filter(name__startswith=base).values_list("name", flat=True)
        taken = set(alike[:MAX_TRIED])
        numbered = (f"{base} {number}" for number in range(2, MAX_TRIED + 3))
        return next(found for found in (base, *numbered) if found not in taken)

    def with_latest_version(self) -> DesignQuerySet:
        """Adds `latest_version`: the highest published number, or None."""
        return self.annotate(latest_version=models.Max("versions__number"))


class Design(models.Model):
    """`draft` is the document in progress, which may have problems. Every write of it raises
    `revision`; who wrote last, and when, is `changed_by` and `changed_at`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    draft = StoredJsonField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DesignQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        permissions = (
            ("publish_design", "Can publish versions of designs"),
            ("try_design", "Can run drafts to try them"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def changed_by_name(self) -> str | None:
        return None if self.changed_by is None else self.changed_by.get_username()

    @property
    def file_name(self) -> str:
        """Of the draft as a file."""
        return f"{slugify(self.name)[:80] or 'design'}.json"

    def latest(self) -> DesignVersion | None:
        return self.versions.order_by("-number").first()

    def is_referred_to(self) -> bool:
        """True if deployments or executions protect the design from deletion."""
        return any(
            relation.related_model._base_manager.filter(**{relation.field.name: self}).exists()
            for relation in self._meta.related_objects
            if relation.on_delete is models.PROTECT and relation.related_model is not DesignVersion
        )


class DesignVersionQuerySet(models.QuerySet["DesignVersion"]):
    def for_list(self, caller: Caller) -> DesignVersionQuerySet:
        """Newest first, without documents. Adds `deployment_count`: how many deployments that the
        caller may see use the version.
        """
        rows = seen_deployments(caller).filter(version=models.OuterRef("pk")).order_by()
        counts = rows.values("version").annotate(n=models.Count("pk")).values("n")
        count = Coalesce(models.Subquery(counts), 0, output_field=models.IntegerField())
        listed = self.select_related("created_by").defer("document").order_by("-number")
        return listed.annotate(deployment_count=count)


class DesignVersion(models.Model):
    """A published document, which never changes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = StoredJsonField()
    note = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DesignVersionQuerySet.as_manager()

    class Meta:
        ordering = ("design", "-number")
        constraints = [
            models.UniqueConstraint(fields=("design", "number"), name="designversion_design_number")
        ]

    def __str__(self) -> str:
        return f"{self.design} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A published version cannot be changed: publish another one.")
        super().save(*args, **kwargs)

    @property
    def created_by_name(self) -> str | None:
        return None if self.created_by is None else self.created_by.get_username()
