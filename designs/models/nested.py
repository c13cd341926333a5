"""Which version plays which other design."""

from __future__ import annotations

from django.db import models

from designs.models.design import Design, DesignVersion


class NestedUse(models.Model):
    """A published version that plays version `number` of a design, or what is deployed at `path`.

    A design that is played is not deleted: the version would no longer run.
    """

    version = models.ForeignKey(DesignVersion, on_delete=models.CASCADE, related_name="plays")
    design = models.ForeignKey(
        Design, null=True, on_delete=models.PROTECT, related_name="played_by"
    )
    number = models.PositiveIntegerField(null=True)
    path = models.CharField(max_length=200, blank=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("version", "design", "number", "path"), name="nesteduse_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} plays {self.path or self.design_id}"
