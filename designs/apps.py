"""The Django app of designs."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DesignsConfig(AppConfig):
    name = "designs"

    def ready(self) -> None:
        from designs.rows.audit_guard import restore_guard

        post_migrate.connect(restore_guard, sender=self)
