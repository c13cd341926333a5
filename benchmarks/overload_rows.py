"""Rows of an installation under load: made and read in a process of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.servers import ROOT, Ground


def _inside(found: Ground, code: str) -> Any:
    text = "import django; django.setup()\nimport json\n" + code
    done = subprocess.run(
        [sys.executable, "-c", text], env=found.environment, cwd=ROOT, check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.strip().splitlines()[-1])


def people_of(found: Ground, count: int) -> list[dict[str, str]]:
    """Administrators, each with a key and a session."""
    people: list[dict[str, str]] = _inside(found, _MAKE_PEOPLE.replace("PEOPLE", str(count)))
    return people


def states_of(found: Ground) -> dict[str, str]:
    states: dict[str, str] = _inside(found, _READ_STATES)
    return states


_MAKE_PEOPLE = """
from django.contrib.auth.models import User
from django.test import Client
from deployments.keys import create_key
made = []
for number in range(PEOPLE):
    user = User.objects.create_superuser(f"person{number}", password=None)
    browser = Client()
    browser.force_login(user)
    made.append({"key": create_key(owner=user)[1], "session": browser.cookies["sessionid"].value})
print(json.dumps(made))
"""
_READ_STATES = """
from executor.models import Execution
rows = Execution.objects.values_list("pk", "status").iterator()
print(json.dumps({str(pk): status for pk, status in rows}))
"""
