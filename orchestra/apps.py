"""The app that wires the others together."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_logged_in
from django.db import connections
from django.db.models.signals import post_migrate

# Imported in every process, so that tasks are sent through this application.
from orchestra.celery import app as app


class OrchestraConfig(AppConfig):
    name = "orchestra"

    def ready(self) -> None:
        from orchestra.audit import sign_ins as sign_ins
        from orchestra.audit.rows import watch_rows
        from orchestra.sign_in.sessions import begin

        # Permissions exist only once migrate has created them for every app; deployments is the
        # last app with models, and an app without models sends no signal.
        post_migrate.connect(_make_groups, sender=apps.get_app_config("deployments"))
        user_logged_in.connect(begin)
        watch_rows()


def _make_groups(using: str, **_: Any) -> None:
    from designs.groups import ensure_groups
    from designs.models import GroupGrant

    # After a migration backwards the table may be missing.
    if GroupGrant._meta.db_table in connections[using].introspection.table_names():
        ensure_groups()
