"""How late a thousand minutely schedules start.

Run: python -m benchmarks.schedules  (BENCH_RULE=interval|cron, BENCH_SCHEDULES, BENCH_MINUTES,
BENCH_WORKERS, BENCH_SCHEDULERS, BENCH_DATABASE=postgres|sqlite)

Intervals of a minute come spread over the minute, as schedules do that people make one after the
other; with cron `* * * * *` all thousand are due at the same second. 100 deployments of three
transform blocks, one scheduler and two workers on this machine; times are those of the database.
Besides the delays it checks that every schedule ran once a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.servers import ROOT, Ground, ground

CRON = os.environ.get("BENCH_RULE", "interval") == "cron"  # noqa: TID251
SCHEDULES = int(os.environ.get("BENCH_SCHEDULES", "1000"))  # noqa: TID251
MINUTES = int(os.environ.get("BENCH_MINUTES", "3"))  # noqa: TID251
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))  # noqa: TID251
SCHEDULERS = int(os.environ.get("BENCH_SCHEDULERS", "1"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
DEPLOYMENTS = 100
# Programs need so long before they serve, and runs so long to end.
START_SECONDS, END_SECONDS = 15.0, 20.0
WANTED_SECONDS = 2.0


def main() -> None:
    """In this process: the services. What needs Django runs in processes of the installation."""
    with ground(postgres=POSTGRES) as found:
        _run(found, "make")
        _wait_for_second(60 - START_SECONDS)
        _run(found, "begin")
        # The last of them are due at the end of the minute, or (cron) at its beginning.
        minutes = MINUTES - 1 if CRON else MINUTES
        with _programs(found):
            time.sleep(START_SECONDS + 60 * minutes + END_SECONDS)
        _run(found, "tell")


def _run(found: Ground, what: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "benchmarks.schedules", what],
        env=found.environment, cwd=ROOT, check=True,
    )  # fmt: skip


def _wait_for_second(second: float) -> None:
    """Until so many seconds after a full minute."""
    time.sleep((second - time.time()) % 60)


@contextmanager
def _programs(found: Ground) -> Iterator[None]:
    celery = [sys.executable, "-m", "celery", "-A", "orchestra.celery:app", "--skip-checks"]
    beat = [*celery, "beat", "--pidfile="]
    worker = [
        *celery, "worker", "-P", "threads", "-c", "8",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    commands = [("beat", beat)] * SCHEDULERS
    commands += [("worker", [*worker, "-n", f"worker-{n}@%h"]) for n in range(WORKERS)]
    processes = []
    for n, (kind, command) in enumerate(commands):
        environment = {**found.environment, "ORCHESTRA_PROCESS": kind}
        with Path(found.folder / f"{kind}-{n}.log").open("wb") as log:
            processes.append(
                subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
            )
    try:
        yield
        ended = [process.args for process in processes if process.poll() is not None]
        if ended:
            raise SystemExit(f"These programs ended: {ended}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


# --- In a process of the installation -------------------------------------------------------------


def _make() -> None:
    from deployments.models import Deployment
    from deployments.schedules.scheduling import add_schedule
    from deployments.services import deploy_design
    from designs.access import SYSTEM

    design = Deployment.objects.get(endpoint_path="/bench").design
    rows = [{"name": f"row {n}", "amount": n} for n in range(6)]
    for number in range(DEPLOYMENTS):
        path = f"/bench/{number}"
        deployment = deploy_design(design=design, endpoint_path=path, caller=SYSTEM)
        for n in range(number, SCHEDULES, DEPLOYMENTS):
            fields = {**_rule(n), "overlap": "allow", "input_data": {"rows": rows}}
            add_schedule(deployment=deployment, fields=fields)


def _rule(number: int) -> dict[str, Any]:
    if CRON:
        return {"cron_expression": "* * * * *"}
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    return {
        "interval_seconds": 60,
        "start_at": minute + timedelta(seconds=60 * number / SCHEDULES),
    }


def _begin() -> None:
    """What became due while the schedules were made is no planned time of the benchmark."""
    from deployments.models import Schedule
    from deployments.occurrences import next_due
    from deployments.schedules.rules import rule_of

    minute = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    rows = list(Schedule.objects.with_rule())
    for row in rows:
        row.next_due_at = next_due(rule_of(row), minute - timedelta(microseconds=1))
    Schedule.objects.bulk_update(rows, ["next_due_at"])


def _tell() -> None:
    from deployments.models import Occurrence

    rows = list(Occurrence.objects.select_related("execution"))
    first = min(row.due_at for row in rows).replace(second=0, microsecond=0)
    # The last minute may not be over.
    rows = [row for row in rows if row.due_at < first + timedelta(minutes=MINUTES)]
    ran = [row for row in rows if row.execution is not None]
    outcomes = Counter(row.outcome for row in rows)
    statuses = Counter(row.execution.status for row in ran)
    kind = "all at the same second" if CRON else "spread over the minute"
    print(f"{SCHEDULES} schedules, {kind}, {MINUTES} minutes:")
    print(f"planned times {dict(outcomes)}, runs {dict(statuses)}")
    delays = {
        "accepted": [row.decided_at - row.due_at for row in ran],
        "started": [_at(row.execution.started_at) - row.due_at for row in ran],
        "ended": [_at(row.execution.completed_at) - row.due_at for row in ran],
    }
    print(f"{'seconds after the planned time':32} {'p50':>6} {'p99':>6} {'most':>6}")
    for name, found in delays.items():
        figures = (_share(found, share) for share in (0.5, 0.99, 1))
        print(f"{name:32} " + " ".join(f"{figure:6.2f}" for figure in figures))
    kept = _share(delays["started"], 0.99) <= WANTED_SECONDS
    print(f"p99 of the start {'is within' if kept else 'is NOT within'} {WANTED_SECONDS:.0f} s")
    assert outcomes == {"ran": SCHEDULES * MINUTES}
    assert statuses == {"completed": SCHEDULES * MINUTES}


def _at(time: datetime | None) -> datetime:
    """What has not come is at least as late as now."""
    return time or datetime.now(UTC)


def _share(found: list[timedelta], share: float) -> float:
    return sorted(found)[min(int(len(found) * share), len(found) - 1)].total_seconds()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        import django

        django.setup()
        {"make": _make, "begin": _begin, "tell": _tell}[sys.argv[1]]()
