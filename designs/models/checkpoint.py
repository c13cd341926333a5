"""Earlier states of drafts, kept so that no save destroys anything."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from designs.models.design import Design
from designs.models.json import StoredJsonField
from designs.rows.ids import new_ordered_id


class Reason(models.TextChoices):
    RESTORE = "restore", "Before a restore"
    IMPORT = "import", "Before an import"
    SUGGESTIONS = "suggestions", "Before suggested prompts"
    CONFLICT = "conflict", "One side of a conflict"
    OTHER_PERSON = "other_person", "Before another person's change"
    INTERVAL = "interval", "While editing"
    BY_HAND = "by_hand", "By hand"


class DraftCheckpoint(models.Model):
    """`document` is a draft as it was at `revision`, written by `author`; one side of a conflict
    was never the draft, and `revision` is what it was based on.
    """

    id = models.UUIDField(primary_key=True, default=new_ordered_id, editable=False)
    design = models.ForeignKey(Design, on_delete=models.CASCADE, related_name="checkpoints")
    revision = models.PositiveIntegerField()
    document = StoredJsonField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(max_length=12, choices=Reason.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "checkpoint"
        # Who may see or change a design may see its checkpoints or restore them.
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.design} r{self.revision}"

    @property
    def author_name(self) -> str | None:
        return None if self.author is None else self.author.get_username()
