"""`manage.py prepare`: migrates the database, and creates the first administrator, a deployed
sample, and a key to call it.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from deployments.access.keys import create_key, find_caller
from deployments.errors import KeyRefused
from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import caller_of
from designs.groups import ensure_groups
from designs.models import Design
from designs.runtime.redis_clients import PATIENT, redis_client
from designs.sample_files import load_samples
from designs.services import create_design, publish_design
from executor.tool_connections.naming import tool_problems
from orchestra.launcher.preparation import DATABASE_READY
from orchestra.launcher.welcome import FirstStart

NOTE = "Comes with the installation"
SAMPLE = "shop-welcome"
SAMPLE_PATH = f"/samples/{SAMPLE}"


class Command(BaseCommand):
    help = "Migrate the database and create first data; `up` runs this and reads its output."
    # They would import every page; `make check` runs them.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        environment = settings.ENVIRONMENT
        try:
            if not environment.embedded_broker:
                with redis_client(PATIENT) as client:
                    client.ping()
            executor = MigrationExecutor(connection)
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if plan:
                self._print(f"Preparing the database ({len(plan)} migrations)")
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        except redis.RedisError as error:
            sys.exit(f"Redis does not answer; check REDIS_URL. It says: {error}")
        except DatabaseError as error:
            where = "DATABASE_URL" if connection.vendor == "postgresql" else "the data folder"
            sys.exit(f"The database cannot be used; check {where}: {error}")
        self._print(DATABASE_READY)
        first = prepare_installation(admin_password=environment.admin_password or None)
        self._print(json.dumps(asdict(first)))

    def _print(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def prepare_installation(*, admin_password: str | None) -> FirstStart:
    """Create whatever is missing; a second call overwrites nothing."""
    samples = {sample.slug: sample for sample in load_samples()}
    new_password = None
    with transaction.atomic():
        ensure_groups()
        admin = User.objects.filter(is_superuser=True).order_by("pk").first()
        if admin is None:
            new_password = admin_password or secrets.token_urlsafe(12)
            admin = User.objects.create_superuser("admin", password=new_password)
            admin.groups.add(Group.objects.get(name="Administrator"))
        if not Design.objects.exists():
            caller = caller_of(admin)
            for sample in samples.values():
                design = create_design(document=sample.document, caller=caller)
                if not tool_problems(sample.document, caller):
                    publish_design(design=design, caller=caller, note=NOTE)
                # One that names tools stays a draft until they are offered.
                if sample.slug == SAMPLE:
                    deploy_design(design=design, endpoint_path=SAMPLE_PATH, caller=caller)
    deployment = Deployment.objects.present().filter(endpoint_path=SAMPLE_PATH).first()
    if deployment is None:
        return FirstStart(new_password)
    key = sample_key(deployment, admin)
    return FirstStart(new_password, SAMPLE_PATH, key, samples[SAMPLE].input_example)


def sample_key(deployment: Deployment, admin: User) -> str:
    """The key of the printed example, stored with the installation's other secrets."""
    path = Path(settings.ENVIRONMENT.data) / "sample-key"
    if path.exists():
        text = path.read_text().strip()
        try:
            find_caller(text)
        except KeyRefused:
            pass
        else:
            return text
    _, text = create_key(
        owner=admin, name="Sample call", scopes=("execute", "read"), deployments=[deployment]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    return text
