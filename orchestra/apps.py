"""The app that wires the others together."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class OrchestraConfig(AppConfig):
    name = "orchestra"

    def ready(self) -> None:
        # Permissions exist only once migrate has made them for every app; deployments is the last
        # one that has models, and without models there is no signal.
        post_migrate.connect(_make_groups, sender=apps.get_app_config("deployments"))


def _make_groups(**_: Any) -> None:
    from designs.access import ensure_groups

    ensure_groups()
