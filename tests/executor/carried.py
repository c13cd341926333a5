"""Carries executions in processes of their own, which die where they are told to.

`python -m tests.executor.carried` takes lines of JSON (`executions`, `fault_point`) on standard
input and answers each with the exit code of the child that carried them. It has loaded everything
before and has one thread, so that a child costs some milliseconds; a child is a process like a
worker's.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import uuid
from typing import Any

from tests.services import plain_environment


class Carriers:
    """The program, started for the test's database; ended with the test."""

    def __init__(self, *, database_url: str, data: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.executor.carried"],
            env=plain_environment(
                {
                    "DATABASE_URL": database_url,
                    "ORCHESTRA_DATA": data,
                    "ORCHESTRA_LOCAL_MODEL": "0",
                    "DJANGO_SETTINGS_MODULE": "orchestra.settings",
                    **variables,
                }
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def carry(self, *pks: uuid.UUID, fault_point: str = "") -> int:
        """Claim and run them in a new process: its exit code, -9 if it died at the point, 3 if
        there was nothing to claim.
        """
        assert self._process.stdin
        assert self._process.stdout
        executions = [pk.hex for pk in pks]
        line = json.dumps({"executions": executions, "fault_point": fault_point})
        print(line, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=60)


def main() -> None:
    import django

    django.setup()
    from django.db import connections

    from executor.running import nursery

    for name in nursery.AHEAD:
        __import__(name)
    connections.close_all()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _carry(json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _carry(command: dict[str, Any]) -> None:
    from django.conf import settings

    from tests.performing import perform_execution

    settings.ENVIRONMENT = dataclasses.replace(
        settings.ENVIRONMENT, fault_point=command["fault_point"]
    )
    futures = [perform_execution(uuid.UUID(pk)) for pk in command["executions"]]
    found = [future for future in futures if future is not None]
    for future in found:
        future.result(timeout=600)
    os._exit(0 if found else 3)


if __name__ == "__main__":
    main()
