"""What a new installation gets: an administrator, a deployed sample, and a key to call it."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction

from deployments.access.keys import create_key, find_caller
from deployments.errors import KeyRefused
from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import caller_of
from designs.groups import ensure_groups
from designs.models import Design
from designs.sample_files import Sample, load_samples
from designs.services import create_design, publish_design

SAMPLE = "shop-welcome"
SAMPLE_PATH = f"/samples/{SAMPLE}"


@dataclass(frozen=True)
class FirstStart:
    """What the start prints. `admin_password` only when the administrator was made just now."""

    admin_password: str | None
    sample_path: str | None
    sample_key: str | None
    sample_input: dict[str, Any]


def prepare_installation(*, admin_password: str | None) -> FirstStart:
    """Make what is missing; calling it again changes nothing that people changed since."""
    with transaction.atomic():
        ensure_groups()
        admin, password = _administrator(admin_password)
        samples = {sample.slug: sample for sample in load_samples()}
        if not Design.objects.exists():
            for sample in samples.values():
                _make_sample(sample, admin)
    deployment = Deployment.objects.present().filter(endpoint_path=SAMPLE_PATH).first()
    if deployment is None:
        return FirstStart(password, None, None, {})
    key = _sample_key(deployment, admin)
    return FirstStart(password, SAMPLE_PATH, key, samples[SAMPLE].input_example)


def _administrator(given: str | None) -> tuple[User, str | None]:
    found = User.objects.filter(is_superuser=True).order_by("pk").first()
    if found is not None:
        return found, None
    password = given or secrets.token_urlsafe(12)
    admin = User.objects.create_superuser("admin", password=password)
    admin.groups.add(Group.objects.get(name="Administrator"))
    return admin, password


def _make_sample(sample: Sample, admin: User) -> None:
    caller = caller_of(admin)
    design = create_design(document=sample.document, caller=caller)
    publish_design(design=design, caller=caller, note="Comes with the installation")
    if sample.slug == SAMPLE:
        deploy_design(design=design, endpoint_path=SAMPLE_PATH, caller=caller)


def _sample_key(deployment: Deployment, admin: User) -> str:
    """The key of the printed example: kept beside the installation's other secrets, readable by its
    owner only.
    """
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
