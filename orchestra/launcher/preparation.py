"""Brings database and first data up to date before anything is served.

Django's and Redis's modules are imported when their turn comes: the broker and the local model are
starting meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestra.launcher.installation import CannotStart

if TYPE_CHECKING:
    from orchestra.first_start import FirstStart


def prepare_database(say: Callable[[str], None]) -> None:
    """Bring the tables up to date; raises CannotStart if the database cannot be reached."""
    import django
    from django.core.management import call_command
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            say(f"Preparing the database ({len(waiting)} migrations)")
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    except DatabaseError as error:
        where = "DATABASE_URL" if connection.vendor == "postgresql" else "the data folder"
        raise CannotStart(f"The database cannot be used; check {where}: {error}") from error


def prepare_first_start(admin_password: str | None) -> FirstStart:
    """Make what a new installation needs; says what the start is to print."""
    import django
    from django.db import connections

    django.setup()
    from orchestra.first_start import prepare_installation

    try:
        return prepare_installation(admin_password=admin_password)
    finally:
        connections.close_all()


def check_broker(url: str) -> None:
    """Raises CannotStart if the Redis or Valkey of the URL does not answer."""
    from redis import RedisError

    from designs.runtime.redis_clients import PATIENT, redis_client

    try:
        with redis_client(PATIENT, url) as client:
            client.ping()
    except RedisError as error:
        raise CannotStart(f"Redis does not answer; check REDIS_URL. It says: {error}") from error
