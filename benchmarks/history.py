"""The history at a million executions: milliseconds of its pages, its call and the admin's list.

Run: python -m benchmarks.history  (BENCH_EXECUTIONS, BENCH_DATABASE=postgres|sqlite)

Rows of ten deployments over a hundred days, of every status. Each address is asked several times
over Django's whole request cycle; the median and the slowest are told.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.servers import ROOT, ground

EXECUTIONS = int(os.environ.get("BENCH_EXECUTIONS", "1000000"))  # noqa: TID251
POSTGRES = os.environ.get("BENCH_DATABASE", "postgres") == "postgres"  # noqa: TID251
if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

    from executor.models import Execution

WANTED_MS = 300.0
TIMES = 7
BATCH = 10_000
DEPLOYMENTS = 10
DAYS = 100


def main() -> None:
    with ground(postgres=POSTGRES) as found:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.history", "measure"],
            env=found.environment, cwd=ROOT, check=True,
        )  # fmt: skip


def _measure() -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from executor.history.totals import add_up
    from executor.models import Execution

    began = time.perf_counter()
    _fill()
    # As workers do all the time.
    add_up()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    count = Execution.objects.count()
    print(f"{count:,} executions written in {time.perf_counter() - began:.0f} s")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get())
    middle = Execution.objects.order_by("id")[count // 2].public_id
    deployment = Execution.objects.exclude(deployment=None).first().deployment_id
    day = (timezone.now() - timedelta(days=DAYS // 2)).date().isoformat()
    for path in (
        "/executions/",
        f"/executions/?before={middle}",
        "/executions/?status=failed",
        "/executions/?status=running",
        f"/executions/?deployment={deployment}",
        f"/executions/?deployment={deployment}&status=timed_out",
        "/executions/?trigger_type=scheduled",
        "/executions/?text=history/3",
        "/executions/?text=nothing-like-it",
        "/executions/?text=rare",
        "/executions/?text=bench",
        "/deployments/",
        "/api/deployments",
        f"/executions/?started_after={day}&started_before={day}",
        "/",
        "/api/executions?limit=50",
        f"/api/deployments/{deployment}/logs?status=failed",
        "/admin/executor/execution/",
        "/admin/executor/execution/?status__exact=failed",
    ):
        _tell(client, path)


def _tell(client: Client, path: str) -> None:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    median, most = statistics.median(times), max(times)
    mark = "" if median < WANTED_MS else f"   over {WANTED_MS:.0f} ms"
    print(f"{path:75.75} {median:7.0f} ms  (most {most:.0f}){mark}", flush=True)


def _fill() -> None:
    from django.utils import timezone

    from deployments.services import deploy_design
    from designs.access import SYSTEM
    from designs.models import Design
    from designs.rows.ids import first_id_at
    from designs.rows.writing import Insert, insert_rows
    from executor.models import Execution, Status, Trigger

    design = Design.objects.get(name="Bench")
    version = design.versions.get()
    rows = [
        deploy_design(design=design, endpoint_path=f"/history/{number}", caller=SYSTEM)
        for number in range(DEPLOYMENTS)
    ]
    start = timezone.now() - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / EXECUTIONS
    ends = [Status.COMPLETED] * 90 + [Status.FAILED] * 8 + [Status.TIMED_OUT, Status.CANCELLED]
    triggers = list(Trigger)

    def row(number: int, at: datetime) -> Execution:
        # The beginning of an id is its time; the end only tells them apart.
        return Execution(
            id=uuid.UUID(int=first_id_at(at).int | number),
            deployment=rows[number % DEPLOYMENTS],
            design=design,
            version=version,
            status=ends[number % 100],
            trigger_type=triggers[number % 7 % 3],
            triggered_by="rare hand" if number % 50_000 == 7 else "bench",
            input_data={"rows": [{"name": "row", "amount": number}]},
            result_data={"total": number},
            created_at=at,
            started_at=at,
            completed_at=at + timedelta(milliseconds=number % 900),
            attempt=1,
        )

    for first in range(0, EXECUTIONS, BATCH):
        last = min(first + BATCH, EXECUTIONS)
        insert_rows([Insert(Execution, [row(n, start + step * n) for n in range(first, last)])])


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        import django

        django.setup()
        _measure()
