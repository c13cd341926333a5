"""`python -m tests.faults`: the battery of faults, against servers and processes of its own."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from orchestra.launcher.installation import free_loopback_port
from tests import servers
from tests.faults.provider import provider
from tests.services import plain_environment

LEASE_SECONDS = 3.0
ANSWER_SECONDS = 0.25


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--database", choices=("embedded", "postgres"), default="postgres")
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--executions", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=None, help="random unless given")
    parser.add_argument("--web", type=int, default=2)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--beats", type=int, default=2)
    parser.add_argument("--pause", type=float, default=0.6, help="seconds between a caller's calls")
    parser.add_argument(
        "--settled-within", type=float, default=10.0,
        help="seconds after the lease in which somebody must run what a fault interrupted",
    )  # fmt: skip
    parser.add_argument("--only", default="", help="only faults whose name begins so")
    parser.add_argument(
        "--break-fencing",
        action="store_true",
        help="the control: runs a copy of the code without fencing, and must find breaches",
    )
    return parser.parse_args()


def main() -> int:
    """0 if the contract held; with --break-fencing 0 if it was seen not to."""
    given = arguments()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="orchestra-faults-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        broker = servers.valkey(folder).start()
        stack.callback(broker.stop)
        database = None
        variables = {
            "ORCHESTRA_DATA": str(folder / "data"),
            "ORCHESTRA_PORT": str(free_loopback_port()),
            "ORCHESTRA_LOCAL_MODEL": "0",
            "ORCHESTRA_LEASE_SECONDS": str(LEASE_SECONDS),
            "ORCHESTRA_WEB_PROCESSES": str(given.web),
            "ORCHESTRA_WORKERS": str(given.workers),
            "ORCHESTRA_SCHEDULERS": str(given.beats),
            "REDIS_URL": broker.url,
        }
        if given.database == "postgres":
            # What was committed must be there after a crash; of a power cut there is no talk.
            settings = {**servers.POSTGRES_SETTINGS, "synchronous_commit": "on"}
            database = servers.postgres(folder, settings).start()
            stack.callback(database.stop)
            variables["DATABASE_URL"] = database.url
        model = stack.enter_context(provider(ANSWER_SECONDS))
        variables |= {"ORCHESTRA_LLM_URL": model.url, "ORCHESTRA_LLM_MODEL": "counted"}
        environment = plain_environment(variables)
        environment["DJANGO_SETTINGS_MODULE"] = "orchestra.settings"
        os.environ.clear()  # noqa: TID251 - from here on this process belongs to the installation
        os.environ.update(environment)  # noqa: TID251
        # Only now: Django reads its settings when it is first imported.
        from tests.faults import stage

        return stage.play(given, seed, folder, variables, broker, database, model)


if __name__ == "__main__":
    sys.exit(main())
