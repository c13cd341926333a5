"""The app that wires the others together."""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.signals import user_logged_in
from django.db import connections
from django.db.models.signals import post_migrate

# Tasks that are called, in whatever process, go to this application.
from orchestra.celery import app as app


class OrchestraConfig(AppConfig):
    name = "orchestra"

    def ready(self) -> None:
        # Permissions exist only once migrate has made them for every app; deployments is the last
        # one that has models, and without models there is no signal.
        post_migrate.connect(_make_groups, sender=apps.get_app_config("deployments"))
        user_logged_in.connect(_begin_session)
        _watch()


def _begin_session(**given: Any) -> None:
    from orchestra.sign_in.sessions import begin

    begin(**given)


def _watch() -> None:
    from orchestra.audit.rows import watch_rows
    from orchestra.audit.sign_ins import watch_sign_ins

    watch_rows()
    watch_sign_ins()


def _make_groups(using: str, **_: Any) -> None:
    from designs.groups import ensure_groups
    from designs.models import GroupGrant

    # After a migration to an older state it may not be there; the next one makes the groups.
    if GroupGrant._meta.db_table in connections[using].introspection.table_names():
        ensure_groups()
