"""Makes a person and a key for each group in a running installation, and things to work on.

Run with the installation's variables: `python -m tests.role_keys`; prints one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.installations import ROOT, Installation
from tests.services import plain_environment


def role_keys(installation: Installation) -> dict[str, Any]:
    """{"keys": {group: key}, "ids": {word: id}} of what was made."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.role_keys"],
        cwd=ROOT,
        env=plain_environment(dict(installation.variables)),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251
    import django

    django.setup()
    from django.contrib.auth.models import Group, User

    from deployments.access.keys import create_key
    from deployments.models import Delivery
    from deployments.services import deploy_design, invoke_deployment
    from designs.access import GROUPS, SCOPES, SYSTEM
    from designs.services import create_design, publish_design
    from executor.models import DecisionRequest, Trigger
    from tests.documents import doubling, greeting

    keys = {}
    for name in GROUPS:
        user = User.objects.create_user(f"role-{name.lower()}")
        user.groups.add(Group.objects.get(name=name))
        keys[name] = create_key(owner=user, scopes=SCOPES)[1]
    design = create_design(document=greeting(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    deployment = deploy_design(design=design, endpoint_path="/role/greet", caller=SYSTEM)
    strict = create_design(document=doubling(), caller=SYSTEM)
    deploy_design(design=strict, endpoint_path="/role/double", caller=SYSTEM)
    spare = deploy_design(design=strict, endpoint_path="/role/spare", caller=SYSTEM)
    execution = invoke_deployment(
        deployment=deployment, input_data={}, trigger=Trigger.API, caller=SYSTEM
    )
    delivery = Delivery.objects.create(
        deployment=deployment, execution=execution, url="https://nothing.invalid/hook"
    )
    request = DecisionRequest.objects.create(
        execution=execution, key="greet/0", kind="approval", question="Greet?", required=1_000
    )
    key, _ = create_key(owner=User.objects.get(username="role-operator"), name="Spare")
    ids = {
        "design": design.pk,
        "deployment": deployment.pk,
        "spare deployment": spare.pk,
        "execution": execution.pk,
        "delivery": delivery.pk,
        "key": key.pk,
        "request": request.pk,
    }
    print(json.dumps({"keys": keys, "ids": {name: str(pk) for name, pk in ids.items()}}))  # noqa: T201


if __name__ == "__main__":
    main()
